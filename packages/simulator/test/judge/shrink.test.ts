/** Shrinking keeps the failure and drops what it does not need. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testPrimitives as primitives } from "../../../core/test/primitives.js";
import { drawScript } from "../../src/run/script.js";
import { run } from "../../src/run/runner.js";
import { minimise, shrink } from "../../src/shrink.js";

describe("minimise", () => {
  it("finds exactly the items that a failure needs", () => {
    const cases = fc.record({
      count: fc.integer({ min: 1, max: 60 }),
      needed: fc.uniqueArray(fc.nat(59), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(cases, ({ count, needed }) => {
        const wanted = needed.filter((item) => item < count).sort((a, b) => a - b);
        const items = Array.from({ length: count }, (_, i) => i);
        const least = minimise(items, (some) => wanted.every((item) => some.includes(item)));
        expect(least).toEqual(wanted);
      }),
    );
  });

  it("leaves everything where nothing smaller fails", () => {
    expect(minimise([1, 2, 3], (some) => some.length === 3)).toEqual([1, 2, 3]);
  });
});

describe("shrink", { timeout: 120_000 }, () => {
  const script = drawScript(2, { operations: 30, activeMs: 500, nodes: 2, replicas: 2, families: ["crash"] });
  const plants = new Set(["context-covers-unseen"] as const);

  it("makes a failing script small, and it still fails in the same way", () => {
    const shrunk = shrink(script, { primitives, plants, runsMax: 80 });
    expect(shrunk).toBeDefined();
    if (shrunk === undefined) return;
    const steps = shrunk.script.workload.clients.flatMap((client) => client.steps);
    expect(steps.length).toBeLessThanOrEqual(4);
    expect(shrunk.script.plan.faults).toEqual([]);
    const again = run(shrunk.script, { primitives, plants });
    expect(again.violations.map(({ invariant }) => invariant)).toContain(shrunk.invariant);
  });

  it("has nothing to say of a script that violates nothing", () => {
    expect(shrink(script, { primitives, runsMax: 10 })).toBeUndefined();
  });
});
