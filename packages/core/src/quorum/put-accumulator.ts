/**
 * A PUT as an accumulator of replies (Dynamo §4.5, §4.6): W distinct members have the state on disk, or it is known that they will not.
 *
 * It counts who answered, never who should be up (TRAPS 11), and each member once, whatever it repeats. While a partition changes hands there
 * are two sets of owners and W are needed in each (DESIGN §3); one that is in both counts in both. A sloppy quorum counts stand-ins too:
 * members that keep the state for an owner that can't be had, and with it the duty to hand it over. They count where that owner would.
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
  /** Stand-ins, with the owner that each keeps the state for. */
  readonly #standIns = new Map<string, string>();
  readonly #doubted = new Set<string>();

  constructor(sets: readonly WriteSet[]) {
    this.#sets = sets;
    this.#asked = membersOf(sets);
  }

  /** Takes one member's reply. Later words of the same member, and words of members that were not asked, change nothing. */
  reply(from: string, reply: PutReply): PutProgress {
    const isAsked = this.#asked.has(from) || this.#standIns.has(from);
    if (isAsked && !this.#replies.has(from)) this.#replies.set(from, reply);
    return this.progress;
  }

  /**
   * `fallback` is asked to keep the state for `owner`. An owner stands in for nobody, and nobody for two. What a fallback said when it was an owner
   * binds it no more: that copy may go at any moment.
   */
  standIn(fallback: string, owner: string): void {
    if (this.#asked.has(fallback) || this.#standIns.has(fallback)) return;
    this.#replies.delete(fallback);
    this.#standIns.set(fallback, owner);
  }

  /** Nobody counts on that member's word any more: it is silent, or down by all signs. It counts all the same when it comes. */
  doubt(member: string): void {
    this.#doubted.add(member);
  }

  /** The owner that `member` was asked for: itself, or the one that it stands in for. */
  ownerOf(member: string): string | undefined {
    return this.#asked.has(member) ? member : this.#standIns.get(member);
  }

  /** Nobody who was asked for this owner has the state, or can be counted on to say so: another stand-in is wanted. */
  isWanting(owner: string): boolean {
    const hasHope = (member: string): boolean => {
      const reply = this.#replies.get(member);
      return reply === undefined ? !this.#doubted.has(member) : reply === "durable";
    };
    if (hasHope(owner)) return false;
    for (const [member, kept] of this.#standIns) if (kept === owner && hasHope(member)) return false;
    return true;
  }

  /** The owners changed under way: what members said stays said, and those that are new are asked for. */
  follow(sets: readonly WriteSet[]): void {
    this.#sets = sets;
    this.#asked = membersOf(sets);
    for (const owner of this.#asked) this.#standIns.delete(owner);
  }

  get progress(): PutProgress {
    // Nobody owns the key: there is no disk for it to be on.
    let progress: PutProgress = this.#sets.length === 0 ? "impossible" : "done";
    for (const set of this.#sets) {
      const durable = this.#keptIn(set);
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

  /** Owners of that set that have the state on disk, or whose stand-in has. */
  get received(): number {
    return this.#keptIn(this.#slowest);
  }

  get outstanding(): number {
    let count = 0;
    for (const member of this.#asked) if (!this.#replies.has(member)) count++;
    for (const member of this.#standIns.keys()) if (!this.#replies.has(member)) count++;
    return count;
  }

  /** How many of those that were received are stand-ins. */
  get fallbacks(): number {
    const isByStandIn = (owner: string): boolean => this.#replies.get(owner) !== "durable" && this.isKeptFor(owner);
    return this.#slowest.members.filter(isByStandIn).length;
  }

  /** The owner, or somebody who will hand it over, has the state on disk. */
  isKeptFor(owner: string): boolean {
    if (this.#replies.get(owner) === "durable") return true;
    for (const [member, kept] of this.#standIns) {
      if (kept === owner && this.#replies.get(member) === "durable") return true;
    }
    return false;
  }

  count(reply: PutReply): number {
    let count = 0;
    for (const each of this.#replies.values()) if (each === reply) count++;
    return count;
  }

  /** The set that is furthest from what it needs: the one an answer speaks of. */
  get #slowest(): WriteSet {
    const missing = (set: WriteSet): number => set.needed - this.#keptIn(set);
    const none: WriteSet = { needed: 1, members: [] };
    const [first = none, ...others] = this.#sets;
    return others.reduce((slowest, set) => (missing(set) > missing(slowest) ? set : slowest), first);
  }

  /**
   * Owners that have it, or for whom somebody keeps it. An owner and its stand-in are one: what the stand-in has goes when the owner has it, and
   * may have gone before this answer.
   */
  #keptIn(set: WriteSet): number {
    let count = 0;
    for (const owner of set.members) if (this.isKeptFor(owner)) count++;
    return count;
  }

  /** Owners for whom nobody has it yet and somebody may still say so. */
  #outstandingIn(set: WriteSet): number {
    let count = 0;
    for (const owner of set.members) if (!this.isKeptFor(owner) && this.#isOutstanding(owner)) count++;
    return count;
  }

  #isOutstanding(owner: string): boolean {
    if (!this.#replies.has(owner)) return true;
    for (const [member, kept] of this.#standIns) if (kept === owner && !this.#replies.has(member)) return true;
    return false;
  }
}

function membersOf(sets: readonly WriteSet[]): ReadonlySet<string> {
  return new Set(sets.flatMap((set) => set.members));
}
