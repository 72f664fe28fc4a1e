/**
 * What a replica keeps of a key: the replicated state as bytes, its digest, and what only this replica knows about it.
 *
 * The digest is a hash of the body seeded with the key's hash: equal on every replica that holds the same state, and wrong for a body
 * that came to lie under another key. A seal does the same for the header. Layout in docs/formats/record.md.
 */
import type { Primitives } from "../base/primitives.js";

/** The local lifetime of a key: which actor of this node may still write to it (DESIGN §4). */
export interface LifetimeMark {
  readonly boot: number;
  readonly birth: number;
}

export interface LocalRecord {
  /** The encoded state. */
  readonly body: Uint8Array;
  readonly digest: bigint;
  /** This replica may have lost writes of this key and has not merged it from every other owner since. */
  readonly inDoubt: boolean;
  /** Undefined: this node has no actor for the key, and mints one when it next coordinates. */
  readonly lifetime: LifetimeMark | undefined;
  /**
   * Every owner holds this very state or nothing, nothing older is under way anywhere, and only the removal is left (reaping.ts): it counts as
   * absent, and in no hash tree. Any change takes the mark away.
   */
  readonly reaped?: boolean | undefined;
}

const RECORD_VERSION = 1;
const FLAG_IN_DOUBT = 1;
const FLAG_LIFETIME = 2;
const FLAG_REAPED = 4;
/** version u8, flags u8, boot u32, birth u48, digest u64, seal u32. */
export const RECORD_HEADER_BYTES = 24;
const BIRTH_AT = 6;
const DIGEST_AT = 12;
const SEAL_AT = 20;

export function digestOf(primitives: Primitives, keyHash: bigint, body: Uint8Array): bigint {
  return primitives.hash64(body, keyHash);
}

export function encodeRecord(primitives: Primitives, keyHash: bigint, record: LocalRecord): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + record.body.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = RECORD_VERSION;
  bytes[1] =
    (record.inDoubt ? FLAG_IN_DOUBT : 0) |
    (record.lifetime === undefined ? 0 : FLAG_LIFETIME) |
    (record.reaped === true ? FLAG_REAPED : 0);
  view.setUint32(2, record.lifetime?.boot ?? 0);
  setUint48(view, BIRTH_AT, record.lifetime?.birth ?? 0);
  view.setBigUint64(DIGEST_AT, record.digest);
  view.setUint32(SEAL_AT, sealOf(primitives, keyHash, bytes));
  bytes.set(record.body, RECORD_HEADER_BYTES);
  return bytes;
}

/** Undefined for a record that is damaged, of another key or of a version this code does not know: never to be taken for absence. */
export function decodeRecord(primitives: Primitives, keyHash: bigint, bytes: Uint8Array): LocalRecord | undefined {
  if (bytes.length < RECORD_HEADER_BYTES || bytes[0] !== RECORD_VERSION) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(SEAL_AT) !== sealOf(primitives, keyHash, bytes)) return undefined;
  const body = bytes.subarray(RECORD_HEADER_BYTES);
  const digest = view.getBigUint64(DIGEST_AT);
  if (digestOf(primitives, keyHash, body) !== digest) return undefined;
  const flags = bytes[1] as number;
  return {
    body,
    digest,
    inDoubt: (flags & FLAG_IN_DOUBT) !== 0,
    lifetime: (flags & FLAG_LIFETIME) === 0 ? undefined : { boot: view.getUint32(2), birth: getUint48(view, BIRTH_AT) },
    ...((flags & FLAG_REAPED) !== 0 && { reaped: true }),
  };
}

function setUint48(view: DataView, at: number, value: number): void {
  view.setUint16(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 2, value >>> 0);
}

function getUint48(view: DataView, at: number): number {
  return view.getUint16(at) * 0x1_0000_0000 + view.getUint32(at + 2);
}

function sealOf(primitives: Primitives, keyHash: bigint, bytes: Uint8Array): number {
  return Number(primitives.hash64(bytes.subarray(0, SEAL_AT), keyHash) & 0xffff_ffffn);
}
