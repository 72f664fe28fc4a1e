/** Waiting for a condition with a deadline: tests never sleep for luck, and say what did not come when it did not. */
import { lookUntil, type Look } from "../../bench/src/until.js";

/** Generous: the machine may be busy. A condition that holds ends the wait at once. */
export const DEADLINE_MS = 60_000;
/** Who waits long asks seldom, and does not keep the machine busy with it. */
const PAUSES = { pauseMs: 10, pauseMsMax: 100 };

/** What `look` gives when it is something else than undefined or false; see {@link lookUntil}. */
export function until<T>(what: string, look: Look<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  return lookUntil(what, look, { deadlineMs, ...PAUSES });
}
