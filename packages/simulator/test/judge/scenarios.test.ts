/** Directed scenarios: each holds on the code as it is, and sees every bug that it says it finds (CHECKERS.md). */
import { describe, expect, it } from "vitest";
import { count } from "../../../core/test/counts.js";
import { testPrimitives as primitives } from "../../../core/test/primitives.js";
import { scenarios } from "../../src/scenarios/all.js";
import { play } from "../../src/scenarios/scenario.js";

/** What a power cut leaves of the unflushed is drawn from the seed: a few of them see every case. */
const SEEDS_MAX = 12;

describe.each(scenarios)("$name", { timeout: 120_000 }, (scenario) => {
  it("holds", () => {
    for (let seed = 1; seed <= count(2, SEEDS_MAX); seed++) expect(play(scenario, { primitives, seed })).toEqual([]);
  });

  it.each(scenario.finds)("finds %s", (plant) => {
    const plants = new Set([plant]);
    let found: ReturnType<typeof play> = [];
    for (let seed = 1; seed <= SEEDS_MAX && found.length === 0; seed++)
      found = play(scenario, { primitives, seed, plants });
    expect(found).not.toEqual([]);
  });
});
