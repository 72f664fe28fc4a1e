/**
 * The hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): close to wall time, never backwards,
 * and after everything it has seen. A stamp is one number: milliseconds since the epoch * 1024 + a counter.
 */

/** Milliseconds since the epoch * 1024 + counter. Safe until the year 2248. */
export type Stamp = number & { readonly __stamp: unique symbol };

const TICKS_PER_MS = 1024;

export const NO_STAMP = 0 as Stamp;

export function stampAt(wallMs: number): Stamp {
  return (wallMs * TICKS_PER_MS) as Stamp;
}

/** The stamp next to another one, whatever the clock says. */
export function stampAfter(stamp: Stamp): Stamp {
  return (stamp + 1) as Stamp;
}

export function stampMs(stamp: Stamp): number {
  return Math.floor(stamp / TICKS_PER_MS);
}

export class HybridClock {
  #last: Stamp;

  /** `skewMaxMs`: how far the last stamp may be ahead of the wall before stamping is refused. */
  constructor(
    readonly skewMaxMs: number,
    last: Stamp = NO_STAMP,
  ) {
    this.#last = last;
  }

  get last(): Stamp {
    return this.#last;
  }

  /**
   * The next stamp: above every stamp given or observed before and above `floor`.
   * Undefined when that would be more than `skewMaxMs` ahead of `wallMs`: one bad clock must not pin a key for ever.
   */
  next(wallMs: number, floor: Stamp = NO_STAMP): Stamp | undefined {
    const stamp = Math.max(stampAt(wallMs), this.#last + 1, floor + 1) as Stamp;
    if (stampMs(stamp) - wallMs > this.skewMaxMs) return undefined;
    this.#last = stamp;
    return stamp;
  }

  /** Takes note of a stamp from elsewhere; one that is beyond the bound is ignored and false is returned. */
  observe(wallMs: number, stamp: Stamp): boolean {
    if (stampMs(stamp) - wallMs > this.skewMaxMs) return false;
    if (stamp > this.#last) this.#last = stamp;
    return true;
  }
}
