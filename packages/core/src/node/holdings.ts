/** What this node holds, in numbers kept current with each write: live keys by bucket, and the keys in conflict. */
import type { Primitives } from "../base/primitives.js";
import { namesOf, type KeyId } from "../base/key-id.js";

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

/** A key as a count of the index finds it. Its name is there where it is in conflict: only then does anybody ask for it. */
export interface CountedKey {
  readonly hash: bigint;
  readonly bucket: string;
  readonly live: number;
  readonly conflict?: Conflict;
}

/** One partition's numbers. */
class Tally {
  readonly liveByBucket = new Map<string, number>();
  /** By the id's text: `bucket/key`. */
  readonly conflicts = new Map<string, Conflict>();

  changed(bucket: string, before: number, after: number): void {
    const difference = Number(after > 0) - Number(before > 0);
    if (difference === 0) return;
    const live = (this.liveByBucket.get(bucket) ?? 0) + difference;
    if (live === 0) this.liveByBucket.delete(bucket);
    else this.liveByBucket.set(bucket, live);
  }
}

export class Holdings {
  /** A partition is here once it has been counted. */
  readonly #tallies = new Map<number, Tally>();
  /**
   * Partitions that are being counted, with the keys that changed since the count began, by hash: of two keys with one hash the later
   * change stands for both, and a number may be off by one until the next count.
   */
  readonly #counting = new Map<number, Map<bigint, CountedKey>>();

  constructor(readonly primitives: Primitives) {}

  isCounted(partition: number): boolean {
    return this.#tallies.has(partition);
  }

  /** A count of the partition begins: changes from here on outrank what it finds. */
  begin(partition: number): void {
    this.#counting.set(partition, new Map());
  }

  /** Takes the count of a whole partition. */
  count(partition: number, found: Iterable<CountedKey>): void {
    const changedMeanwhile = this.#counting.get(partition) ?? new Map<bigint, CountedKey>();
    this.#counting.delete(partition);
    const tally = new Tally();
    const add = ({ bucket, live, conflict }: CountedKey): void => {
      tally.changed(bucket, 0, live);
      if (conflict !== undefined) tally.conflicts.set(this.#nameOf(conflict.id), conflict);
    };
    for (const counted of found) if (!changedMeanwhile.has(counted.hash)) add(counted);
    for (const counted of changedMeanwhile.values()) add(counted);
    this.#tallies.set(partition, tally);
  }

  /** A key's state went from `before` live siblings to `after`. Cheap where neither its being live nor a conflict changed. */
  changed({ partition, hash, id }: KeyId, before: number, after: Outline): void {
    if (before === after.live && before <= 1) return;
    const tally = this.#tallies.get(partition);
    const counting = this.#counting.get(partition);
    if (tally === undefined && counting === undefined) return;
    const { bucket } = namesOf(this.primitives, id);
    const conflict = after.live > 1 ? { id: id.slice(), ...after } : undefined;
    counting?.set(hash, { hash, bucket, live: after.live, ...(conflict !== undefined && { conflict }) });
    if (tally === undefined) return;
    tally.changed(bucket, before, after.live);
    if (conflict !== undefined) tally.conflicts.set(this.#nameOf(id), conflict);
    else if (before > 1) tally.conflicts.delete(this.#nameOf(id));
  }

  /** Live keys in the partitions that `owned` names. */
  liveKeys(owned: (partition: number) => boolean): number {
    let total = 0;
    for (const { liveByBucket } of this.#owned(owned)) for (const live of liveByBucket.values()) total += live;
    return total;
  }

  liveByBucket(owned: (partition: number) => boolean): Map<string, number> {
    const totals = new Map<string, number>();
    for (const { liveByBucket } of this.#owned(owned)) {
      for (const [bucket, live] of liveByBucket) totals.set(bucket, (totals.get(bucket) ?? 0) + live);
    }
    return totals;
  }

  *conflicts(owned: (partition: number) => boolean): Iterable<Conflict> {
    for (const { conflicts } of this.#owned(owned)) yield* conflicts.values();
  }

  conflictCount(owned: (partition: number) => boolean): number {
    let total = 0;
    for (const { conflicts } of this.#owned(owned)) total += conflicts.size;
    return total;
  }

  /** Those with something in them; asked about with the ring, which costs more than looking. */
  *#owned(owned: (partition: number) => boolean): Iterable<Tally> {
    for (const [partition, tally] of this.#tallies) if (tally.liveByBucket.size > 0 && owned(partition)) yield tally;
  }

  #nameOf(id: Uint8Array): string {
    return this.primitives.text.decode(id, 0, id.length);
  }
}
