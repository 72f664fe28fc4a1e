/** What a store holds at one moment: records in the order of (partition, hash, key), and named facts. Values are never written into. */
import { compareBytes } from "../base/bytes.js";
import {
  marksOf,
  type Batch,
  type IndexMarks,
  type RecordKey,
  type RecordWrite,
  type StoredRecord,
} from "./storage.js";

export interface ImageRecord extends StoredRecord, IndexMarks {}

export class Image {
  /** The records of each partition, ordered by (hash, key). */
  readonly partitions = new Map<number, ImageRecord[]>();
  readonly meta = new Map<string, Uint8Array>();

  clone(): Image {
    const copy = new Image();
    for (const [partition, records] of this.partitions) copy.partitions.set(partition, [...records]);
    for (const [name, value] of this.meta) copy.meta.set(name, value);
    return copy;
  }

  apply(batch: Batch): void {
    for (const partition of batch.drops ?? []) this.partitions.delete(partition);
    for (const write of batch.records ?? []) this.#write(write);
    for (const { name, value } of batch.meta ?? []) {
      if (value === undefined) this.meta.delete(name);
      else this.meta.set(name, value);
    }
  }

  get(key: RecordKey): Uint8Array | undefined {
    return this.record(key)?.value;
  }

  record(key: RecordKey): ImageRecord | undefined {
    const records = this.partitions.get(key.partition) ?? [];
    const found = records[lowerBound(records, key.hash, key.key)];
    return found !== undefined && isSame(found, key) ? found : undefined;
  }

  /** The records of a partition from one hash up to another, that one included; a copy of the list. */
  range(partition: number, fromHash: bigint, toHash: bigint): readonly ImageRecord[] {
    const records = this.partitions.get(partition) ?? [];
    if (records.length === 0) return records;
    return records.slice(lowerBound(records, fromHash), lowerBound(records, toHash + 1n));
  }

  *records(): Iterable<ImageRecord> {
    for (const records of this.partitions.values()) yield* records;
  }

  /** Names of facts, in their order. */
  metaNames(prefix: string): string[] {
    return [...this.meta.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  #write(write: RecordWrite): void {
    const records = this.partitions.get(write.partition) ?? [];
    this.partitions.set(write.partition, records);
    const at = lowerBound(records, write.hash, write.key);
    const found = records[at];
    const replaced = found !== undefined && isSame(found, write) ? 1 : 0;
    const { partition, hash, key, value } = write;
    if (value === undefined) records.splice(at, replaced);
    else records.splice(at, replaced, { partition, hash, key, value, ...marksOf(write) });
  }
}

/** The batch with bytes of its own: what came in may be a slice of a frame that its owner writes into again. */
export function ownedBatch(batch: Batch): Batch {
  const records = (batch.records ?? []).map((write) => ({
    ...write,
    ...{ key: write.key.slice(), value: write.value?.slice() },
  }));
  return {
    drops: batch.drops ?? [],
    records,
    meta: (batch.meta ?? []).map(({ name, value }) => ({ name, value: value?.slice() })),
  };
}

function isSame(a: RecordKey, b: RecordKey): boolean {
  return a.hash === b.hash && compareBytes(a.key, b.key) === 0;
}

/** The index of the first record at or after (hash, key); without a key, of the first one with that hash. */
function lowerBound(records: readonly StoredRecord[], hash: bigint, key?: Uint8Array): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const record = records[middle] as StoredRecord;
    const isBefore =
      record.hash < hash || (record.hash === hash && key !== undefined && compareBytes(record.key, key) < 0);
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}
