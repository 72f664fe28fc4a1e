/**
 * The proof that nothing older is under way: every member that was not removed has said, after it was asked, that all it had under way then is
 * over (DESIGN §4).
 *
 * An old copy of a state moves from hand to hand while the members are asked one after the other: a coordinator that read it sends it, a fallback
 * keeps it as a hint, a reader finds it there, and its repair brings it to an owner, where it ends. Whoever passes it on holds it until the
 * next one has it. So a copy that outlives a whole round was passed on in it at least once, and one that outlives as many rounds as there are
 * hands cannot be.
 */

/** A member's word about its own past: which boot and tide it was asked in, and whether that tide is out. */
export interface FenceWord {
  readonly boot: number;
  readonly tide: number;
  readonly isOut: boolean;
  /** What it waits for, in words for people; empty when it is out. */
  readonly waitsFor: string;
}

/** What a member is to be asked: about a tide, or (0, 0) to turn one. */
export interface FenceMark {
  readonly boot: number;
  readonly tide: number;
}

export const NEW_MARK: FenceMark = { boot: 0, tide: 0 };
/** Coordinator, message, hint, reader, message: one more than there are ways from one to the next. */
const ROUNDS = 5;

export class Fence {
  #round = 1;
  readonly #marks = new Map<string, FenceMark>();
  readonly #out = new Set<string>();
  readonly #waits = new Map<string, string>();

  /** `members`: all that are, with the instance that each one is. */
  constructor(readonly members: ReadonlyMap<string, number>) {}

  /** Whether all have said it in every round. */
  get isPassed(): boolean {
    return this.#round > ROUNDS;
  }

  get round(): number {
    return this.#round;
  }

  /** Members that are still to say it in this round. */
  get waitingFor(): readonly string[] {
    return this.isPassed ? [] : [...this.members.keys()].filter((name) => !this.#out.has(name));
  }

  /** One of those that are waited for, and what for. */
  get why(): string {
    const name = this.waitingFor[0];
    return name === undefined ? "" : `${name}: ${this.#waits.get(name) ?? "has not answered yet"}`;
  }

  markOf(name: string): FenceMark {
    return this.#marks.get(name) ?? NEW_MARK;
  }

  /** Takes a member's answer; undefined when it gave none. */
  take(name: string, word: FenceWord | undefined): void {
    if (this.isPassed || !this.members.has(name)) return;
    if (word === undefined) {
      this.#waits.set(name, "does not answer");
      return;
    }
    const mark = this.#marks.get(name);
    // A new process knows nothing of what its predecessor was asked.
    const isAnswer = mark !== undefined && mark.boot === word.boot && mark.tide === word.tide;
    if (!isAnswer) this.#marks.set(name, { boot: word.boot, tide: word.tide });
    if (isAnswer && word.isOut) this.#out.add(name);
    else this.#waits.set(name, word.waitsFor);
    if (this.#out.size === this.members.size) this.#nextRound();
  }

  #nextRound(): void {
    this.#round++;
    this.#marks.clear();
    this.#out.clear();
    this.#waits.clear();
  }

  /** Whether these are still all members, each the very instance that was asked. */
  isOf(members: ReadonlyMap<string, number>): boolean {
    return (
      members.size === this.members.size &&
      [...members].every(([name, instance]) => this.members.get(name) === instance)
    );
  }
}
