import { describe, expect, test } from "vitest";
import { limits } from "../../src/base/limits.js";
import { Rng } from "../../src/base/rng.js";
import { FailureDetector, PHI_SUSPECT } from "../../src/gossip/detector.js";
import { count } from "../counts.js";
import { World, instanceOf } from "./world.js";

const INTERVAL = limits.gossipIntervalMs;
const MEMBER = 1;

/** Heard `beats` times, one interval apart with some jitter; returns the time of the last. */
function listen(detector: FailureDetector, beats: number, jitterIntervals = 0.2, startMs = 0): number {
  const rng = new Rng(4);
  let now = startMs;
  for (let i = 0; i < beats; i++) {
    detector.heard(MEMBER, now);
    if (i < beats - 1) now += INTERVAL * (1 + jitterIntervals * (2 * rng.float() - 1));
  }
  return now;
}

describe("the φ accrual failure detector (Hayashibara et al. 2004)", () => {
  test.each([1, 5, 500])("φ rises with silence, without bound, after %i heartbeats", (beats) => {
    const detector = new FailureDetector({ intervalMs: INTERVAL });
    const last = listen(detector, beats);
    let previous = -1;
    for (let silence = 0; silence <= 60 * INTERVAL; silence += INTERVAL / 4) {
      const phi = detector.phi(MEMBER, last + silence);
      expect(phi).toBeGreaterThan(previous);
      expect(phi).toBeLessThan(Number.POSITIVE_INFINITY);
      previous = phi;
    }
    expect(previous).toBeGreaterThan(100);
  });

  test("φ is a probability: 0.3 where half of all intervals are longer", () => {
    const detector = new FailureDetector({ intervalMs: INTERVAL });
    detector.heard(MEMBER, 0);
    expect(detector.phi(MEMBER, INTERVAL)).toBeCloseTo(Math.log10(2), 5);
  });

  test.each([1, 3, 1_000])(
    "no suspicion before four missed intervals, down in bounded time, after %i heartbeats",
    (beats) => {
      const detector = new FailureDetector({ intervalMs: INTERVAL });
      const last = listen(detector, beats);
      expect(detector.status(MEMBER, last + 3.99 * INTERVAL)).toBe("up");
      expect(detector.status(MEMBER, last + 6 * INTERVAL)).toBe("suspect");
      expect(detector.status(MEMBER, last + 11.99 * INTERVAL)).toBe("suspect");
      expect(detector.status(MEMBER, last + 12 * INTERVAL)).toBe("down");
    },
  );

  test("the status follows the configured interval", () => {
    const detector = new FailureDetector({ intervalMs: 50 });
    detector.heard(MEMBER, 0);
    expect(detector.status(MEMBER, 199)).toBe("up");
    expect(detector.status(MEMBER, 300)).toBe("suspect");
    expect(detector.status(MEMBER, 600)).toBe("down");
  });

  test("an irregular member is given more time than a regular one", () => {
    const irregular = new FailureDetector({ intervalMs: INTERVAL });
    let now = 0;
    for (let i = 0; i < 200; i++) irregular.heard(MEMBER, (now += i % 4 === 0 ? 5 * INTERVAL : INTERVAL));
    expect(irregular.status(MEMBER, now + 6 * INTERVAL)).toBe("up");
    expect(irregular.status(MEMBER, now + 20 * INTERVAL)).not.toBe("up");
  });

  test("an outage is not taken for a rhythm, and one heartbeat ends it", () => {
    const detector = new FailureDetector({ intervalMs: INTERVAL });
    const last = listen(detector, 50);
    const back = last + 3_600_000;
    expect(detector.status(MEMBER, back)).toBe("down");
    detector.heard(MEMBER, back);
    expect(detector.status(MEMBER, back)).toBe("up");
    expect(detector.lastHeard(MEMBER)).toBe(back);
    expect(detector.status(MEMBER, back + 6 * INTERVAL)).toBe("suspect");
  });

  test("who was never heard of is down; who is expected gets the time of one heartbeat", () => {
    const detector = new FailureDetector({ intervalMs: INTERVAL });
    expect(detector.status(MEMBER, 0)).toBe("down");
    expect(detector.phi(MEMBER, 0)).toBe(Number.POSITIVE_INFINITY);
    detector.expect(MEMBER, 1_000);
    expect(detector.status(MEMBER, 1_000 + 3 * INTERVAL)).toBe("up");
    expect(detector.lastHeard(MEMBER)).toBeUndefined();
    expect(detector.status(MEMBER, 1_000 + 12 * INTERVAL)).toBe("down");
    detector.heard(MEMBER, 20_000);
    detector.expect(MEMBER, 99_000);
    expect(detector.lastHeard(MEMBER)).toBe(20_000);
    detector.forget(MEMBER);
    expect(detector.status(MEMBER, 20_000)).toBe("down");
  });

  test("its memory is bounded: old rhythms are forgotten", () => {
    const detector = new FailureDetector({ intervalMs: INTERVAL, samplesMax: 16 });
    let now = 0;
    for (let i = 0; i < 100; i++) detector.heard(MEMBER, (now += 8 * INTERVAL));
    for (let i = 0; i < 16; i++) detector.heard(MEMBER, (now += INTERVAL));
    expect(detector.status(MEMBER, now + 6 * INTERVAL)).toBe("suspect");
  });

  test("TRAPS 22: a slow observer does not call healthy peers dead", () => {
    const detector = new FailureDetector({ intervalMs: INTERVAL });
    const last = listen(detector, 100);
    const stall = 30 * INTERVAL;
    expect(detector.status(MEMBER, last + stall)).toBe("down");
    detector.observerStalled(stall);
    expect(detector.status(MEMBER, last + stall)).toBe("up");
    expect(detector.phi(MEMBER, last + stall + INTERVAL)).toBeLessThan(PHI_SUSPECT);
    // The stall is no sample either, and real silence counts again after it.
    detector.heard(MEMBER, last + stall + INTERVAL);
    expect(detector.status(MEMBER, last + stall + 7 * INTERVAL)).toBe("suspect");
  });
});

