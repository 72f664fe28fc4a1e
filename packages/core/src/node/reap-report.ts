/** Why dead records wait: of each partition the oldest that was seen, with what it waits for, in words for people. */
import { namesOf } from "../base/key-id.js";
import type { Primitives } from "../base/primitives.js";
import type { DeadRecord } from "../replication/reaping.js";
import type { OldestTombstone } from "./api.js";

interface Waiting {
  readonly record: DeadRecord;
  readonly why: string;
}

export class ReapReport {
  readonly #oldest = new Map<number, Waiting>();

  /** A look at the partition begins: what waited before may be gone. */
  begin(partition: number): void {
    this.#oldest.delete(partition);
  }

  waits(partition: number, record: DeadRecord, why: string): void {
    const known = this.#oldest.get(partition);
    const isSame = known !== undefined && known.record.hash === record.hash && known.record.digest === record.digest;
    if (known === undefined || isSame || record.sinceMs < known.record.sinceMs) {
      this.#oldest.set(partition, { record, why });
    }
  }

  oldest(primitives: Primitives): OldestTombstone | null {
    let oldest: Waiting | undefined;
    for (const waiting of this.#oldest.values()) {
      if (oldest === undefined || waiting.record.sinceMs < oldest.record.sinceMs) oldest = waiting;
    }
    if (oldest === undefined) return null;
    const { record, why } = oldest;
    return { ...namesOf(primitives, record.id), since: record.sinceMs, why };
  }
}
