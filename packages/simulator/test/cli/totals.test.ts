/** Many runs together: what they count, and when they prove nothing (CONTRACT §6, TRAPS 33). */
import { describe, expect, it } from "vitest";
import { families } from "../../src/faults/all.js";
import type { RunResult } from "../../src/run/result.js";
import { drawScript } from "../../src/run/script.js";
import { rarePaths } from "../../src/sometimes.js";
import { jsonReport, textReport } from "../../cli/src/report.js";
import { Totals } from "../../cli/src/totals.js";

const { config } = drawScript(1);
const spent = { seconds: 2, cpuSeconds: 4, commit: "abc1234" };

function result(seed: number, about: Partial<RunResult> = {}): RunResult {
  const counts = { steps: 1_000, virtualMs: 10_000, acknowledged: 210, unknown: 3 };
  return {
    ...{ seed, config: { ...config, families: ["crash"] }, ...counts, faults: { kill: 1, stop: 1 } },
    ...{ sometimes: {}, violations: [], digest: `${seed}` },
    ...about,
  };
}

function totalsOf(count: number, about: Partial<RunResult> = {}, plant?: string): Totals {
  const totals = new Totals(plant);
  for (let seed = 1; seed <= count; seed++) totals.add(result(seed, about));
  return totals;
}

describe("200 seeds and more", () => {
  it("prove something when every enabled fault bit and enough was acknowledged", () => {
    expect(totalsOf(200).void).toEqual([]);
  });

  it("are void when an enabled kind of fault never bit", () => {
    expect(totalsOf(200, { faults: { kill: 1 } }).void).toEqual(["no stop ever bit"]);
    const all = { ...config, families: Object.keys(families) as (keyof typeof families)[] };
    const bites = Object.values(families).flatMap((family) => family.bites);
    expect(totalsOf(200, { config: all, faults: {} }).void).toHaveLength(bites.length);
  });

  it("are void with fewer than 200 acknowledged writes a seed", () => {
    expect(totalsOf(200, { acknowledged: 199 }).void).toEqual([
      "199 acknowledged writes a seed, at least 200 are wanted",
    ]);
  });

  it("are nobody's proof when they are fewer", () => {
    expect(totalsOf(199, { faults: {}, acknowledged: 0 }).void).toEqual([]);
  });
});

describe("a long run", () => {
  const taken = Object.fromEntries(rarePaths.map((path) => [path, 1]));

  it("fails when a rare path was never taken", () => {
    expect(totalsOf(2_000, { sometimes: taken }).void).toEqual([]);
    const { [rarePaths[0]]: _, ...others } = taken;
    expect(totalsOf(2_000, { sometimes: others }).void).toEqual([`never once: ${rarePaths[0]}`]);
  });

  it("asks for no rare paths where a bug is planted: it stops too many of them", () => {
    expect(totalsOf(2_000, {}, "reused-dot").void).toEqual([]);
  });
});

describe("what is reported", () => {
  const violations = [{ invariant: "no-phantom", what: "a stranger" }];

  it("is one document with counts, the digest, and the command that replays a violation", () => {
    const totals = totalsOf(3);
    totals.add(result(4, { violations }));
    const report = JSON.parse(jsonReport(totals, spent)) as Record<string, unknown>;
    expect(report).toMatchObject({
      ...{ seeds: 4, steps: 4_000, virtualSeconds: 40, acknowledged: 840, unknown: 12, faults: { kill: 4, stop: 4 } },
      violations: [{ seed: 4, invariant: "no-phantom", replay: "npm run sim -- --seed 4 --trace" }],
      speed: { seconds: 2, seedsPerMinute: 120, eventsPerCpuSecond: 1_000, virtualPerRealSecond: 20 },
    });
    expect(report["digest"]).toMatch(/^[0-9a-f]{16}$/);
  });

  it("tells people seed, commit, invariant and that command", () => {
    const totals = totalsOf(0);
    totals.add(result(7, { violations }));
    const lines = textReport(totals, spent).split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "VIOLATED no-phantom at seed 7, commit abc1234",
      "  a stranger",
      "  npm run sim -- --seed 7 --trace",
    ]);
  });

  it("replays with the size of the cluster that was asked for", () => {
    const totals = new Totals("reused-dot", 5);
    totals.add(result(7, { violations }));
    expect(totals.violations[0]?.replay).toBe("npm run sim -- --seed 7 --nodes 5 --plant reused-dot --trace");
  });

  it("has a digest in which every run of every seed counts", () => {
    const digests = [totalsOf(3), totalsOf(4), totalsOf(3, { digest: "other" }), totalsOf(3, { violations })];
    expect(new Set(digests.map(({ digest }) => digest)).size).toBe(4);
    expect(totalsOf(3).digest).toBe(totalsOf(3).digest);
  });
});
