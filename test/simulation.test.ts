/** The simulator's command line as people who work on Kvorum call it (CONTRACT §6). `test/run.sh` has the long runs. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { count } from "../packages/core/test/counts.js";

const MAIN = fileURLToPath(new URL("../packages/simulator/cli/dist/main.js", import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Report {
  readonly seeds: number;
  readonly digest: string;
  readonly violations: readonly { readonly seed: number; readonly invariant: string; readonly replay: string }[];
}

function sim(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

const reportOf = ({ stdout }: Ended): Report => JSON.parse(stdout) as Report;

describe("npm run sim", () => {
  it("says the same digest for the same seeds, whatever number of threads runs them, and another for others", async () => {
    const seeds = ["--seeds", String(count(2, 12)), "--json"];
    const [alone, together, others] = [
      await sim(...seeds, "--workers", "1"),
      await sim(...seeds, "--workers", "3"),
      await sim(...seeds, "--first", "7"),
    ].map(reportOf) as [Report, Report, Report];
    expect(together.digest).toBe(alone.digest);
    expect(others.digest).not.toBe(alone.digest);
  });

  it("answers --json with one document that has what the contract names", async () => {
    const ended = await sim("--seeds", "1", "--first", "41", "--json");
    expect(ended.code).toBe(0);
    const report: unknown = JSON.parse(ended.stdout);
    expect(report).toMatchObject({ seeds: 1, violations: [] });
    for (const name of ["steps", "virtualSeconds", "digest", "acknowledged", "unknown", "faults"]) {
      expect(report).toHaveProperty(name);
    }
  });

  it("lists its plants, finds one, exits 1, and prints the command that replays what it found", async () => {
    const plants = JSON.parse((await sim("--plants", "--json")).stdout) as { name: string; what: string }[];
    expect(plants.map(({ name }) => name)).toContain("ack-before-flush");
    const found = await sim("--plant", "ack-before-flush", "--seeds", "10", "--json");
    const [violation] = reportOf(found).violations;
    expect(found.code).toBe(1);
    expect(violation?.replay).toBe(`npm run sim -- --seed ${violation?.seed} --plant ack-before-flush --trace`);
    const args = violation?.replay.split(" -- ")[1]?.split(" ") ?? [];
    const replayed = await sim(...args);
    expect(replayed.code).toBe(1);
    expect(replayed.stdout).toContain(`VIOLATED ${violation?.invariant} at seed ${violation?.seed}`);
  });

  it("tells one seed as a story", async () => {
    const told = await sim("--seed", "42", "--trace");
    expect(told.code).toBe(0);
    expect(told.stdout).toMatch(/the cluster is founded: n1/);
    expect(told.stdout).toMatch(/c1 > n\d: PUT carts\//);
  });

  it.each([[["--seeds", "none"]], [["--plant", "no-such-bug"]], [["--what"]]])(
    "refuses %j with one line and usage",
    async (args) => {
      const refused = await sim(...args);
      expect([refused.code, refused.stdout]).toEqual([2, ""]);
      expect(refused.stderr).toContain("Usage: npm run sim");
    },
  );
});
