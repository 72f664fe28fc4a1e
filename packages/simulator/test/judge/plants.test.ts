/** Who watches the watchers: every planted bug is found, by random seeds or by a scenario that is directed at it (TRAPS 31–33). */
import { plants, type Plant } from "@kvorum/core";
import { describe, expect, it } from "vitest";
import { count } from "../../../core/test/counts.js";
import { testPrimitives as primitives } from "../../../core/test/primitives.js";
import { drawScript } from "../../src/run/script.js";
import { run } from "../../src/run/runner.js";
import { scenarios } from "../../src/scenarios/all.js";

/** Bugs that nearly every run sees. The others take more seeds (decision 10 says how many), and have scenarios of their own (scenarios.test.ts). */
const common: readonly Plant[] = [
  "ack-before-flush",
  "context-covers-unseen",
  "blind-replaces",
  "quorum-counts-twice",
  "retry-mints-second-dot",
];

/** Too rare for chance; scenarios aim at them. */
const directedOnly: readonly Plant[] = ["one-source-is-enough", "stale-ring-accepted", "old-copy-believed"];
const others = (Object.keys(plants) as Plant[]).filter((plant) => ![...common, ...directedOnly].includes(plant));

function firstSeedThatFinds(plant: Plant, seedsMax: number): number | undefined {
  for (let seed = 1; seed <= seedsMax; seed++) {
    const { violations } = run(drawScript(seed), { primitives, plants: new Set([plant]) });
    if (violations.length > 0) return seed;
  }
  return undefined;
}

describe("planted bugs", () => {
  it.each(common)("%s is found by one of the first seeds", { timeout: 120_000 }, (plant) => {
    expect(firstSeedThatFinds(plant, 10)).toBeDefined();
  });

  it.each(count(0, 1) ? others : [])("%s is found within 200 seeds", { timeout: 900_000 }, (plant) => {
    expect(firstSeedThatFinds(plant, 200)).toBeDefined();
  });

  it("are each found by seeds or by a scenario directed at them", () => {
    const directed = new Set(scenarios.flatMap(({ finds }) => finds));
    const seen = new Set([...common, ...directed]);
    expect(Object.keys(plants).filter((plant) => !seen.has(plant as Plant))).toEqual([]);
  });
});