describe("in a cluster that gossips", () => {
  test(
    "a member that dies is suspected by all within a bound, and false suspicions under 1 % loss stay below 1 in 10,000",
    { timeout: 300_000 },
    () => {
      const n = count(30, 100);
      const detectors = Array.from({ length: n }, () => new FailureDetector({ intervalMs: INTERVAL }));
      let now = 0;
      const world = new World(n, {
        seed: 11,
        lossProbability: 0.01,
        onNews: (node, { heard }) => {
          for (const instance of heard) detectors[node]?.heard(instance, now);
        },
      });
      world.acquaint();
      for (const [i, detector] of detectors.entries()) {
        for (let j = 0; j < n; j++) if (i !== j) detector.expect(instanceOf(j), now);
      }
      let judged = 0;
      let wrong = 0;
      for (let round = 0; round < count(60, 200); round++, now += INTERVAL) {
        world.round();
        for (const [i, detector] of detectors.entries()) {
          for (let j = 0; j < n; j++) {
            if (i === j) continue;
            judged++;
            // Just before the next round: the longest silence of this one.
            if (detector.status(instanceOf(j), now + 0.99 * INTERVAL) !== "up") wrong++;
          }
        }
      }
      expect(world.lost).toBeGreaterThan(50);
      expect(wrong / judged).toBeLessThan(1e-4);

      world.kill(n - 1);
      const others = detectors.slice(0, -1);
      const suspectedByAll = (): boolean => others.every((each) => each.status(instanceOf(n - 1), now) !== "up");
      expect(suspectedByAll()).toBe(false);
      let rounds = 0;
      // Its last heartbeat first has to reach everybody, then the silence has to grow long.
      const bound = Math.ceil(Math.log2(n)) + 8;
      for (; !suspectedByAll() && rounds <= bound; rounds++, now += INTERVAL) world.round();
      expect(rounds).toBeGreaterThanOrEqual(4);
      expect(rounds).toBeLessThanOrEqual(bound);
      expect(others.every((each, i) => i === 0 || each.status(instanceOf(0), now) === "up")).toBe(true);
    },
  );
});
