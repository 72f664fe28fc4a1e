/** A clock that a test moves. Timers run while it is moved, in the order of their time. */
import type { Clock } from "@kvorum/core";

export class FakeClock implements Clock {
  #nowMs = 1_000;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((each) => each !== timer));
  }

  get timers(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const until = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#timers.filter((timer) => timer.atMs <= until).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = until;
  }
}
