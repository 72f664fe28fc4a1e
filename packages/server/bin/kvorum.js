#!/usr/bin/env node
// A committed shim: npm links bins before `prepare` has built dist/.
const { main } = await import("../dist/cli/main.js");
await main(process.argv);
