/** The first 32 bytes of a segment: what it is, which one, and of which store. */
import type { Primitives } from "@kvorum/core";

export const SEGMENT_HEADER_BYTES = 32;
const MAGIC = 0x4b56_4c47;
const VERSION = 1;

/** magic u32 "KVLG", version u16, zero u16, segment u32, zero u32, salt u64, check u64. */
export function encodeSegmentHeader(primitives: Primitives, segment: number, salt: bigint): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint16(4, VERSION);
  view.setUint32(8, segment);
  view.setBigUint64(16, salt);
  view.setBigUint64(24, primitives.hash64(bytes.subarray(0, 24)));
  return bytes;
}

/** Undefined for what is no whole header. */
export function decodeSegmentHeader(
  primitives: Primitives,
  bytes: Uint8Array,
): { readonly segment: number; readonly salt: bigint } | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC || view.getUint16(4) !== VERSION) return undefined;
  if (view.getBigUint64(24) !== primitives.hash64(bytes.subarray(0, 24))) return undefined;
  return { segment: view.getUint32(8), salt: view.getBigUint64(16) };
}

export function segmentFile(segment: number): string {
  return `${String(segment).padStart(8, "0")}.log`;
}

export function indexFile(segment: number): string {
  return `${String(segment).padStart(8, "0")}.idx`;
}

const NAME = /^([0-9]{8,10})\.(log|idx)$/;

/** Which segment a file belongs to. */
export function parseName(name: string): { readonly segment: number; readonly kind: "log" | "idx" } | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  return { segment: Number(match[1]), kind: match[2] as "log" | "idx" };
}
