/** Deadlines travel with every request (DESIGN §5): each comes once, none too early, none is lost. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deadlines } from "../../src/node/deadlines.js";
import { count } from "../counts.js";
import { Timeline } from "./cluster.js";

function world() {
  const timeline = new Timeline();
  const clock = {
    monotonicMs: () => timeline.nowMs,
    wallMs: () => timeline.nowMs,
    after: (delayMs: number, run: () => void) => timeline.after(delayMs, run),
  };
  return { timeline, deadlines: new Deadlines(clock) };
}

describe("deadlines", () => {
  it("come once each, not early and at most 20 ms late, unless they were cancelled", () => {
    const plan = fc.array(
      fc.record({ inMs: fc.integer({ min: -30, max: 300 }), cancelAfter: fc.integer({ min: 0, max: 400 }) }),
    );
    fc.assert(
      fc.property(plan, (entries) => {
        const { timeline, deadlines } = world();
        const start = timeline.nowMs;
        const came = entries.map(() => [] as number[]);
        entries.forEach(({ inMs, cancelAfter }, i) => {
          const deadline = deadlines.at(start + inMs, () => came[i]?.push(timeline.nowMs - start));
          if (cancelAfter <= 300) timeline.after(cancelAfter, () => deadline.cancel());
        });
        timeline.run(1_000);
        entries.forEach(({ inMs, cancelAfter }, i) => {
          const times = came[i] as number[];
          const mustCome = cancelAfter > 300 || cancelAfter > Math.max(0, inMs) + 20;
          if (mustCome) expect(times).toHaveLength(1);
          for (const time of times) {
            expect(time).toBeGreaterThanOrEqual(inMs);
            expect(time).toBeLessThanOrEqual(Math.max(0, inMs) + 20);
          }
        });
      }),
      { numRuns: count(100, 2_000) },
    );
  });

  it("set for at once while a tick runs are not lost when the last of that tick is cancelled", () => {
    const { timeline, deadlines } = world();
    const at = timeline.nowMs + 20;
    let came = 0;
    // As drivers do: answering begins something new and cancels one's own deadline.
    const first = deadlines.at(at, () => {
      deadlines.at(at, () => came++);
      first.cancel();
    });
    timeline.run(100);
    expect(came).toBe(1);
  });
});
