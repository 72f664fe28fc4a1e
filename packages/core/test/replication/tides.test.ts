/** What of the past is still under way, asked without any clock but one's own (DESIGN §4, reaping). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Tides, type Tide } from "../../src/replication/tides.js";
import { count } from "../counts.js";

const LIFE_MS = 10;

type Step =
  { readonly kind: "enter" | "turn" | "tick" | "stall" } | { readonly kind: "end" | "giveUp"; readonly at: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("enter" as const, "turn" as const, "tick" as const) }),
  fc.record({ kind: fc.constantFrom("end" as const, "giveUp" as const), at: fc.nat(5) }),
);

/** One piece of work, as a dumb model remembers it. */
interface Work {
  readonly tide: Tide;
  readonly turnsBefore: number;
  overAtMs: number | undefined;
}

describe("tides", () => {
  it("are out exactly when all that entered them or an earlier one is over, and given-up messages had their time", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let nowMs = 100;
        const tides = new Tides(LIFE_MS, nowMs);
        const all: Work[] = [];
        const marks: number[] = [];
        for (const each of steps) {
          const open = all.filter(({ overAtMs }) => overAtMs === undefined);
          if (each.kind === "tick") nowMs += 4;
          if (each.kind === "turn") marks.push(tides.turn());
          if (each.kind === "enter") all.push({ tide: tides.enter(), turnsBefore: marks.length, overAtMs: undefined });
          const work = "at" in each ? open[each.at] : undefined;
          if (work !== undefined && each.kind === "end") {
            tides.leave(work.tide);
            work.overAtMs = nowMs;
          } else if (work !== undefined) {
            tides.giveUp(work.tide, nowMs);
            work.overAtMs = nowMs + LIFE_MS;
          }
          for (const [turn, mark] of marks.entries()) {
            const before = all.filter(({ turnsBefore }) => turnsBefore <= turn);
            const isOut = before.every(({ overAtMs = Infinity }) => overAtMs <= nowMs) && nowMs >= 100 + LIFE_MS;
            expect(tides.stateOf(mark, nowMs) === "out").toBe(isOut);
          }
        }
      }),
      { numRuns: count(300, 10_000) },
    );
  });

  it("that run now are open, and so is any number that was never given", () => {
    const tides = new Tides(LIFE_MS, 0);
    expect(tides.stateOf(0, 1_000)).toBe("open");
    expect(tides.stateOf(tides.turn(), 1_000)).toBe("out");
    expect(tides.stateOf(7, 1_000)).toBe("open");
  });

  it("wait for what may lie at the door of a process that stood still, or that has just started", () => {
    const tides = new Tides(LIFE_MS, 100);
    const first = tides.turn();
    expect(tides.stateOf(first, 109)).toBe("given-up");
    expect(tides.stateOf(first, 110)).toBe("out");
    tides.stalled(200);
    const second = tides.turn();
    expect(tides.stateOf(second, 205)).toBe("given-up");
    expect(tides.stateOf(second, 210)).toBe("out");
  });
});
