/** `npm run bench` works as a whole: both clusters start, answer everything they are asked, and the figures are written down. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../bench/dist/main.js", import.meta.url));

interface Result {
  readonly lines: readonly { readonly system: string; readonly workload: string; readonly errors: number }[];
  readonly rounds: readonly { readonly system: string; readonly ops: number }[];
}

test("bench runs Kvorum beside the null Dynamo, and neither fails an operation", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kvorum-bench-test-"));
  try {
    const out = join(folder, "result.json");
    const brief = ["--seconds", "0.5", "--warmup", "0.1", "--rounds", "1", "--concurrency", "8", "--records", "200"];
    const { stdout } = await run(process.execPath, [main, ...brief, "--workloads", "a", "--out", out]);
    const { lines, rounds } = JSON.parse(await readFile(out, "utf8")) as Result;
    expect(lines.map(({ system }) => system)).toEqual(["null", "kvorum", "null", "kvorum"]);
    for (const line of lines) expect(line).toMatchObject({ workload: "a", errors: 0 });
    for (const { ops } of rounds) expect(ops).toBeGreaterThan(0);
    expect(stdout).toContain("of the null");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a flag that cannot be is exit 2 and one line", async () => {
  const failure: unknown = await run(process.execPath, [main, "--seconds", "never"]).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 2, stderr: "--seconds: a number above 0, not never\n" });
});
