/**
 * When a member tells the others what it owes (hints, transfers): at once in the next round where that changed, and else now and then, since
 * those who reap wait for a word that is newer than what they fear (DESIGN §4).
 */
import type { Clock } from "../ports/clock.js";
import type { Debts } from "./facts.js";

/** What is owed now, without the time of saying so. */
export type Owed = Omit<Debts, "saidAtMs">;

export const NOTHING_OWED: Owed = { hints: 0, hintBytes: 0, oldestHintMs: 0, oldestTransferMs: 0 };

/** Without news it is said again every so many rounds: each time costs a few bytes at every member. */
const ROUNDS_BETWEEN = 10;

export class DebtReport {
  #said: Owed | undefined;
  #roundsAgo = 0;

  constructor(readonly clock: Clock) {}

  /** To be asked once a round; undefined while what was said last still says it all. */
  toSay(owed: Owed): Debts | undefined {
    if (this.#said !== undefined && ++this.#roundsAgo < ROUNDS_BETWEEN && isSame(owed, this.#said)) return undefined;
    this.#said = owed;
    this.#roundsAgo = 0;
    return { ...owed, saidAtMs: Math.max(0, Math.floor(this.clock.wallMs())) };
  }
}

function isSame(a: Owed, b: Owed): boolean {
  return (
    a.hints === b.hints &&
    a.hintBytes === b.hintBytes &&
    a.oldestHintMs === b.oldestHintMs &&
    a.oldestTransferMs === b.oldestTransferMs
  );
}
