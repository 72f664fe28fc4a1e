/** The local store as the core sees it: bytes by (partition, hash, key), atomic batches, and a word when they are durable. */

/** The address of a record: `key` is the full name; the hash orders the records of a partition. */
export interface RecordKey {
  readonly partition: number;
  readonly hash: bigint;
  readonly key: Uint8Array;
}

export interface StoredRecord extends RecordKey {
  readonly value: Uint8Array;
}

/**
 * What a store keeps of a record beside its bytes, so that it can be asked for without reading them. The store makes nothing of it. All of it is
 * 0 where a write does not say.
 */
export interface IndexMarks {
  /** 64 bits: a hash of what the record holds. */
  readonly digest: bigint;
  /** 0 to 255. */
  readonly mark: number;
  /** 0 to 65,535. */
  readonly tag: number;
}

/** A record as the index knows it: of two keys with one hash, each has an entry of its own. */
export interface IndexEntry extends IndexMarks {
  readonly hash: bigint;
}

/** `value: undefined` removes. */
export interface RecordWrite extends RecordKey, Partial<IndexMarks> {
  readonly value: Uint8Array | undefined;
}

/** Node-local facts (identity, gossip log, counters), by name, in the same batches as the records. */
export interface MetaWrite {
  readonly name: string;
  readonly value: Uint8Array | undefined;
}

export interface Batch {
  /** Partitions whose records all go, before anything else of the batch is written. */
  readonly drops?: readonly number[];
  readonly records?: readonly RecordWrite[];
  /** Whoever applies this knows what {@link Storage.losses} told: from when it is durable, it is not told again. */
  readonly heard?: true;
  readonly meta?: readonly MetaWrite[];
}

/**
 * `full`: no space, nothing of the batch happened, reads go on. `failed`: a flush failed; whether the batch is on disk is
 * unknown, the store takes nothing more, and only a restart tells what is proven.
 */
export type StorageError = "full" | "failed";

/** `damaged`: there is or was a record and it cannot be read. Never to be taken for absence. */
export type ReadOutcome =
  { readonly kind: "found"; readonly value: Uint8Array } | { readonly kind: "absent" } | { readonly kind: "damaged" };

/**
 * What was durable once and can't be named any more: any record, any fact may be one of it, or may be older than what was lost. A damaged record
 * whose place is known is none of this; it reads as damaged.
 */
export interface Losses {
  readonly records: boolean;
  readonly facts: boolean;
}

export const NO_LOSSES: Losses = { records: false, facts: false };

/** What a scan could not show. */
export interface Scanned {
  /** Records in the range that are or were there and cannot be read. */
  readonly damaged: number;
  /** Where those lie whose place is known. With fewer than `damaged`, any key of the partition may be one of the rest. */
  readonly hashes?: readonly bigint[];
}

/**
 * The storage port. Callbacks may come before the call returns. A batch is visible to `get` and `scan` as soon as `apply` returns, and
 * durable when its callback comes without an error; batches become durable in the order they were applied. So the callback of an empty batch
 * says that everything before it is durable.
 */
export interface Storage {
  get(key: RecordKey, done: (outcome: ReadOutcome) => void): void;
  /** As `get`, with the same checks, for whoever needs the value no longer than `done` runs: then it is lent and need not be copied. */
  glance?(key: RecordKey, done: (outcome: ReadOutcome) => void): void;
  /**
   * Visits the records of a partition with `fromHash <= hash <= toHash`, ordered by (hash, key), until `visit` returns false. What is
   * applied meanwhile may or may not be visited. `visit` is given no damaged record but `damaged` counts them.
   */
  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void;
  /** As `scan`, but visits what the index knows, ordered by hash, and reads no value where the engine need not. */
  scanIndex(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (entry: IndexEntry) => boolean,
    done: (result: Scanned) => void,
  ): void;
  apply(batch: Batch, done: (error: StorageError | undefined) => void): void;
  getMeta(name: string, done: (outcome: ReadOutcome) => void): void;
  /** All facts whose name starts with `prefix`, ordered by name. */
  scanMeta(prefix: string, visit: (name: string, value: Uint8Array) => void, done: () => void): void;
  /** What was found lost when the store was opened, or at an earlier opening and not heard of since. */
  losses(done: (losses: Losses) => void): void;
  /** Waits for what was applied, then gives the files back. */
  close(done: () => void): void;
}

export const HASH_MAX = 0xffff_ffff_ffff_ffffn;
export const MARK_MAX = 0xff;
export const TAG_MAX = 0xffff;

/** The marks of a write, 0 where it says nothing. */
export function marksOf({ digest = 0n, mark = 0, tag = 0 }: Partial<IndexMarks>): IndexMarks {
  return { digest, mark, tag };
}
