/**
 * A record of the log: 64 bytes of head, the key, the value, zeros up to a multiple of 16 (docs/formats/log.md). The head's checksum covers the key
 * and the place where the record lies, so that a misplaced one is seen; the value has a checksum of its own, so that a record with a damaged
 * value still tells whose it was.
 */
import type { Hash64 } from "./hash.js";
import { low32 } from "./hash.js";

export const HEAD_BYTES = 64;
export const UNIT_BYTES = 16;

export const kinds = {
  put: 1,
  remove: 2,
  drop: 3,
  putFact: 4,
  removeFact: 5,
  /** A log goes on here; the value names the segment that came before and its proven length. */
  opened: 6,
  /** The record of this hash was found damaged when its segment was merged: its key is "don't know". */
  damaged: 7,
  /** Whoever uses the store knows that records were lost. */
  heard: 8,
  /** Everything before it in its segment is flushed, and nothing comes behind it. */
  sealed: 9,
  /** The fact of this name was found damaged when its segment was merged. */
  damagedFact: 10,
} as const;

const KIND_MAX = 10;

/** Dead weight that must stay while an older segment may hold what it takes away. */
export function isPinned(kind: number): boolean {
  return kind === kinds.remove || kind === kinds.drop || kind === kinds.removeFact || kind === kinds.heard;
}

/** Kinds that are of facts and listed with their names. */
export function isFact(kind: number): boolean {
  return kind === kinds.putFact || kind === kinds.removeFact || kind === kinds.damagedFact;
}
/** The last record of a batch. */
const FLAG_LAST = 1;
/** A copy that merging made. */
const FLAG_MOVED = 2;

/**
 * `hash` and `digest` as two halves each: numbers cost less than bigints where there are many. What removes a key, and what stands for a damaged
 * record, has the key's fingerprint as its digest, so that it need not have the key.
 */
export interface Head {
  readonly kind: number;
  readonly isLast: boolean;
  readonly isMoved: boolean;
  readonly partition: number;
  readonly keyLength: number;
  readonly valueLength: number;
  readonly tag: number;
  readonly mark: number;
  /** Facts written to the store until now, this record included: tells whether any were lost. */
  readonly facts: number;
  readonly sequence: number;
  readonly hashHigh: number;
  readonly hashLow: number;
  readonly digestHigh: number;
  readonly digestLow: number;
  /** Bytes of this segment that were flushed when the record was written. */
  readonly proven: number;
}

export interface Place {
  readonly segment: number;
  readonly offset: number;
}

export function recordBytes(keyLength: number, valueLength: number): number {
  return (HEAD_BYTES + keyLength + valueLength + UNIT_BYTES - 1) & ~(UNIT_BYTES - 1);
}

/** Writes a record at `at`, where the target has room and zeros. */
export function encodeRecord(
  hash64: Hash64,
  target: Uint8Array,
  view: DataView,
  at: number,
  segment: number,
  offset: number,
  head: Head,
  key: Uint8Array,
  value: Uint8Array,
): void {
  view.setUint32(at + 4, segment);
  view.setUint32(at + 8, offset / UNIT_BYTES);
  view.setUint32(at + 12, head.proven / UNIT_BYTES);
  target[at + 16] = head.kind;
  target[at + 17] = (head.isLast ? FLAG_LAST : 0) | (head.isMoved ? FLAG_MOVED : 0);
  view.setUint16(at + 18, head.partition);
  view.setUint16(at + 20, head.keyLength);
  view.setUint16(at + 22, head.tag);
  view.setUint32(at + 24, head.valueLength);
  view.setUint32(at + 28, head.facts);
  view.setUint16(at + 32, Math.floor(head.sequence / 0x1_0000_0000));
  view.setUint32(at + 34, head.sequence >>> 0);
  target[at + 38] = head.mark;
  target[at + 39] = 0;
  view.setUint32(at + 40, head.hashHigh);
  view.setUint32(at + 44, head.hashLow);
  view.setUint32(at + 48, head.digestHigh);
  view.setUint32(at + 52, head.digestLow);
  target.set(key, at + HEAD_BYTES);
  target.set(value, at + HEAD_BYTES + key.length);
  view.setBigUint64(at + 56, hash64(value));
  view.setUint32(at, headCheck(hash64, target, at, key.length));
}

/** The head of a record at `at`, when it lies where it was written and its key is whole; undefined for anything else. The value may be damaged. */
export function decodeHead(
  hash64: Hash64,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  place: Place,
): Head | undefined {
  if (at + HEAD_BYTES > bytes.length) return undefined;
  if (view.getUint32(at + 4) !== place.segment || view.getUint32(at + 8) * UNIT_BYTES !== place.offset)
    return undefined;
  const keyLength = view.getUint16(at + 20);
  const kind = bytes[at + 16] as number;
  if (kind === 0 || kind > KIND_MAX || at + HEAD_BYTES + keyLength > bytes.length) return undefined;
  if (view.getUint32(at) !== headCheck(hash64, bytes, at, keyLength)) return undefined;
  return {
    kind,
    isLast: ((bytes[at + 17] as number) & FLAG_LAST) !== 0,
    isMoved: ((bytes[at + 17] as number) & FLAG_MOVED) !== 0,
    partition: view.getUint16(at + 18),
    keyLength,
    valueLength: view.getUint32(at + 24),
    tag: view.getUint16(at + 22),
    mark: bytes[at + 38] as number,
    facts: view.getUint32(at + 28),
    sequence: view.getUint16(at + 32) * 0x1_0000_0000 + view.getUint32(at + 34),
    hashHigh: view.getUint32(at + 40),
    hashLow: view.getUint32(at + 44),
    digestHigh: view.getUint32(at + 48),
    digestLow: view.getUint32(at + 52),
    proven: view.getUint32(at + 12) * UNIT_BYTES,
  };
}

export function keyOf(bytes: Uint8Array, at: number, head: Head): Uint8Array {
  return bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + head.keyLength);
}

/** The value, when it is all there and undamaged. */
export function valueOf(
  hash64: Hash64,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  head: Head,
): Uint8Array | undefined {
  const from = at + HEAD_BYTES + head.keyLength;
  if (from + head.valueLength > bytes.length) return undefined;
  const value = bytes.subarray(from, from + head.valueLength);
  return hash64(value) === view.getBigUint64(at + 56) ? value : undefined;
}

function headCheck(hash64: Hash64, bytes: Uint8Array, at: number, keyLength: number): number {
  return low32(hash64(bytes.subarray(at + 4, at + HEAD_BYTES + keyLength)));
}
