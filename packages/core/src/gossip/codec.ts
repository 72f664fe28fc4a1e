/** Gossip's messages and snapshots as bytes: a version, a kind, then the parts; and how many bytes each part takes, so that a message can be filled to its limit (DESIGN §6). */
import { unreachable } from "../base/assert.js";
import { MalformedError } from "../base/bytes.js";
import type { Reader, Writer } from "../base/bytes.js";
import { limits } from "../base/limits.js";
import { isEntryKey } from "./messages.js";
import type { Delta, Digest, Entry, GossipMessage, OriginSnapshot } from "./messages.js";

const FORMAT = 1;
const KIND_SYN = 1;
const KIND_ACK = 2;
const KIND_ACK2 = 3;
const KIND_SNAPSHOT = 4;

const INSTANCE_BYTES = 6;
const COUNT_BYTES_MAX = 5;
const DIGEST_BYTES_MIN = INSTANCE_BYTES + 3;
const DELTA_BYTES_MIN = INSTANCE_BYTES + 5;
const ENTRY_BYTES_MIN = 4;

/** The most that a message takes before its first digest or delta: format, kind, range, two counts. */
export const HEAD_BYTES_MAX = 2 + 2 * INSTANCE_BYTES + 2 * COUNT_BYTES_MAX;

/** The most that one entry and the head of its delta take, for the limits on keys and values. */
export function entryBytesMax(keyBytesMax: number, valueBytesMax: number): number {
  return INSTANCE_BYTES + 4 * 8 + COUNT_BYTES_MAX + 2 * COUNT_BYTES_MAX + keyBytesMax + valueBytesMax + 8;
}

function uvarintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

export function digestBytes(digest: Digest): number {
  return INSTANCE_BYTES + uvarintBytes(digest.boot) + uvarintBytes(digest.heartbeat) + uvarintBytes(digest.version);
}

/** A delta without its entries. */
export function deltaHeadBytes(delta: Omit<Delta, "entries">): number {
  return digestBytes({ ...delta, version: delta.base }) + uvarintBytes(delta.after) + COUNT_BYTES_MAX;
}

/** `previous` is the version before it in its delta: versions are written as steps. */
export function entryBytes(entry: Entry, previous: number): number {
  const { key, value, version } = entry;
  const lengths = uvarintBytes(key.length) + uvarintBytes(value.length);
  return lengths + key.length + value.length + uvarintBytes(version - previous);
}

export function encodeGossip(writer: Writer, message: GossipMessage): void {
  writer.u8(FORMAT);
  switch (message.kind) {
    case "syn":
      writer.u8(KIND_SYN);
      writeDigest(writer, message.self);
      writer.u48(message.from);
      writer.u48(message.to);
      return writeAll(writer, message.digests, writeDigest);
    case "ack":
      writer.u8(KIND_ACK);
      writeAll(writer, message.digests, writeDigest);
      return writeAll(writer, message.deltas, writeDelta);
    case "ack2":
      writer.u8(KIND_ACK2);
      return writeAll(writer, message.deltas, writeDelta);
    default:
      return unreachable(message);
  }
}

/** The values are slices of what is read. @throws MalformedError for bytes that are not one whole message. */
export function decodeGossip(reader: Reader): GossipMessage {
  const message = readMessage(reader);
  reader.finish();
  return message;
}

/** For the disk: written when something durable changed, read back at the start. */
export function encodeOrigin(writer: Writer, snapshot: OriginSnapshot): void {
  writer.u8(FORMAT);
  writer.u8(KIND_SNAPSHOT);
  writeDigest(writer, snapshot);
  writer.uvarint(snapshot.base);
  writeEntries(writer, snapshot.entries, 0);
}

/** The values are slices of what is read. @throws MalformedError for bytes that are not one whole snapshot. */
export function decodeOrigin(reader: Reader): OriginSnapshot {
  readHead(reader, "a snapshot of an origin", (kind) => kind === KIND_SNAPSHOT);
  const digest = readDigest(reader);
  demandBoot(digest.boot);
  const base = reader.uvarint();
  const entries = readEntries(reader, 0, 0);
  reader.finish();
  if ((entries.at(-1)?.version ?? 0) !== digest.version)
    throw new MalformedError("a snapshot that does not reach its version");
  return { ...digest, base, entries };
}

