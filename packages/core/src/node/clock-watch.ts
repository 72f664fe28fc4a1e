/**
 * Whether this node's wall clock is one to stamp with (TRAPS 29): members say what theirs shows, and where more of them than not disagree with
 * this one by more than the bound, it is this one that is wrong. So one bad clock cannot pin a key under last-write-wins.
 */
import { limits } from "../base/limits.js";
import type { Clock } from "../ports/clock.js";

interface Reading {
  readonly wallMs: number;
  readonly heardAtMs: number;
}

export class ClockWatch {
  readonly #readings = new Map<number, Reading>();
  #saidAtMs: number | undefined;

  /** `skewMaxMs`: the bound, with what a reading may have aged on its way. */
  constructor(
    readonly clock: Clock,
    readonly skewMaxMs: number = limits.clockSkewMaxMs + limits.clockSayMs,
  ) {}

  /** What to say to the others now; undefined while what was said last is fresh enough. */
  toSay(nowMs: number): number | undefined {
    if (this.#saidAtMs !== undefined && nowMs - this.#saidAtMs < limits.clockSayMs) return undefined;
    this.#saidAtMs = nowMs;
    return this.clock.wallMs();
  }

  heard(instance: number, wallMs: number): void {
    this.#readings.set(instance, { wallMs, heardAtMs: this.clock.monotonicMs() });
  }

  /** `others`: the instances that count now. Of two clocks that disagree nobody knows which is right, and neither is called wrong. */
  isOff(others: Iterable<number>): boolean {
    const [wallMs, nowMs] = [this.clock.wallMs(), this.clock.monotonicMs()];
    let known = 1;
    let ahead = 0;
    let behind = 0;
    for (const instance of others) {
      const reading = this.#readings.get(instance);
      if (reading === undefined) continue;
      known++;
      const differenceMs = reading.wallMs + nowMs - reading.heardAtMs - wallMs;
      if (differenceMs > this.skewMaxMs) ahead++;
      if (differenceMs < -this.skewMaxMs) behind++;
    }
    return Math.max(ahead, behind) * 2 > known;
  }
}
