/** Numbers for people. */
import { expect, it } from "vitest";
import { formatBytes } from "../../src/cli/output.js";

it("says bytes without fractions, and more of them in the largest unit that fits", () => {
  expect([0, 52.2505, 1023.4, 1024, 1536, 3 * 1024 ** 3].map(formatBytes)).toEqual([
    ...["0 B", "52 B", "1023 B"],
    ...["1.0 KiB", "1.5 KiB", "3.0 GiB"],
  ]);
});
