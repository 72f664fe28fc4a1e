import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDot } from "../../src/versions/actor.js";
import type { Dot } from "../../src/versions/actor.js";
import { divergentDots, standing } from "../../src/versions/key-state.js";
import type { ConflictMode, KeyState } from "../../src/versions/key-state.js";
import { merge } from "../../src/versions/merge.js";
import { count } from "../counts.js";
import { Replica, canon, decoded, encoded, play, stepsArbitrary } from "./support.js";
import type { Step } from "./support.js";

const runs = { numRuns: count(250, 20_000) };

function cluster(mode: ConflictMode): Replica[] {
  const ticks = { now: 1000 };
  return [1, 2, 3].map((instance) => new Replica(instance, mode, ticks));
}

const cases: { name: string; mode: ConflictMode; operations: number }[] = [
  { name: "siblings", mode: "siblings", operations: 0 },
  { name: "siblings, with retried operations", mode: "siblings", operations: 4 },
  { name: "last write wins", mode: "lww", operations: 0 },
  { name: "last write wins, with retried operations", mode: "lww", operations: 4 },
];

describe.each(cases)("merge obeys the laws of a join ($name)", ({ mode, operations }) => {
  const picks = fc.tuple(fc.nat(), fc.nat(), fc.nat());
  const histories = fc.tuple(stepsArbitrary(24, operations), picks);

  function three([steps, drawn]: [Step[], [number, number, number]]): [KeyState, KeyState, KeyState] {
    const states = play(cluster(mode), steps);
    return drawn.map((i) => states[i % states.length]) as [KeyState, KeyState, KeyState];
  }

  it("is commutative, associative and idempotent, and adds nothing twice", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const [a, b, c] = three(history);
        const ab = merge(a, b, mode);
        expect(canon(ab)).toBe(canon(merge(b, a, mode)));
        expect(canon(merge(ab, c, mode))).toBe(canon(merge(a, merge(b, c, mode), mode)));
        expect(merge(a, a, mode)).toBe(a);
        expect(merge(ab, a, mode)).toBe(ab);
        expect(merge(ab, b, mode)).toBe(ab);
      }),
      runs,
    );
  });

  it("leaves siblings that are pairwise concurrent by their clocks, and covered by the vector", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const [a, b] = three(history);
        const merged = merge(a, b, mode);
        const seen = standing(merged);
        for (const x of seen) {
          expect(merged.vector.dominates(x.clock)).toBe(true);
          for (const y of seen) if (x !== y) expect(x.clock.compare(y.clock)).toBe("concurrent");
        }
        expect(divergentDots(merged)).toEqual([]);
        if (mode === "lww") expect(merged.siblings.length).toBeLessThanOrEqual(1);
      }),
      runs,
    );
  });

  it("never mints a dot twice, also after local loss", () => {
    fc.assert(
      fc.property(stepsArbitrary(40, operations), (steps) => {
        const replicas = cluster(mode);
        play(replicas, steps);
        const minted = replicas.flatMap((replica) => replica.minted);
        expect(new Set(minted).size).toBe(minted.length);
        for (const text of minted) expect(parseDot(text) as Dot).toBeDefined();
      }),
      runs,
    );
  });

  it("round-trips through bytes: one state, one byte string", () => {
    fc.assert(
      fc.property(histories, (history) => {
        const [a, b] = three(history);
        const merged = merge(a, b, mode);
        expect(canon(decoded(encoded(merged)))).toBe(canon(merged));
        expect(merge(merged, decoded(encoded(merged)), mode)).toBe(merged);
      }),
      runs,
    );
  });
});
