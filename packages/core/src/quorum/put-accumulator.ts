/**
 * A PUT as an accumulator of replies (Dynamo §4.5): W distinct members have the state on disk, or it is known that they will not.
 *
 * It counts who answered, never who should be up (TRAPS 11), and each member once, whatever it repeats. While a partition changes hands there
 * are two sets of owners and W are needed in each (DESIGN §3); one that is in both counts in both.
 */

/** What one member made of the state. Only `durable` counts: merged and flushed there. */
export type PutReply = "durable" | "full" | "failed" | "refused" | "unreachable";

export type PutProgress = "waiting" | "done" | "impossible";

/** Owners of which `needed` must have the state on disk. */
export interface WriteSet {
  readonly needed: number;
  readonly members: readonly string[];
}

export class PutAccumulator {
  readonly #replies = new Map<string, PutReply>();
  #sets: readonly WriteSet[];
  #asked: ReadonlySet<string>;

  constructor(sets: readonly WriteSet[]) {
    this.#sets = sets;
    this.#asked = membersOf(sets);
  }

  /** Takes one member's reply. Later words of the same member, and words of members that were not asked, change nothing. */
  reply(from: string, reply: PutReply): PutProgress {
    if (this.#asked.has(from) && !this.#replies.has(from)) this.#replies.set(from, reply);
    return this.progress;
  }

  /** The owners changed under way: what members said stays said, and those that are new are asked for. */
  follow(sets: readonly WriteSet[]): void {
    this.#sets = sets;
    this.#asked = membersOf(sets);
  }

  get progress(): PutProgress {
    let progress: PutProgress = "done";
    for (const set of this.#sets) {
      const durable = this.#countIn(set, "durable");
      if (durable >= set.needed) continue;
      if (durable + this.#outstandingIn(set) < set.needed) return "impossible";
      progress = "waiting";
    }
    return progress;
  }

  /** How many of a set must have it on disk. */
  get needed(): number {
    return this.#slowest.needed;
  }

  /** Members of that set that have the state on disk. */
  get received(): number {
    return this.#countIn(this.#slowest, "durable");
  }

  get outstanding(): number {
    let count = 0;
    for (const member of this.#asked) if (!this.#replies.has(member)) count++;
    return count;
  }

  count(reply: PutReply): number {
    let count = 0;
    for (const each of this.#replies.values()) if (each === reply) count++;
    return count;
  }

  /** The set that is furthest from what it needs: the one an answer speaks of. */
  get #slowest(): WriteSet {
    const missing = (set: WriteSet): number => set.needed - this.#countIn(set, "durable");
    return this.#sets.reduce((slowest, set) => (missing(set) > missing(slowest) ? set : slowest));
  }

  #countIn(set: WriteSet, reply: PutReply): number {
    let count = 0;
    for (const member of set.members) if (this.#replies.get(member) === reply) count++;
    return count;
  }

  #outstandingIn(set: WriteSet): number {
    let count = 0;
    for (const member of set.members) if (!this.#replies.has(member)) count++;
    return count;
  }
}

function membersOf(sets: readonly WriteSet[]): ReadonlySet<string> {
  return new Set(sets.flatMap((set) => set.members));
}
