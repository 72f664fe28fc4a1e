/**
 * A PUT as an accumulator of replies (Dynamo §4.5): W distinct members have the state on disk, or it is known that they will not.
 *
 * It counts who answered, never who should be up (TRAPS 11), and each member once, whatever it repeats.
 */

/** What one member made of the state. Only `durable` counts: merged and flushed there. */
export type PutReply = "durable" | "full" | "failed" | "refused" | "unreachable";

export type PutProgress = "waiting" | "done" | "impossible";

export class PutAccumulator {
  readonly #replies = new Map<string, PutReply>();
  readonly #asked: ReadonlySet<string>;

  constructor(
    readonly needed: number,
    asked: readonly string[],
  ) {
    this.#asked = new Set(asked);
  }

  /** Takes one member's reply. Later words of the same member, and words of members that were not asked, change nothing. */
  reply(from: string, reply: PutReply): PutProgress {
    if (this.#asked.has(from) && !this.#replies.has(from)) this.#replies.set(from, reply);
    return this.progress;
  }

  get progress(): PutProgress {
    const durable = this.received;
    if (durable >= this.needed) return "done";
    return durable + this.outstanding < this.needed ? "impossible" : "waiting";
  }

  /** Members that have the state on disk. */
  get received(): number {
    return this.count("durable");
  }

  get outstanding(): number {
    return this.#asked.size - this.#replies.size;
  }

  count(reply: PutReply): number {
    let count = 0;
    for (const each of this.#replies.values()) if (each === reply) count++;
    return count;
  }
}
