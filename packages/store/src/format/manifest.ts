/** The manifest: which segments make the store, in their order. Written aside, flushed and renamed, so that it is whole or the one before. */
import { compareBytes, type Primitives } from "@kvorum/core";

export const MANIFEST = "MANIFEST";
export const MANIFEST_TEMPORARY = "MANIFEST.tmp";
const MAGIC = 0x4b56_4d46;
const VERSION = 1;
const FIXED_BYTES = 24;
const CHECK_BYTES = 8;

export interface Manifest {
  /** Drawn when the store was made; seeds its checksums. */
  readonly salt: bigint;
  /** Greater than every segment that ever was. */
  readonly nextSegment: number;
  /** Ascending. A record in a later one is newer. */
  readonly segments: readonly number[];
}

/** magic u32 "KVMF", version u16, zero u16, salt u64, next u32, count u32, count × segment u32, check u64. */
export function encodeManifest(primitives: Primitives, { salt, nextSegment, segments }: Manifest): Uint8Array {
  const bytes = new Uint8Array(FIXED_BYTES + segments.length * 4 + CHECK_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint16(4, VERSION);
  view.setBigUint64(8, salt);
  view.setUint32(16, nextSegment);
  view.setUint32(20, segments.length);
  segments.forEach((segment, index) => view.setUint32(FIXED_BYTES + index * 4, segment));
  const end = bytes.length - CHECK_BYTES;
  view.setBigUint64(end, primitives.hash64(bytes.subarray(0, end)));
  return bytes;
}

/** Undefined for what is no whole manifest. */
export function decodeManifest(primitives: Primitives, bytes: Uint8Array): Manifest | undefined {
  const end = bytes.length - CHECK_BYTES;
  if (end < FIXED_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC || view.getUint16(4) !== VERSION) return undefined;
  if (view.getBigUint64(end) !== primitives.hash64(bytes.subarray(0, end))) return undefined;
  const count = view.getUint32(20);
  if (FIXED_BYTES + count * 4 !== end) return undefined;
  const segments = Array.from({ length: count }, (_, index) => view.getUint32(FIXED_BYTES + index * 4));
  return { salt: view.getBigUint64(8), nextSegment: view.getUint32(16), segments };
}

export function isSameManifest(primitives: Primitives, a: Manifest, b: Manifest): boolean {
  return compareBytes(encodeManifest(primitives, a), encodeManifest(primitives, b)) === 0;
}
