/** Reads every record of a segment that has no index file, and tells what can't be read. What that means is decided in segment-verdict.ts. */
import type { Hash64 } from "../format/hash.js";
import { decodeHead, HEAD_BYTES, keyOf, recordBytes, UNIT_BYTES, valueOf, type Head } from "../format/record.js";
import { SEGMENT_HEADER_BYTES } from "../format/segment-header.js";
import type { Task } from "../task.js";
import { Window, type Readable } from "../window.js";

/** A record whose head is whole. */
export interface ScannedRecord {
  readonly head: Head;
  readonly offset: number;
  readonly length: number;
  readonly key: Uint8Array;
  /** Undefined: damaged. For records with a value of their own to remember (facts and such), else empty. */
  readonly value: Uint8Array | undefined;
}

/** A stretch in which no record was found. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

export interface SegmentScan {
  readonly records: readonly ScannedRecord[];
  readonly gaps: readonly Gap[];
  readonly end: number;
}

const KEY_BYTES_READ = 4096;
const GAP_BYTES_READ = 64 * 1024;
const NOTHING = new Uint8Array(0);

export function* scanSegment(
  file: Readable,
  segment: number,
  end: number,
  hash64: Hash64,
  keepsValue: (head: Head) => boolean,
): Task<SegmentScan> {
  const window = new Window(file, end);
  const records: ScannedRecord[] = [];
  const gaps: Gap[] = [];
  let at = Math.min(end, SEGMENT_HEADER_BYTES);
  let gapFrom: number | undefined;
  while (at < end) {
    const record = yield* recordAt(window, segment, at, hash64, keepsValue);
    if (record === undefined) {
      gapFrom ??= at;
      at = yield* nextCandidate(window, segment, at + UNIT_BYTES);
      continue;
    }
    if (gapFrom !== undefined) gaps.push({ from: gapFrom, to: at });
    gapFrom = undefined;
    records.push(record);
    at += record.length;
  }
  if (gapFrom !== undefined) gaps.push({ from: gapFrom, to: end });
  return { records, gaps, end };
}

/** Records begin at multiples of 16, and say where: the next place at which one may lie. */
function* nextCandidate(window: Window, segment: number, from: number): Task<number> {
  for (let at = from; at < window.end;) {
    const bytes = yield* window.at(at, GAP_BYTES_READ);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i + HEAD_BYTES <= bytes.length; i += UNIT_BYTES) {
      if (view.getUint32(i + 4) === segment && view.getUint32(i + 8) === (at + i) / UNIT_BYTES) return at + i;
    }
    at += Math.max(UNIT_BYTES, bytes.length - HEAD_BYTES + UNIT_BYTES);
  }
  return window.end;
}

function* recordAt(
  window: Window,
  segment: number,
  at: number,
  hash64: Hash64,
  keepsValue: (head: Head) => boolean,
): Task<ScannedRecord | undefined> {
  const place = { segment, offset: at };
  let bytes = yield* window.at(at, HEAD_BYTES + KEY_BYTES_READ);
  let view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD_BYTES || view.getUint32(4) !== segment) return undefined;
  const keyLength = view.getUint16(20);
  if (keyLength > KEY_BYTES_READ) {
    bytes = yield* window.at(at, HEAD_BYTES + keyLength);
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  const head = decodeHead(hash64, bytes, view, 0, place);
  if (head === undefined) return undefined;
  const length = recordBytes(head.keyLength, head.valueLength);
  if (at + length > window.end) return undefined;
  bytes = yield* window.at(at, length);
  view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const value = valueOf(hash64, bytes, view, 0, head);
  const key = keyOf(bytes, 0, head).slice();
  return { head, offset: at, length, key, value: value === undefined || keepsValue(head) ? value?.slice() : NOTHING };
}
