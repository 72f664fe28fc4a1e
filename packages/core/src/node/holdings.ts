/** What this node holds, in numbers kept current with each write and with time: live keys by bucket, keys in conflict, and dead ones to be reaped. */
import type { Primitives } from "../base/primitives.js";
import { namesOf, type KeyId } from "../base/key-id.js";
import { endOf, Lives, type End } from "../replication/lives.js";
import type { LiveHeader } from "../versions/state-codec.js";

/** One of several values of a key. */
export interface VersionOutline {
  /** Milliseconds since the epoch. */
  readonly writtenAtMs: number;
  /** Infinity for a value that stays. */
  readonly expiresAtMs: number;
}

/** What a state looks like from afar. */
export interface Outline extends LiveHeader {
  /** Its values in the order in which they were written, where there are several. */
  readonly versions: readonly VersionOutline[];
}

export const NO_VERSIONS: readonly VersionOutline[] = [];

export interface Conflict {
  readonly id: Uint8Array;
  /** Values that are shown. */
  readonly live: number;
  /** Milliseconds since the epoch: when the second oldest of them was written. */
  readonly sinceMs: number;
}

interface SeveralValues {
  readonly id: Uint8Array;
  readonly versions: readonly VersionOutline[];
}

/** A key as a count of the index finds it. Its values are there where it has several: only then does anybody ask for its name. */
export interface CountedKey {
  readonly hash: bigint;
  readonly bucket: string;
  /** Undefined for a key of which nothing is held any more. */
  readonly end: End | undefined;
  readonly several?: SeveralValues;
}

/** A record as it is counted. */
export function countedKey(hash: bigint, bucket: string, id: Uint8Array, outline: Outline | undefined): CountedKey {
  const counted = { hash, bucket, end: outline && endOf(outline) };
  if (outline === undefined || outline.valued < 2) return counted;
  return { ...counted, several: { id: id.slice(), versions: outline.versions } };
}

/** One partition's numbers. */
class Tally {
  readonly lives = new Map<string, Lives>();
  /** By the id's text: `bucket/key`. */
  readonly conflicts = new Map<string, SeveralValues>();

  changed(bucket: string, before: End | undefined, after: End | undefined): void {
    const lives = this.lives.get(bucket) ?? new Lives();
    this.lives.set(bucket, lives);
    if (before !== undefined) lives.add(before, -1);
    if (after !== undefined) lives.add(after, 1);
    if (lives.isEmpty) this.lives.delete(bucket);
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
    const add = ({ bucket, end, several }: CountedKey): void => {
      tally.changed(bucket, undefined, end);
      if (several !== undefined) tally.conflicts.set(this.#nameOf(several.id), several);
    };
    for (const counted of found) if (!changedMeanwhile.has(counted.hash)) add(counted);
    for (const counted of changedMeanwhile.values()) add(counted);
    this.#tallies.set(partition, tally);
  }

  /** A key's record went from `before` to `after`; undefined where there is none. Cheap where no number here changes. */
  changed({ partition, hash, id }: KeyId, before: Outline | undefined, after: Outline | undefined): void {
    const isSimple = (before?.valued ?? 0) <= 1 && (after?.valued ?? 0) <= 1;
    if (isSimple && endIn(before) === endIn(after)) return;
    const tally = this.#tallies.get(partition);
    const counting = this.#counting.get(partition);
    if (tally === undefined && counting === undefined) return;
    const { bucket } = namesOf(this.primitives, id);
    const counted = countedKey(hash, bucket, id, after);
    counting?.set(hash, counted);
    if (tally === undefined) return;
    tally.changed(bucket, endIn(before), counted.end);
    if (counted.several !== undefined) tally.conflicts.set(this.#nameOf(id), counted.several);
    else if (before !== undefined && before.valued > 1) tally.conflicts.delete(this.#nameOf(id));
  }

  /** Live keys in the partitions that `owned` names. */
  liveKeys(owned: (partition: number) => boolean, nowMs: number): number {
    let total = 0;
    for (const { lives } of this.#owned(owned)) for (const bucket of lives.values()) total += bucket.liveAt(nowMs);
    return total;
  }

  liveByBucket(owned: (partition: number) => boolean, nowMs: number): Map<string, number> {
    const totals = new Map<string, number>();
    for (const { lives } of this.#owned(owned)) {
      for (const [name, bucket] of lives) totals.set(name, (totals.get(name) ?? 0) + bucket.liveAt(nowMs));
    }
    return totals;
  }

  /** Everything that is held of the partition, dead or alive. */
  recordsIn(partition: number, nowMs: number): number {
    let total = 0;
    for (const bucket of this.#tallies.get(partition)?.lives.values() ?? []) {
      total += bucket.liveAt(nowMs) + bucket.deadAt(nowMs);
    }
    return total;
  }

  /** Records of the partition in which nothing will be shown again: tombstones, and values that have expired. */
  deadIn(partition: number, nowMs: number): number {
    const lives = this.#tallies.get(partition)?.lives;
    if (lives === undefined || lives.size === 0) return 0;
    let total = 0;
    for (const bucket of lives.values()) total += bucket.deadAt(nowMs);
    return total;
  }

  *conflicts(owned: (partition: number) => boolean, nowMs: number): Iterable<Conflict> {
    for (const { conflicts } of this.#owned(owned)) {
      for (const { id, versions } of conflicts.values()) {
        const shown = versions.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
        const second = shown[1];
        if (second !== undefined) yield { id, live: shown.length, sinceMs: second.writtenAtMs };
      }
    }
  }

  conflictCount(owned: (partition: number) => boolean, nowMs: number): number {
    return [...this.conflicts(owned, nowMs)].length;
  }

  /** Those with something in them; asked about with the ring, which costs more than looking. */
  *#owned(owned: (partition: number) => boolean): Iterable<Tally> {
    for (const [partition, tally] of this.#tallies) if (tally.lives.size > 0 && owned(partition)) yield tally;
  }

  #nameOf(id: Uint8Array): string {
    return this.primitives.text.decode(id, 0, id.length);
  }
}

function endIn(outline: Outline | undefined): End | undefined {
  return outline && endOf(outline);
}
