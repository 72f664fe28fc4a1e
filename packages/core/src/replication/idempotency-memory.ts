/**
 * The idempotency keys that this node has seen lately, with what each was used for: so that one key used for two different writes is
 * refused even when they go to different keys (DESIGN §4, Retries). The memory of the write itself is in the replicated state.
 */

interface Seen {
  readonly check: bigint;
  readonly atMs: number;
}

export class IdempotencyMemory {
  /** In the order of their time: a Map iterates as it was filled. */
  readonly #seen = new Map<string, Seen>();

  constructor(
    readonly memoryMs: number,
    readonly entriesMax: number,
  ) {}

  get size(): number {
    return this.#seen.size;
  }

  /** Notes the use; false when the same id was used for something else and is still remembered. */
  note(id: string, check: bigint, nowMs: number): boolean {
    this.#forget(nowMs);
    const earlier = this.#seen.get(id);
    if (earlier !== undefined) return earlier.check === check;
    this.#seen.set(id, { check, atMs: nowMs });
    return true;
  }

  /** A write that never started frees its id: the client may mend its request and send it under the same one. */
  release(id: string, check: bigint): void {
    if (this.#seen.get(id)?.check === check) this.#seen.delete(id);
  }

  #forget(nowMs: number): void {
    for (const [id, seen] of this.#seen) {
      if (nowMs - seen.atMs <= this.memoryMs && this.#seen.size < this.entriesMax) return;
      this.#seen.delete(id);
    }
  }
}
