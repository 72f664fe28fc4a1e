/** The storage port in memory: for tests, the simulator and the null Dynamo. Visible at once; "durable" when the given `defer` says so. */
import { assert } from "../base/assert.js";
import { compareBytes } from "../base/bytes.js";
import {
  marksOf,
  NO_LOSSES,
  type Batch,
  type IndexEntry,
  type IndexMarks,
  type Losses,
  type MetaWrite,
  type ReadOutcome,
  type RecordKey,
  type RecordWrite,
  type Scanned,
  type Storage,
  type StorageError,
  type StoredRecord,
} from "./storage.js";

export interface MemoryRecord extends StoredRecord, IndexMarks {}

/** What outlives a {@link MemoryStorage}, as a data folder outlives a process: give it to the next one to open the same data. */
export class MemoryDisk {
  /** The records of each partition, ordered by (hash, key). */
  readonly partitions = new Map<number, MemoryRecord[]>();
  readonly meta = new Map<string, Uint8Array>();
}

/**
 * Calls `run` later, never before it returns: `setImmediate`, or a timer of the simulator. A run stands for one flush and settles what
 * was applied before it was asked for; when runs overtake each other, the callbacks still come in the order of `apply`.
 */
export type Defer = (run: () => void) => void;

type Settle = (error: StorageError | undefined) => void;

const ABSENT: ReadOutcome = { kind: "absent" };

export class MemoryStorage implements Storage {
  readonly #defer: Defer;
  readonly #disk: MemoryDisk;
  /** Callbacks of the batches that are not durable yet, oldest first; the first one is number `#settled`. */
  readonly #waiting: Settle[] = [];
  #settled = 0;
  #open = true;
  /** Who waits for the last flush before the close. */
  #closing: (() => void) | undefined;

  constructor(defer: Defer, disk: MemoryDisk = new MemoryDisk()) {
    this.#defer = defer;
    this.#disk = disk;
  }

  get(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    const records = this.#disk.partitions.get(key.partition) ?? [];
    const at = lowerBound(records, key.hash, key.key);
    const record = records[at];
    done(record !== undefined && compareKeys(record, key) === 0 ? { kind: "found", value: record.value } : ABSENT);
  }

  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void {
    for (const record of this.#range(partition, fromHash, toHash)) if (!visit(record)) break;
    done({ damaged: 0 });
  }

  scanIndex(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (entry: IndexEntry) => boolean,
    done: (result: Scanned) => void,
  ): void {
    for (const record of this.#range(partition, fromHash, toHash)) if (!visit(record)) break;
    done({ damaged: 0 });
  }

  apply(batch: Batch, done: Settle): void {
    if (!this.#open) return done("failed");
    for (const partition of batch.drops ?? []) this.#disk.partitions.delete(partition);
    for (const write of batch.records ?? []) this.#writeRecord(write);
    for (const write of batch.meta ?? []) this.#writeMeta(write);
    this.#waiting.push(done);
    const upTo = this.#settled + this.#waiting.length;
    this.#defer(() => this.#settle(upTo));
  }

  getMeta(name: string, done: (outcome: ReadOutcome) => void): void {
    const value = this.#disk.meta.get(name);
    done(value === undefined ? ABSENT : { kind: "found", value });
  }

  scanMeta(prefix: string, visit: (name: string, value: Uint8Array) => void, done: () => void): void {
    const names = [...this.#disk.meta.keys()].filter((name) => name.startsWith(prefix)).sort();
    for (const name of names) visit(name, this.#disk.meta.get(name) as Uint8Array);
    done();
  }

  losses(done: (losses: Losses) => void): void {
    done(NO_LOSSES);
  }

  close(done: () => void): void {
    assert(this.#open, "a storage is closed once");
    this.#open = false;
    this.#closing = done;
    this.#closeIfIdle();
  }

  /** A copy of the range: a visitor may apply, which moves records about. */
  #range(partition: number, fromHash: bigint, toHash: bigint): readonly MemoryRecord[] {
    const records = this.#disk.partitions.get(partition) ?? [];
    return records.slice(lowerBound(records, fromHash), lowerBound(records, toHash + 1n));
  }

  #writeRecord(write: RecordWrite): void {
    const records = this.#disk.partitions.get(write.partition) ?? [];
    this.#disk.partitions.set(write.partition, records);
    const at = lowerBound(records, write.hash, write.key);
    const found = records[at];
    const replaced = found !== undefined && compareKeys(found, write) === 0 ? 1 : 0;
    const { partition, hash, key, value } = write;
    if (value === undefined) records.splice(at, replaced);
    else records.splice(at, replaced, { partition, hash, key: owned(key), value: owned(value), ...marksOf(write) });
  }

  #writeMeta(write: MetaWrite): void {
    if (write.value === undefined) this.#disk.meta.delete(write.name);
    else this.#disk.meta.set(write.name, owned(write.value));
  }

  #settle(upTo: number): void {
    while (this.#settled < upTo) {
      const done = this.#waiting.shift() as Settle;
      this.#settled++;
      done(undefined);
    }
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#waiting.length > 0) return;
    const done = this.#closing;
    this.#closing = undefined;
    done?.();
  }
}

/** The bytes, copied where they are a slice of more: a record must not keep a whole received frame alive. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

function compareKeys(a: RecordKey, b: RecordKey): number {
  if (a.hash !== b.hash) return a.hash < b.hash ? -1 : 1;
  return compareBytes(a.key, b.key);
}

/** The index of the first record at or after (hash, key); without a key, of the first one with that hash. */
function lowerBound(records: readonly StoredRecord[], hash: bigint, key?: Uint8Array): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const record = records[middle] as StoredRecord;
    const before =
      record.hash < hash || (record.hash === hash && key !== undefined && compareBytes(record.key, key) < 0);
    if (before) low = middle + 1;
    else high = middle;
  }
  return low;
}
