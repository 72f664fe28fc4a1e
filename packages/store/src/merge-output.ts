/** The segment that a merge writes: records are gathered, then appended and flushed a slice at a time; at the end it is sealed. */
import { assert, limits } from "@kvorum/core";
import type { Counts } from "./batch-writer.js";
import type { DiskError } from "./disk.js";
import type { Hash64 } from "./format/hash.js";
import { encodeRecord, isFact, isPinned, kinds, recordBytes, UNIT_BYTES, type Head } from "./format/record.js";
import type { KeyIndex } from "./index/key-index.js";
import { listRecord } from "./list-record.js";
import type { Segment } from "./segment.js";
import type { SegmentFiles } from "./segment-files.js";
import { Slab } from "./slab.js";
import { wait, type Task } from "./task.js";

/** Calls `go` when merging may copy so many bytes; within the call, or later. `haste` goes from 0 to 1, where space is short: then as fast as can be. */
export type Pace = (bytes: number, haste: number, go: () => void) => void;

export interface OutputOptions {
  readonly hash64: Hash64;
  readonly index: KeyIndex;
  readonly files: SegmentFiles;
  readonly segmentBytes: number;
  readonly counts: () => Counts;
  readonly haste: () => number;
  readonly pace: Pace;
  /** So many bytes are copied and flushed; none where merging only looked. */
  readonly onStep: (bytes: number) => void;
}

/** What of the output is flushed, and what was listed and pinned then. */
interface Flushed {
  readonly end: number;
  readonly entries: number;
  readonly facts: number;
  readonly pinned: readonly [number, number];
}

/** Of a segment. */
const SLICES_LEAST = 4;

export const NOTHING = new Uint8Array(0);

export class MergeOutput {
  readonly #options: OutputOptions;
  readonly #slab = new Slab();
  readonly #onFlushed: () => void;
  #flushed: Flushed;
  copiedBytes = 0;

  /** `onFlushed`: what was added is on the disk. */
  constructor(
    options: OutputOptions,
    readonly segment: Segment,
    onFlushed: () => void,
  ) {
    this.#options = options;
    this.#onFlushed = onFlushed;
    this.#flushed = flushedOf(segment);
  }

  /** Where the next record will lie. */
  get end(): number {
    return this.segment.end;
  }

  add(from: Head, key: Uint8Array, value: Uint8Array, fingerprint: number): void {
    const { segment } = this;
    const length = recordBytes(key.length, value.length);
    const offset = segment.end;
    const at = this.#slab.take(length);
    this.#slab.bytes.fill(0, at, at + length);
    const head = this.#headOf(from, offset - at);
    const { bytes, view } = this.#slab;
    encodeRecord(this.#options.hash64, bytes, view, at, segment.id, offset, head, key, value);
    segment.end += length;
    if (isPinned(head.kind)) segment.pin(length / UNIT_BYTES);
    if (isFact(head.kind)) return;
    const { kind, partition, hashHigh: high, hashLow: low, digestHigh, digestLow, mark, tag } = head;
    listRecord(segment, { kind, partition, high, low, digestHigh, digestLow, mark, tag }, fingerprint, offset, length);
  }

  /** Field by field: a spread with more behind it costs a microsecond, and this is done for every record. */
  #headOf(from: Head, proven: number): Head {
    const { kind, partition, keyLength, valueLength, tag, mark, sequence } = from;
    const { hashHigh, hashLow, digestHigh, digestLow } = from;
    const { facts } = this.#options.counts();
    const isLast = true;
    const isMoved = true;
    return {
      kind,
      isLast,
      isMoved,
      partition,
      keyLength,
      valueLength,
      tag,
      mark,
      facts,
      sequence,
      hashHigh,
      hashLow,
      digestHigh,
      digestLow,
      proven,
    };
  }

  /** Once a slice is full; small segments have smaller ones, so that writes get their turns in between. */
  *flushSlice(): Task<DiskError | undefined> {
    const sliceBytes = Math.min(limits.mergeSliceBytes, this.#options.segmentBytes / SLICES_LEAST);
    return this.#slab.used < sliceBytes ? undefined : yield* this.flush();
  }

  *flush(): Task<DiskError | undefined> {
    const { used } = this.#slab;
    if (used === 0) return undefined;
    yield* this.breathe(used);
    const file = this.#file();
    let error = yield* wait<DiskError | undefined>((done) => file.append(this.#slab.written, done));
    error ??= yield* wait<DiskError | undefined>((done) => file.flush(done));
    if (error !== undefined) return error;
    this.#slab.reset();
    this.#flushed = flushedOf(this.segment);
    this.copiedBytes += used;
    this.#onFlushed();
    this.#options.onStep(used);
    return undefined;
  }

  /** As if nothing had been added since the last flush. */
  *cutBack(): Task<DiskError | undefined> {
    const { segment } = this;
    const { end, entries, facts, pinned } = this.#flushed;
    this.#slab.reset();
    segment.end = end;
    segment.entries?.cut(entries, facts);
    [segment.pinnedRecords, segment.pinnedUnits] = pinned;
    const file = this.#file();
    return yield* wait<DiskError | undefined>((done) => file.truncate(end, done));
  }

  /** The last record says that all before it is flushed; then the index file. */
  *seal(): Task<DiskError | undefined> {
    this.add(headOf({ kind: kinds.sealed, keyLength: 0, valueLength: 0 }), NOTHING, NOTHING, 0);
    const error = yield* this.flush();
    if (error !== undefined) return error;
    const { files, index } = this.#options;
    return yield* files.alone(() => files.close(this.segment, { sequence: 0, facts: 0 }, index));
  }

  /** Before so many bytes are written; none after some work without writing. */
  *breathe(bytes: number): Task<void> {
    if (bytes === 0) this.#options.onStep(0);
    yield* wait<void>((done) => this.#options.pace(bytes, this.#options.haste(), done));
  }

  #file(): NonNullable<Segment["file"]> {
    const { file } = this.segment;
    assert(file !== undefined, "a segment that is written to has its file");
    return file;
  }
}

function flushedOf({ end, entries, pinnedRecords, pinnedUnits }: Segment): Flushed {
  const pinned = [pinnedRecords, pinnedUnits] as const;
  return { end, entries: entries?.length ?? 0, facts: entries?.facts.length ?? 0, pinned };
}

/** The head of a record that merging makes. */
export function headOf(said: {
  readonly kind: number;
  readonly keyLength: number;
  readonly valueLength: number;
}): Head {
  return {
    ...said,
    ...{ isLast: true, isMoved: true, partition: 0, tag: 0, mark: 0, facts: 0, sequence: 0, proven: 0 },
    ...{ hashHigh: 0, hashLow: 0, digestHigh: 0, digestLow: 0 },
  };
}
