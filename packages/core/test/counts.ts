/** How much of a test to run: the short form in `npm test`, the full counts in `npm run test:long`. */
export const count = (short: number, long: number): number => (process.env["KVORUM_TEST_LONG"] ? long : short);
