/**
 * The idempotency keys that this node has seen lately, with what each was used for: so that one key used for two different writes is
 * refused even when they go to different keys (DESIGN §4, Retries). The memory of the write itself is in the replicated state.
 */

interface Use {
  readonly check: bigint;
  readonly atMs: number;
  /** Requests under this id that have no answer yet. */
  underWay: number;
  /** One of them may have begun its write. */
  begun: boolean;
}

/** To be called once, with the answer: whether the write may have begun. */
export type EndUse = (mayHaveBegun: boolean) => void;

export class IdempotencyMemory {
  /** In the order of their time: a Map iterates as it was filled. */
  readonly #uses = new Map<string, Use>();

  constructor(
    readonly memoryMs: number,
    readonly entriesMax: number,
  ) {}

  get size(): number {
    return this.#uses.size;
  }

  /**
   * Notes the use of an id; undefined when it was used for something else and that is still remembered. An id none of whose requests
   * began a write is free again: the client may mend its request and send it under the same one.
   */
  use(id: string, check: bigint, nowMs: number): EndUse | undefined {
    this.#forget(nowMs);
    const use = this.#uses.get(id) ?? { check, atMs: nowMs, underWay: 0, begun: false };
    if (use.check !== check) return undefined;
    use.underWay++;
    this.#uses.set(id, use);
    return (mayHaveBegun) => {
      use.underWay--;
      use.begun ||= mayHaveBegun;
      if (use.underWay === 0 && !use.begun && this.#uses.get(id) === use) this.#uses.delete(id);
    };
  }

  #forget(nowMs: number): void {
    for (const [id, use] of this.#uses) {
      if (nowMs - use.atMs <= this.memoryMs && this.#uses.size < this.entriesMax) return;
      this.#uses.delete(id);
    }
  }
}
