/**
 * The failure detector over real gossip, at sizes up to 1,000 members (DESIGN §6): who dies is suspected by all in bounded time, and a network
 * that loses one message in a hundred makes hardly anybody suspect the living. The figures are printed.
 */
import { describe, expect, it } from "vitest";
import { FailureDetector } from "../../src/gossip/detector.js";
import { limits } from "../../src/base/limits.js";
import { count } from "../counts.js";
import { bytesOf, instanceOf, World } from "./world.js";

const INTERVAL_MS = limits.gossipIntervalMs;
/** Each detector learns its members' rhythm first. */
const WARM_ROUNDS = 10;
/** So many looks of one member at another, or a few rounds of a large cluster. */
const watchedRounds = (size: number): number => Math.max(10, Math.min(count(40, 60), Math.ceil(4_000 / size)));
/** Four missed intervals at least (detector.ts), some for the news of the last heartbeat to stop, and what a lossy rhythm adds. */
const SUSPECTED_WITHIN_ROUNDS = 14;
const DOWN_WITHIN_ROUNDS = 24;
/** Of all looks of one member at another, one a round. */
const FALSE_SHARE_MAX = 1e-5;

class Watched {
  readonly detectors: readonly FailureDetector[];
  readonly world: World;

  constructor(
    readonly size: number,
    lossProbability: number,
  ) {
    this.detectors = Array.from({ length: size }, () => new FailureDetector({ intervalMs: INTERVAL_MS }));
    this.world = new World(size, {
      ...{ seed: 11, lossProbability },
      onNews: (node, { heard }) => {
        for (const instance of heard) this.detectors[node]?.heard(instance, this.nowMs(node));
      },
    });
    for (const state of this.world.states) state.set("address", bytesOf("somewhere"));
    this.world.acquaint();
    for (const [node, detector] of this.detectors.entries()) {
      for (let other = 0; other < size; other++) detector.expect(instanceOf(other), this.nowMs(node));
    }
  }

  /** Rounds of different members are not in step. */
  nowMs(node: number): number {
    return this.world.rounds * INTERVAL_MS + ((node * 389) % INTERVAL_MS);
  }

  status(node: number, other: number): string {
    return (this.detectors[node] as FailureDetector).status(instanceOf(other), this.nowMs(node));
  }

  /** Looks of a living member at another that found it not up. */
  falseSuspicions(): number {
    let suspicions = 0;
    for (let node = 0; node < this.size; node++)
      for (let other = 0; other < this.size; other++)
        if (other !== node && this.status(node, other) !== "up") suspicions++;
    return suspicions;
  }

  roundsUntilAllSee(dead: number, accept: (status: string) => boolean): number {
    const all = (): boolean => this.detectors.every((_, node) => node === dead || accept(this.status(node, dead)));
    return this.world.roundsUntil(all, 60);
  }
}

describe("suspicion", () => {
  it.each([10, 50, ...(count(0, 1) ? [100, 1_000] : [])])(
    "%i members that lose one message in a hundred: the dead are found, the living are left alone",
    { timeout: 1_800_000 },
    (size) => {
      const watched = new Watched(size, 0.01);
      for (let round = 0; round < WARM_ROUNDS; round++) watched.world.round();
      let suspicions = 0;
      for (let round = 0; round < watchedRounds(size); round++) {
        watched.world.round();
        suspicions += watched.falseSuspicions();
      }
      const looks = watchedRounds(size) * size * (size - 1);
      watched.world.kill(size - 1);
      const suspected = watched.roundsUntilAllSee(size - 1, (status) => status !== "up");
      const down = suspected + watched.roundsUntilAllSee(size - 1, (status) => status === "down");
      const kibibytes = watched.world.bytes / size / watched.world.rounds / 1024;
      console.log(
        `suspicion at ${size}: ${suspicions} of ${looks} looks were false; dead: suspected by all after ${suspected} rounds, down after ${down}; ${kibibytes.toFixed(1)} KiB a node and round, longest message ${watched.world.longestBytes} bytes`,
      );
      expect(watched.world.lost).toBeGreaterThan(size);
      expect(suspicions / looks).toBeLessThanOrEqual(FALSE_SHARE_MAX);
      expect(suspected).toBeLessThanOrEqual(SUSPECTED_WITHIN_ROUNDS);
      expect(down).toBeLessThanOrEqual(DOWN_WITHIN_ROUNDS);
      expect(watched.world.longestBytes).toBeLessThanOrEqual(limits.gossipMessageBytesMax);
    },
  );
});
