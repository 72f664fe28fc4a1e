/**
 * A tombstone is reaped by proof (DESIGN §4; TRAPS 16). This is what one owner of a partition makes of the others' words on some of its dead
 * records: first all say that they hold that very state or nothing (`ask`); then, once nothing older can be under way anywhere, each marks it
 * (`mark`); then each removes what it marked (`remove`), the asker last. Every step compares the digest again, and one owner that is away,
 * or holds something else, stops it for that record.
 */

import type { ReapStep, ReapWord } from "../base/reap-words.js";

export interface DeadRecord {
  readonly id: Uint8Array;
  readonly hash: bigint;
  readonly digest: bigint;
  /** When the newest of it was written: milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** What may follow a step in which an owner said this of a record. After `mark` all must hold the mark or nothing. */
const passes: Readonly<Record<ReapStep, ReadonlySet<ReapWord>>> = {
  ask: new Set<ReapWord>(["same", "marked", "gone"]),
  mark: new Set<ReapWord>(["marked", "gone"]),
  remove: new Set<ReapWord>(["gone"]),
};

/** Why a record waits, with the owner that it waits for. */
export interface ReapWait {
  readonly reason: "owner-away" | "owner-differs" | "owner-unsure" | "earlier-owner";
  readonly owner: string;
}

export interface StoppedRecord {
  readonly record: DeadRecord;
  readonly wait: ReapWait;
}

export class ReapBatch {
  #records: readonly DeadRecord[];

  /** `earlier`: owners before the asker in the partition's order; what one of them holds is for it to reap. */
  constructor(
    readonly partition: number,
    readonly epoch: number,
    /** All of them, the asker too. */
    readonly owners: readonly string[],
    readonly earlier: ReadonlySet<string>,
    records: readonly DeadRecord[],
  ) {
    this.#records = records;
  }

  /** Those that nobody has stopped yet, in the order in which words about them come. */
  get records(): readonly DeadRecord[] {
    return this.#records;
  }

  /**
   * Takes what all owners said in one step, each a word for every record that was left; undefined for one that said nothing. Whatever one of
   * them stops is left out from now on, and given back with the reason.
   */
  take(step: ReapStep, said: ReadonlyMap<string, readonly ReapWord[] | undefined>): readonly StoppedRecord[] {
    const stopped: StoppedRecord[] = [];
    this.#records = this.#records.filter((record, at) => {
      const wait = this.#waitOf(step, at, said);
      if (wait !== undefined) stopped.push({ record, wait });
      return wait === undefined;
    });
    return stopped;
  }

  #waitOf(
    step: ReapStep,
    at: number,
    said: ReadonlyMap<string, readonly ReapWord[] | undefined>,
  ): ReapWait | undefined {
    for (const owner of this.owners) {
      const word = said.get(owner)?.[at];
      if (word === undefined) return { reason: "owner-away", owner };
      if (step === "ask" && this.earlier.has(owner) && word !== "gone") return { reason: "earlier-owner", owner };
      if (passes[step].has(word)) continue;
      return { reason: word === "unsure" ? "owner-unsure" : "owner-differs", owner };
    }
    return undefined;
  }
}
