/**
 * A GET as an accumulator of replies (Dynamo §4.5): R distinct members have said what they hold, and all of it is merged.
 *
 * A member may answer with its whole state or with a digest of it; a digest counts once a state with that very digest is held, and
 * otherwise its state must be fetched. There are three answers, and an error is never absence (TRAPS 14): a state, proven absent, don't
 * know. What a member that does not know holds all the same is merged, and does not count.
 *
 * A sloppy read counts fallbacks too (§4.6). What one of them holds is as good as anybody's; that it holds nothing proves nothing, so when
 * nothing is found an owner must have said so.
 *
 * Generic over the state, so that this room need not know what a state is.
 */

export interface StateOps<S> {
  merge(a: S, b: S): S;
  digest(state: S): bigint;
}

type Answer =
  | { readonly kind: "state"; readonly digest: bigint }
  | { readonly kind: "digest"; readonly digest: bigint }
  | { readonly kind: "absent" }
  | { readonly kind: "unknown"; readonly digest: bigint }
  | { readonly kind: "unreachable" };

export type GetProgress = "waiting" | "answer" | "impossible";

/** A member that holds less than was found, or something else. */
export interface RepairTarget {
  readonly member: string;
  /** Every *other* member asked gave its state or proved absence: with what is merged of them, a record in doubt is whole. */
  readonly whole: boolean;
}

/** What members must be given so that they hold what the others hold. */
export interface RepairPlan<S> {
  /** All that was heard of, merged. Undefined when nobody holds anything. */
  readonly state: S | undefined;
  readonly targets: readonly RepairTarget[];
}

export class GetAccumulator<S> {
  readonly #answers = new Map<string, Answer>();
  readonly #asked: Set<string>;
  readonly #fallbacks = new Set<string>();
  readonly #doubted = new Set<string>();
  /** Digests of the states that are part of `#merged`. */
  readonly #held = new Set<bigint>();
  #merged: S | undefined;

  constructor(
    readonly needed: number,
    asked: readonly string[],
    readonly ops: StateOps<S>,
  ) {
    this.#asked = new Set(asked);
  }

  /** Asks a fallback too: what it says counts, but its silence about a key is no proof. */
  standIn(fallback: string): void {
    if (this.#asked.has(fallback)) return;
    this.#asked.add(fallback);
    this.#fallbacks.add(fallback);
  }

  /** A member's whole state; `digest` is what the member says of it. A fetched state takes the place of the member's digest. */
  state(from: string, state: S, digest: bigint): void {
    if (!this.#take(from, { kind: "state", digest })) return;
    this.#merge(state, digest);
  }

  digest(from: string, digest: bigint): void {
    this.#take(from, { kind: "digest", digest });
  }

  absent(from: string): void {
    this.#take(from, { kind: "absent" });
  }

  /** The member can't tell: its record is damaged, or it is still filling itself. `digest` is of what it holds all the same, or 0. */
  unknown(from: string, state: S | undefined, digest: bigint): void {
    if (this.#take(from, { kind: "unknown", digest }) && state !== undefined) this.#merge(state, digest);
  }

  unreachable(from: string): void {
    this.#take(from, { kind: "unreachable" });
  }

  get progress(): GetProgress {
    const { received } = this;
    if (received >= this.needed && !this.isUnproven) return "answer";
    const toCome = this.outstanding + this.toFetch().length;
    return toCome === 0 || received + toCome < this.needed ? "impossible" : "waiting";
  }

  /** Enough have answered and hold nothing, and no owner is among them: whether there is nothing nobody can say. */
  get isUnproven(): boolean {
    return this.#merged === undefined && this.received >= this.needed && this.received === this.fallbacks;
  }

  /** Members whose word counts: a state that is held here, or proven absence. Fallbacks are among them. */
  get received(): number {
    let count = 0;
    for (const answer of this.#answers.values()) if (this.#counts(answer)) count++;
    return count;
  }

  get fallbacks(): number {
    let count = 0;
    for (const fallback of this.#fallbacks) if (this.#counts(this.#answers.get(fallback))) count++;
    return count;
  }

  /** Members that have not said anything yet. */
  get outstanding(): number {
    return this.#asked.size - this.#answers.size;
  }

  /** Members whose digest names a state that nobody has given: ask them for it. */
  toFetch(): readonly string[] {
    const wanted: string[] = [];
    for (const [from, answer] of this.#answers) {
      if (answer.kind === "digest" && !this.#held.has(answer.digest)) wanted.push(from);
    }
    return wanted;
  }

  /** All that was heard of, merged; undefined when nobody holds anything. */
  get merged(): S | undefined {
    return this.#merged;
  }

  /** Nobody counts on that member's word any more: it is silent, or down by all signs. It counts all the same when it comes. */
  doubt(member: string): void {
    this.#doubted.add(member);
  }

  /** Those who answered and those who can be counted on to answer are not enough: another fallback is wanted. */
  get isWanting(): boolean {
    let hoped = this.received + this.toFetch().length;
    for (const member of this.#asked) if (!this.#answers.has(member) && !this.#doubted.has(member)) hoped++;
    return hoped < this.needed;
  }

  repairPlan(): RepairPlan<S> {
    const state = this.#merged;
    if (state === undefined) return { state, targets: [] };
    const digest = this.ops.digest(state);
    const silent = [...this.#asked].filter(
      (member) => !this.#fallbacks.has(member) && !this.#counts(this.#answers.get(member)),
    );
    const targets: RepairTarget[] = [];
    for (const [member, answer] of this.#answers) {
      // Fallbacks hold what they were given for others, and give it away: nothing of theirs is mended.
      if (answer.kind === "unreachable" || this.#fallbacks.has(member)) continue;
      const whole = silent.every((other) => other === member);
      const isSame = answer.kind !== "absent" && answer.digest === digest;
      // One in doubt that holds the same has nothing to gain but the word that this is all there is.
      if (!isSame || (answer.kind === "unknown" && whole)) targets.push({ member, whole });
    }
    return { state, targets };
  }

  #counts(answer: Answer | undefined): boolean {
    if (answer?.kind === "absent") return true;
    return (answer?.kind === "state" || answer?.kind === "digest") && this.#held.has(answer.digest);
  }

  /** One word a member counts; only a digest may be followed by the state it stands for, or by the news that it can't be had. */
  #take(from: string, answer: Answer): boolean {
    if (!this.#asked.has(from)) return false;
    const earlier = this.#answers.get(from);
    if (earlier !== undefined && (earlier.kind !== "digest" || answer.kind === "digest")) return false;
    this.#answers.set(from, answer);
    return true;
  }

  #merge(state: S, digest: bigint): void {
    if (this.#held.has(digest)) return;
    this.#held.add(digest);
    this.#merged = this.#merged === undefined ? state : this.ops.merge(this.#merged, state);
  }
}
