/** When to try somebody again who failed: twice as long after each failure in a row, up to a bound. */

const DOUBLINGS_MAX = 5;

interface Failing {
  readonly failures: number;
  readonly nextAtMs: number;
}

export class Backoff {
  readonly #failing = new Map<number, Failing>();

  constructor(readonly intervalMs: number) {}

  isDue(whom: number, nowMs: number): boolean {
    return nowMs >= (this.#failing.get(whom)?.nextAtMs ?? 0);
  }

  ended(whom: number, ok: boolean, nowMs: number): void {
    if (ok) {
      this.#failing.delete(whom);
      return;
    }
    const failures = Math.min((this.#failing.get(whom)?.failures ?? 0) + 1, DOUBLINGS_MAX);
    this.#failing.set(whom, { failures, nextAtMs: nowMs + this.intervalMs * 2 ** (failures - 1) });
  }
}
