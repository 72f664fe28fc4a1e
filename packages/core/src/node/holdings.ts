/** What this node holds, in numbers kept current with each write: live keys by bucket, and the keys in conflict. */
import type { Primitives } from "../base/primitives.js";
import { namesOf } from "../base/key-id.js";

/** What a state looks like from afar. */
export interface Outline {
  /** Siblings that are not tombstones. */
  readonly live: number;
  /** Milliseconds since the epoch: when the second oldest of them was written. Meaningless below two. */
  readonly sinceMs: number;
}

export interface Conflict extends Outline {
  readonly id: Uint8Array;
}

interface Partition {
  readonly liveByBucket: Map<string, number>;
  /** By the id's text: `bucket/key`. */
  readonly conflicts: Map<string, Conflict>;
}

export class Holdings {
  /** A partition is here once it has been counted; before that, changes to it are part of the count to come. */
  readonly #partitions = new Map<number, Partition>();

  constructor(readonly primitives: Primitives) {}

  isCounted(partition: number): boolean {
    return this.#partitions.has(partition);
  }

  /** Takes the count of a whole partition, made in one go. */
  count(partition: number, states: Iterable<{ readonly id: Uint8Array; readonly outline: Outline }>): void {
    this.#partitions.set(partition, { liveByBucket: new Map(), conflicts: new Map() });
    for (const { id, outline } of states) this.changed(partition, id, 0, outline);
  }

  /** A key's state went from `before` live siblings to `after`. Cheap where neither its being live nor a conflict changed. */
  changed(partition: number, id: Uint8Array, before: number, after: Outline): void {
    if (before === after.live && before <= 1) return;
    const counts = this.#partitions.get(partition);
    if (counts === undefined) return;
    const { bucket, key } = namesOf(this.primitives, id);
    const difference = Number(after.live > 0) - Number(before > 0);
    if (difference !== 0) counts.liveByBucket.set(bucket, (counts.liveByBucket.get(bucket) ?? 0) + difference);
    const name = `${bucket}/${key}`;
    if (after.live > 1) counts.conflicts.set(name, { id: id.slice(), ...after });
    else counts.conflicts.delete(name);
  }

  /** Live keys in the partitions that `owned` names. */
  liveKeys(owned: (partition: number) => boolean): number {
    let total = 0;
    for (const [partition, counts] of this.#partitions) {
      if (owned(partition)) for (const live of counts.liveByBucket.values()) total += live;
    }
    return total;
  }

  liveByBucket(owned: (partition: number) => boolean): Map<string, number> {
    const totals = new Map<string, number>();
    for (const [partition, counts] of this.#partitions) {
      if (!owned(partition)) continue;
      for (const [bucket, live] of counts.liveByBucket) totals.set(bucket, (totals.get(bucket) ?? 0) + live);
    }
    return totals;
  }

  *conflicts(owned: (partition: number) => boolean): Iterable<Conflict> {
    for (const [partition, counts] of this.#partitions) if (owned(partition)) yield* counts.conflicts.values();
  }

  conflictCount(owned: (partition: number) => boolean): number {
    let total = 0;
    for (const [partition, counts] of this.#partitions) if (owned(partition)) total += counts.conflicts.size;
    return total;
  }
}
