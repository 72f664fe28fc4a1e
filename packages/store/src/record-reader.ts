/** Reads one record from where the index says it lies: from memory where it is there, else from the file; and believes none that fails its checks. */
import { compareBytes, type ReadOutcome } from "@kvorum/core";
import { CopyPool } from "./copy-pool.js";
import type { Hash64 } from "./format/hash.js";
import { decodeHead, HEAD_BYTES, keyOf, kinds, recordBytes, UNIT_BYTES, valueOf, type Head } from "./format/record.js";
import { SIZE_MAX, word } from "./index/partition-table.js";
import type { RecordCache } from "./record-cache.js";
import type { Segment, SegmentSet } from "./segment.js";

const ABSENT: ReadOutcome = { kind: "absent" };
const DAMAGED: ReadOutcome = { kind: "damaged" };

/** A record whose checks have passed. The bytes are the reader's to keep. */
export interface ReadRecord {
  readonly head: Head;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface ReaderOptions {
  readonly hash64: Hash64;
  readonly segments: SegmentSet;
  readonly cache: RecordCache;
  /** Bytes that wait for their flush. */
  readonly unflushed: (segment: Segment, offset: number, length: number) => Uint8Array | undefined;
}

export class RecordReader {
  readonly #options: ReaderOptions;
  readonly #copies = new CopyPool();
  /** Reads that went to a file. */
  fileReads = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** `entry` is an entry of the index. Undefined: the record is damaged. `isLent`: the record is good no longer than `done` runs. */
  read(entry: Uint32Array, at: number, done: (record: ReadRecord | undefined) => void, isLent = false): void {
    const slotAndSize = entry[at + word.slotAndSize] as number;
    const segment = this.#options.segments.at(slotAndSize >>> 16);
    const offset = entry[at + word.offset] as number;
    const units = slotAndSize & SIZE_MAX;
    const [high, low] = [entry[at + word.hashHigh] as number, entry[at + word.hashLow] as number];
    const understand = (bytes: Uint8Array | undefined): ReadRecord | undefined => {
      const record = bytes === undefined ? undefined : this.understand(bytes, segment.id, offset);
      return record?.head.hashHigh === high && record.head.hashLow === low ? record : undefined;
    };
    const held = this.#held(segment, offset, units * UNIT_BYTES);
    // A copy: what is lent is written over by the next group.
    if (held !== undefined && units < SIZE_MAX) return done(understand(isLent ? held : this.#copies.copy(held)));
    this.#readFile(segment, offset, units, (bytes) => {
      const record = understand(bytes);
      if (record !== undefined && bytes !== undefined) this.#options.cache.add(segment.id, offset, bytes);
      done(record);
    });
  }

  /** The record in these bytes, that lay at this place. */
  understand(bytes: Uint8Array, segment: number, offset: number): ReadRecord | undefined {
    const { hash64 } = this.#options;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const head = decodeHead(hash64, bytes, view, 0, { segment, offset: offset * UNIT_BYTES });
    if (head?.kind !== kinds.put) return undefined;
    const value = valueOf(hash64, bytes, view, 0, head);
    return value === undefined ? undefined : { head, key: keyOf(bytes, 0, head), value };
  }

  #held(segment: Segment, offset: number, length: number): Uint8Array | undefined {
    const { cache, unflushed } = this.#options;
    return cache.get(segment.id, offset) ?? unflushed(segment, offset * UNIT_BYTES, length);
  }

  #readFile(segment: Segment, offset: number, units: number, done: (bytes: Uint8Array | undefined) => void): void {
    const at = offset * UNIT_BYTES;
    this.fileReads++;
    if (units < SIZE_MAX) return segment.read(at, units * UNIT_BYTES, done);
    this.#readLarge(segment, at, done);
  }

  /** The index can't tell the size of a large record: its head does. */
  #readLarge(segment: Segment, at: number, done: (bytes: Uint8Array | undefined) => void): void {
    const read = (length: number, then: (bytes: Uint8Array | undefined) => void): void => {
      const held = this.#options.unflushed(segment, at, length);
      if (held === undefined) segment.read(at, length, then);
      else then(held.slice());
    };
    read(HEAD_BYTES, (bytes) => {
      if (bytes === undefined || bytes.length < HEAD_BYTES) return done(undefined);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const length = recordBytes(view.getUint16(20), view.getUint32(24));
      // A damaged head may name any size: no more is read than there is.
      if (at + length > segment.end) return done(undefined);
      read(length, done);
    });
  }
}

/** What the caller asked for by key. Another key with the same hash and fingerprint is nobody's truth. */
export function outcomeOf(record: ReadRecord | undefined, key: Uint8Array): ReadOutcome {
  if (record === undefined) return DAMAGED;
  return compareBytes(record.key, key) === 0 ? { kind: "found", value: record.value } : DAMAGED;
}

export { ABSENT, DAMAGED };
