/** Waiting for a condition with a deadline: tests never sleep for luck, and say what did not come when it did not. */
import { setTimeout as sleep } from "node:timers/promises";

/** Generous: the machine may be busy. A condition that holds ends the wait at once. */
export const DEADLINE_MS = 60_000;
const POLL_MS = 20;

/**
 * Looks until `look` gives something else than undefined or false, and returns that. A look that throws counts as not yet.
 * @throws Error that names `what` and the last failure, after `deadlineMs`.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    let last: unknown;
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: last });
    await sleep(POLL_MS);
  }
}
