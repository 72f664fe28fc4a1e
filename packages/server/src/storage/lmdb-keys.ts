/** How records and facts are named inside LMDB: bytes whose order is the port's order. See docs/formats/data-folder.md. */
import { assert, marksOf, type IndexEntry, type RecordKey, type RecordWrite } from "@kvorum/core";

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

/** What stands before a record's value: digest u64, mark u8, tag u16. */
const MARKS_BYTES = 11;

/** The value with its marks before it; undefined removes. */
export function recordValue(write: RecordWrite): Buffer | undefined {
  if (write.value === undefined) return undefined;
  const { digest, mark, tag } = marksOf(write);
  const bytes = Buffer.allocUnsafe(MARKS_BYTES + write.value.length);
  bytes.writeBigUInt64BE(digest, 0);
  bytes.writeUInt8(mark, 8);
  bytes.writeUInt16BE(tag, 9);
  bytes.set(write.value, MARKS_BYTES);
  return bytes;
}

/** Undefined for what is too short to have marks: nothing that {@link recordValue} wrote. */
export function parseRecordValue(stored: Uint8Array): Uint8Array | undefined {
  return stored.length < MARKS_BYTES ? undefined : stored.subarray(MARKS_BYTES);
}

export function parseEntry(key: Buffer, stored: Uint8Array): IndexEntry | undefined {
  if (stored.length < MARKS_BYTES) return undefined;
  const view = new DataView(stored.buffer, stored.byteOffset, MARKS_BYTES);
  return { hash: key.readBigUInt64BE(3), digest: view.getBigUint64(0), mark: view.getUint8(8), tag: view.getUint16(9) };
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
