/**
 * Whether anything of the past is still under way: states that this member sent and that may not have arrived, that it read and may yet
 * write, that it holds for others. "Under way since before" is asked without any clock but this member's own: work enters the tide that runs
 * now, tides turn when somebody asks, and a tide is out once all that entered it, or an earlier one, has ended (DESIGN §4, reaping).
 */

/** One stretch between two questions. */
export interface Tide {
  readonly number: number;
  /** What entered and has not ended. */
  open: number;
  /** When the last message of it was given up without a reply, on the monotonic clock: it may still arrive. */
  givenUpAtMs: number;
}

export type TideState = "out" | "open" | "given-up";

const NEVER = -Infinity;

export class Tides {
  /** Earlier ones that are not out, the oldest first. */
  readonly #earlier: Tide[] = [];
  #now: Tide;

  /**
   * `messageLifeMs`: the longest that a message nobody waits for any more may take to arrive. What an earlier process sent may still be under way
   * when this one starts.
   */
  constructor(
    readonly messageLifeMs: number,
    startedAtMs: number,
  ) {
    this.#now = { number: 0, open: 0, givenUpAtMs: startedAtMs };
  }

  /** To be given back to {@link leave} or {@link giveUp}, once. */
  enter(): Tide {
    this.#now.open++;
    return this.#now;
  }

  leave(tide: Tide): void {
    tide.open--;
  }

  /** It ended without a word: what was sent may arrive later. */
  giveUp(tide: Tide, nowMs: number): void {
    tide.open--;
    tide.givenUpAtMs = nowMs;
  }

  /** Anything may be under way that was thought to be over: this process stood still, with messages for it waiting at its door. */
  stalled(nowMs: number): void {
    for (const tide of [...this.#earlier, this.#now]) tide.givenUpAtMs = nowMs;
  }

  /** Ends the tide that runs and gives its number. */
  turn(): number {
    const { number } = this.#now;
    this.#earlier.push(this.#now);
    this.#now = { number: number + 1, open: 0, givenUpAtMs: NEVER };
    return number;
  }

  /** Whether all that entered tide `number`, or an earlier one, is over. Nothing is forgotten by asking before. */
  stateOf(number: number, nowMs: number): TideState {
    this.#forgetOut(nowMs);
    let state: TideState = number >= this.#now.number ? "open" : "out";
    for (const tide of this.#earlier) {
      if (tide.number > number || state === "open") break;
      state = tide.open > 0 ? "open" : "given-up";
    }
    return state;
  }

  #forgetOut(nowMs: number): void {
    const isOut = (tide: Tide): boolean => tide.open === 0 && tide.givenUpAtMs + this.messageLifeMs <= nowMs;
    for (let i = this.#earlier.length - 1; i >= 0; i--) if (isOut(this.#earlier[i] as Tide)) this.#earlier.splice(i, 1);
  }
}
