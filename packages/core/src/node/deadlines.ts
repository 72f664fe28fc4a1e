/** Many deadlines on one timer: they are kept by ticks of a coarse clock, since most are cancelled long before they come. */
import type { Clock } from "../ports/clock.js";

const TICK_MS = 10;

export interface Deadline {
  cancel(): void;
}

export class Deadlines {
  readonly #ticks = new Map<number, Set<() => void>>();
  /** The tick for which the timer is set. */
  #next = Infinity;
  #stopTimer: () => void = () => {};

  constructor(readonly clock: Clock) {}

  /** Calls `run` once, at `atMs` on the monotonic clock or up to 20 ms later. */
  at(atMs: number, run: () => void): Deadline {
    const tick = Math.ceil(atMs / TICK_MS);
    let runs = this.#ticks.get(tick);
    if (runs === undefined) {
      runs = new Set();
      this.#ticks.set(tick, runs);
    }
    runs.add(run);
    this.#wakeBy(tick);
    return {
      cancel: () => {
        if (!runs.delete(run) || runs.size > 0) return;
        // While a tick runs, its number may have been given to deadlines that are due again at once.
        if (this.#ticks.get(tick) === runs) this.#ticks.delete(tick);
      },
    };
  }

  #wakeBy(tick: number): void {
    if (tick >= this.#next) return;
    this.#stopTimer();
    this.#next = tick;
    const inMs = tick * TICK_MS - this.clock.monotonicMs();
    this.#stopTimer = this.clock.after(Math.max(TICK_MS, inMs), () => this.#tick());
  }

  #tick(): void {
    this.#next = Infinity;
    const now = Math.floor(this.clock.monotonicMs() / TICK_MS);
    const due = [...this.#ticks.keys()].filter((tick) => tick <= now).sort((a, b) => a - b);
    for (const tick of due) {
      const runs = this.#ticks.get(tick) ?? [];
      this.#ticks.delete(tick);
      for (const run of runs) run();
    }
    let first = Infinity;
    for (const tick of this.#ticks.keys()) if (tick < first) first = tick;
    if (first < Infinity) this.#wakeBy(first);
  }
}
