/** Each healer by itself, the others off: one would hide what another can't do (TRAPS 32). Replicas must become equal all the same. */
import { describe, expect, it } from "vitest";
import { count } from "../../../core/test/counts.js";
import { testPrimitives as primitives } from "../../../core/test/primitives.js";
import { makeEqual } from "../../src/heal/all.js";
import { isEqual } from "../../src/heal/equality.js";
import { drawScript } from "../../src/run/script.js";
import { run } from "../../src/run/runner.js";
import { Scene } from "../../src/scenarios/scene.js";
import { healerNames, type Healers } from "../../src/world/healers.js";

const FIRST_SEED = 7_000;
/** A few members, as most faults there are between two. */
const nodes = [2, 3, 5] as const;

function alone(healer: keyof Healers): Healers {
  return Object.fromEntries(healerNames.map((name) => [name, name === healer])) as Healers;
}

describe.each(["readRepair", "antiEntropy"] as const)("%s alone", { timeout: 600_000 }, (healer) => {
  const healers = alone(healer);

  it("is one that makes replicas equal", () => {
    expect(makeEqual(healers)).toBe(true);
  });

  it.each(nodes)("converges %i members after whatever went wrong", (members) => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + count(2, 60); seed++) {
      const given = { healers, nodes: members, replicas: Math.min(3, members), operations: count(120, 300) };
      const script = drawScript(seed, given);
      expect({ seed, violations: run(script, { primitives }).violations }).toEqual({ seed, violations: [] });
    }
  });
});

describe("hinted handoff alone", { timeout: 120_000 }, () => {
  it("brings a member what it missed, though nobody reads it and no trees are compared", () => {
    const scene = new Scene({ primitives, shape: { nodes: 5, healers: alone("hints") } });
    scene.world.crash("n3", "kill");
    for (let i = 0; i < 20; i++) scene.put("n1", `k${i}`);
    scene.world.start("n3");
    scene.settle();
    const { history, lens } = { history: scene.clients.record, lens: scene.clients.lens };
    const stage = { world: scene.world, history, lens, nodeAt: () => undefined };
    const keys = [...history.keys.values()].flatMap(([first]) => first ?? []);
    expect(keys.length).toBe(20);
    expect(keys.filter(({ bucket, key }) => lens.owners(bucket, key).includes("n3")).length).toBeGreaterThan(3);
    scene.until("every replica holds the same", () => keys.every((key) => isEqual(stage, key)));
    expect(scene.verdict()).toEqual([]);
  });
});
