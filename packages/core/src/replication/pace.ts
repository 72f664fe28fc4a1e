/**
 * How fast background work may go, steered by what clients feel (Dynamo §6.5, the admission controller; TRAPS 26). Faster by a step while
 * requests take about as long as in calm, at once half as fast when they take clearly longer, and never so slow that repair stands still.
 */
import { limits } from "../base/limits.js";

/** A window's mean must be above calm by this factor and this much to count as felt: tiny latencies double by chance. */
const FELT_FACTOR = 2;
const FELT_MS = 2;
/** Calm is the quietest of so many windows: what was calm an hour ago, before the load doubled, is no measure today. */
const CALM_WINDOWS = 120;
/** A window with fewer answers says nothing. */
const ANSWERS_MIN = 5;

export class Pace {
  #bytesPerSecond: number = limits.backgroundBytesPerSecondMax;
  readonly #means: number[] = [];
  #sumMs = 0;
  #answers = 0;

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** A client's request was answered after so long. */
  answered(latencyMs: number): void {
    this.#sumMs += latencyMs;
    this.#answers++;
  }

  /** A window of time has ended: the pace for the next one. */
  turn(): void {
    const { backgroundBytesPerSecondMin: min, backgroundBytesPerSecondMax: max } = limits;
    const meanMs = this.#answers < ANSWERS_MIN ? undefined : this.#sumMs / this.#answers;
    this.#sumMs = 0;
    this.#answers = 0;
    if (meanMs === undefined) {
      this.#bytesPerSecond = Math.min(max, this.#bytesPerSecond * 2);
      return;
    }
    this.#means.push(meanMs);
    if (this.#means.length > CALM_WINDOWS) this.#means.shift();
    const calmMs = Math.min(...this.#means);
    const isFelt = meanMs > calmMs * FELT_FACTOR && meanMs > calmMs + FELT_MS;
    if (isFelt) this.#bytesPerSecond = Math.max(min, this.#bytesPerSecond / 2);
    else this.#bytesPerSecond = Math.min(max, this.#bytesPerSecond + limits.backgroundBytesPerSecondStep);
  }
}