function readHead(reader: Reader, what: string, known: (kind: number) => boolean): number {
  const format = reader.u8();
  const kind = reader.u8();
  if (format !== FORMAT || !known(kind)) throw new MalformedError(`not ${what}: format ${format}, kind ${kind}`);
  return kind;
}

function readMessage(reader: Reader): GossipMessage {
  switch (readHead(reader, "a gossip message", (kind) => kind >= KIND_SYN && kind <= KIND_ACK2)) {
    case KIND_SYN: {
      const self = readDigest(reader);
      demandBoot(self.boot);
      const from = reader.u48();
      const to = reader.u48();
      return { kind: "syn", self, from, to, digests: readAll(reader, DIGEST_BYTES_MIN, readDigest) };
    }
    case KIND_ACK: {
      const digests = readAll(reader, DIGEST_BYTES_MIN, readDigest);
      return { kind: "ack", digests, deltas: readAll(reader, DELTA_BYTES_MIN, readDelta) };
    }
    default:
      return { kind: "ack2", deltas: readAll(reader, DELTA_BYTES_MIN, readDelta) };
  }
}

function writeAll<T>(writer: Writer, items: readonly T[], write: (writer: Writer, item: T) => void): void {
  writer.uvarint(items.length);
  for (const item of items) write(writer, item);
}

function readAll<T>(reader: Reader, eachBytes: number, read: (reader: Reader) => T): T[] {
  const count = reader.count(eachBytes);
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read(reader));
  return items;
}

function writeDigest(writer: Writer, digest: Digest): void {
  writer.u48(digest.instance);
  writer.uvarint(digest.boot);
  writer.uvarint(digest.heartbeat);
  writer.uvarint(digest.version);
}

function readDigest(reader: Reader): Digest {
  const instance = reader.u48();
  const boot = reader.uvarint();
  const heartbeat = reader.uvarint();
  return { instance, boot, heartbeat, version: reader.uvarint() };
}

function writeDelta(writer: Writer, delta: Delta): void {
  writeDigest(writer, { ...delta, version: delta.base });
  writer.uvarint(delta.after);
  writeEntries(writer, delta.entries, delta.after);
}

function readDelta(reader: Reader): Delta {
  const { instance, boot, heartbeat, version: base } = readDigest(reader);
  demandBoot(boot);
  const after = reader.uvarint();
  return { instance, boot, heartbeat, base, after, entries: readEntries(reader, after, 1) };
}

function writeEntries(writer: Writer, entries: readonly Entry[], after: number): void {
  writer.uvarint(entries.length);
  let previous = after;
  for (const { key, value, version } of entries) {
    writer.string(key);
    writer.blob(value);
    writer.uvarint(version - previous);
    previous = version;
  }
}

/** `stepMin`: 1 where versions rise, 0 where inherited entries come first, all with version 0. */
function readEntries(reader: Reader, after: number, stepMin: 0 | 1): Entry[] {
  const count = reader.count(ENTRY_BYTES_MIN);
  const entries: Entry[] = [];
  const keys = new Set<string>();
  let version = after;
  for (let i = 0; i < count; i++) {
    const key = reader.string();
    if (!isEntryKey(key, limits.gossipKeyBytesMax) || keys.has(key))
      throw new MalformedError("a key that is not one, or twice");
    keys.add(key);
    const value = reader.blob();
    if (value.length > limits.gossipValueBytesMax)
      throw new MalformedError(`a gossiped value of ${value.length} bytes`);
    const step = reader.uvarint();
    // Only inherited entries share a version, and theirs is 0.
    if (step < (version > 0 ? 1 : stepMin)) throw new MalformedError("versions that do not rise");
    version += step;
    if (!Number.isSafeInteger(version)) throw new MalformedError("a version above 2^53 - 1");
    entries.push({ key, value, version });
  }
  return entries;
}

function demandBoot(boot: number): void {
  if (boot === 0) throw new MalformedError("an origin without an incarnation");
}
