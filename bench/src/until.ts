/** Waiting for a condition with a deadline, and saying what did not come when it did not: for what measures real nodes, and for the tests of them. */
import { setTimeout as pause } from "node:timers/promises";

export interface Patience {
  readonly deadlineMs: number;
  /** Between the first two looks; each pause is longer by half than the one before, up to `pauseMsMax`. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
}

export type Look<T> = () => Promise<T | undefined | false> | T | undefined | false;

/**
 * Looks until `look` gives something else than undefined or false, and returns that. A look that throws counts as not yet.
 * @throws Error that names `what` and the last failure, after the deadline.
 */
export async function lookUntil<T>(what: string, look: Look<T>, patience: Patience): Promise<T> {
  const { deadlineMs, pauseMs, pauseMsMax } = patience;
  const endMs = performance.now() + deadlineMs;
  for (let nextMs = pauseMs; ; nextMs = Math.min(nextMs * 1.5, pauseMsMax)) {
    let last: unknown;
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: last });
    await pause(nextMs);
  }
}
