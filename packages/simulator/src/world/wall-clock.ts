/** A machine's wall clock: some offset, some drift, and jumps when somebody sets it. It goes on while its processes come and go. */
import type { Timeline } from "./timeline.js";

/** Where every run begins: an hour in November 2023. */
const EPOCH_MS = 1_700_000_000_000;

export class WallClock {
  #baseMs = EPOCH_MS;
  #sinceMs: number;
  #rate = 1;

  constructor(readonly timeline: Timeline) {
    this.#sinceMs = timeline.nowMs;
    this.#baseMs += timeline.nowMs;
  }

  get nowMs(): number {
    return Math.floor(this.#baseMs + (this.timeline.nowMs - this.#sinceMs) * this.#rate);
  }

  /** How far it is ahead of true time. */
  get errorMs(): number {
    return this.nowMs - this.#trueMs;
  }

  get #trueMs(): number {
    return Math.floor(EPOCH_MS + this.timeline.nowMs);
  }

  jump(byMs: number): void {
    this.#set(this.nowMs + byMs, this.#rate);
  }

  /** Goes so many times as fast as time from now on. */
  drift(rate: number): void {
    this.#set(this.nowMs, rate);
  }

  /** Back to true time, as a time service would bring it, but at once. */
  heal(): void {
    this.#set(this.#trueMs, 1);
  }

  #set(nowMs: number, rate: number): void {
    this.#baseMs = nowMs;
    this.#sinceMs = this.timeline.nowMs;
    this.#rate = rate;
  }
}
