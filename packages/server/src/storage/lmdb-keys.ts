/** How records and facts are named inside LMDB: bytes whose order is the port's order. See docs/formats/data-folder.md. */
import { assert, type RecordKey } from "@kvorum/core";

/** The first byte of every key: which kind of thing it names. */
export const RECORD_SPACE = 1;
export const META_SPACE = 2;

/** LMDB, with pages of 4,096 bytes, takes keys up to this long. */
const KEY_BYTES_MAX = 1978;
const RECORD_PREFIX_BYTES = 11;

/** `[1][partition u16][hash u64][key]`, big-endian, so that bytes sort as (partition, hash, key). */
export function recordKey(record: RecordKey): Buffer {
  const size = RECORD_PREFIX_BYTES + record.key.length;
  assert(size <= KEY_BYTES_MAX, `a record's key fits into a key of LMDB (${size} bytes)`);
  const bytes = Buffer.allocUnsafe(size);
  writePrefix(bytes, record.partition, record.hash);
  bytes.set(record.key, RECORD_PREFIX_BYTES);
  return bytes;
}

/** The first possible key at `hash`, and the end of a range when the hash before it is the last that belongs to it. */
export function recordBound(partition: number, hash: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(RECORD_PREFIX_BYTES);
  writePrefix(bytes, partition, hash);
  return bytes;
}

/** Reads back what {@link recordKey} wrote. The key is a slice of `bytes`. */
export function parseRecordKey(bytes: Buffer): RecordKey {
  return { partition: bytes.readUInt16BE(1), hash: bytes.readBigUInt64BE(3), key: bytes.subarray(RECORD_PREFIX_BYTES) };
}

/** `[2][name as UTF-8]`. */
export function metaKey(name: string): Buffer {
  const bytes = Buffer.from(`\u0000${name}`);
  bytes[0] = META_SPACE;
  assert(bytes.length <= KEY_BYTES_MAX, `a fact's name fits into a key of LMDB (${bytes.length} bytes)`);
  return bytes;
}

export function parseMetaKey(bytes: Buffer): string {
  return bytes.toString("utf8", 1);
}

/** The least key above all that start with `prefix`. The prefix starts with a space byte, so there is one. */
export function after(prefix: Buffer): Buffer {
  const bytes = Buffer.from(prefix);
  let last = bytes.length - 1;
  while (bytes[last] === 0xff) last--;
  bytes[last] = (bytes[last] as number) + 1;
  return bytes.subarray(0, last + 1);
}

function writePrefix(bytes: Buffer, partition: number, hash: bigint): void {
  bytes[0] = RECORD_SPACE;
  bytes.writeUInt16BE(partition, 1);
  bytes.writeBigUInt64BE(hash, 3);
}
