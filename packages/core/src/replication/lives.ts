/** How many of a replica's keys are live, now and as time goes on: keys end when their last value expires, and nobody looks at each (CONTRACT §3). */

/** When the last value of a key ends: milliseconds since the epoch, {@link STAYING} for never, {@link DEAD} where none stands. */
export type End = number;

export const STAYING: End = Infinity;
export const DEAD: End = 0;

/** What `peekLive` reads from a state. */
interface Values {
  readonly valued: number;
  /** The soonest first. */
  readonly expiries: readonly number[];
}

export function endOf({ valued, expiries }: Values): End {
  if (valued === 0) return DEAD;
  return valued > expiries.length ? STAYING : (expiries.at(-1) as number);
}

const SECOND_MS = 1_000;

/** Keys by the second in which they end. A key is counted as live until that second is over, and never comes back, whatever the clock does. */
export class Lives {
  #live = 0;
  #dead = 0;
  /** Keys that end in a second after the last one looked at: second → how many. */
  readonly #ending = new Map<number, number>();
  #lastSecond = 0;

  get isEmpty(): boolean {
    return this.#live === 0 && this.#dead === 0;
  }

  /** Adds so many keys that end then; `by` may be negative. */
  add(end: End, by: number): void {
    const second = Math.ceil(end / SECOND_MS);
    if (end === STAYING) {
      this.#live += by;
    } else if (second <= this.#lastSecond) {
      this.#dead += by;
    } else {
      this.#live += by;
      const count = (this.#ending.get(second) ?? 0) + by;
      if (count === 0) this.#ending.delete(second);
      else this.#ending.set(second, count);
    }
  }

  liveAt(nowMs: number): number {
    this.#goTo(Math.floor(nowMs / SECOND_MS));
    return this.#live;
  }

  deadAt(nowMs: number): number {
    this.#goTo(Math.floor(nowMs / SECOND_MS));
    return this.#dead;
  }

  #goTo(second: number): void {
    const passed = second - this.#lastSecond;
    if (passed <= 0) return;
    if (passed < this.#ending.size) for (let at = this.#lastSecond + 1; at <= second; at++) this.#end(at);
    else for (const at of this.#ending.keys()) if (at <= second) this.#end(at);
    this.#lastSecond = second;
  }

  #end(second: number): void {
    const count = this.#ending.get(second) ?? 0;
    this.#ending.delete(second);
    this.#live -= count;
    this.#dead += count;
  }
}
