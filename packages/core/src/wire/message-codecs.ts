/** The bytes of each message. The number of a kind is the wire's: append only. docs/formats/frame.md says it in words. */
import { MalformedError, type Reader, type Writer } from "../base/bytes.js";
import { clientCodecs } from "./client-codecs.js";
import { hintCodecs } from "./hint-codecs.js";
import { reapCodecs } from "./reap-codecs.js";
import {
  readFailure,
  readFlags,
  readList,
  readOneOf,
  readOperation,
  readQuorum,
  writeFailure,
  writeFlags,
  writeList,
  writeOneOf,
  writeOperation,
  writeQuorum,
  type MessageCodec,
} from "./codec-parts.js";
import { exchangeCodecs } from "./exchange-codecs.js";
import type { Message, MessageKind } from "./messages.js";
import { readByRecord, ringCodecs, writeByRecord } from "./ring-codecs.js";

const roles = ["member", "joiner", "client"] as const;
const replicaStatuses = ["state", "absent", "unknown"] as const;
const storedStatuses = ["durable", "full", "failed", "refused"] as const;
const pageStatuses = ["ok", "unknown"] as const;

const codecs: { readonly [K in MessageKind]: MessageCodec<K> } = {
  hello: {
    number: 1,
    write(writer, message) {
      writeOneOf(writer, roles, message.role);
      writer.string(message.name);
      writer.u48(message.instance);
    },
    read: (reader) => ({
      kind: "hello",
      role: readOneOf(reader, roles),
      name: reader.string(),
      instance: reader.u48(),
    }),
  },
  refused: {
    number: 2,
    write: (writer, message) => writer.string(message.reason),
    read: (reader) => ({ kind: "refused", reason: reader.string() }),
  },
  fetch: {
    number: 3,
    write(writer, message) {
      writer.blob(message.id);
      writeByRecord(writer, message);
    },
    read: (reader) => ({ kind: "fetch", id: reader.blob(), ...readByRecord(reader) }),
  },
  fetched: {
    number: 4,
    write(writer, message) {
      writeOneOf(writer, replicaStatuses, message.status);
      writeFlags(writer, message.body !== undefined, message.isRemains === true);
      if (message.body !== undefined) writer.blob(message.body);
    },
    read(reader) {
      const status = readOneOf(reader, replicaStatuses);
      const flag = readFlags(reader, 2);
      const body = flag(0) ? reader.blob() : undefined;
      const isRemains = flag(1);
      if (status !== "unknown" && (body !== undefined) !== (status === "state")) {
        throw new MalformedError(`a fetched ${status} ${body === undefined ? "without" : "with"} a body`);
      }
      if (isRemains && status !== "unknown") throw new MalformedError("remains of nothing");
      return { kind: "fetched", status, body, ...(isRemains && { isRemains }) };
    },
  },
  digest: {
    number: 5,
    write(writer, message) {
      writer.blob(message.id);
      writeByRecord(writer, message);
    },
    read: (reader) => ({ kind: "digest", id: reader.blob(), ...readByRecord(reader) }),
  },
  digested: {
    number: 6,
    write(writer, message) {
      writeOneOf(writer, replicaStatuses, message.status);
      writer.u64(message.digest);
    },
    read: (reader) => ({ kind: "digested", status: readOneOf(reader, replicaStatuses), digest: reader.u64() }),
  },
  store: {
    number: 7,
    write(writer, message) {
      writer.blob(message.id);
      writer.blob(message.body);
      writeFlags(writer, message.whole);
      writeByRecord(writer, message);
    },
    read: (reader) => ({
      kind: "store",
      id: reader.blob(),
      body: reader.blob(),
      whole: readFlags(reader, 1)(0),
      ...readByRecord(reader),
    }),
  },
  stored: {
    number: 8,
    write: (writer, message) => writeOneOf(writer, storedStatuses, message.status),
    read: (reader) => ({ kind: "stored", status: readOneOf(reader, storedStatuses) }),
  },
  get: {
    number: 9,
    write(writer, message) {
      writer.blob(message.id);
      writeQuorum(writer, message.r);
      writeFlags(writer, message.sloppy, message.local);
      writer.u8(message.hops);
    },
    read(reader) {
      const id = reader.blob();
      const r = readQuorum(reader);
      const flag = readFlags(reader, 2);
      return { kind: "get", id, r, sloppy: flag(0), local: flag(1), hops: reader.u8() };
    },
  },
  got: {
    number: 10,
    write(writer, message) {
      writer.blob(message.body);
      writer.blob(message.context);
      writer.u8(message.needed);
      writer.u8(message.received);
      writer.u8(message.fallbacks);
    },
    read: (reader) => ({
      kind: "got",
      body: reader.blob(),
      context: reader.blob(),
      needed: reader.u8(),
      received: reader.u8(),
      fallbacks: reader.u8(),
    }),
  },
  put: {
    number: 11,
    write(writer, message) {
      const { value, operation, ttlSeconds } = message;
      writer.blob(message.id);
      writeFlags(
        writer,
        value !== undefined,
        message.sloppy,
        message.ifAbsent,
        operation !== undefined,
        operation?.maybeRetry ?? false,
        ttlSeconds !== undefined,
      );
      if (value !== undefined) {
        writer.blob(value);
        writer.string(message.contentType);
      }
      writer.blob(message.context);
      writeQuorum(writer, message.w);
      if (operation !== undefined) writeOperation(writer, operation);
      if (ttlSeconds !== undefined) writer.uvarint(ttlSeconds);
      writer.u8(message.hops);
    },
    read(reader) {
      const id = reader.blob();
      const flag = readFlags(reader, 6);
      const value = flag(0) ? reader.blob() : undefined;
      return {
        kind: "put",
        id,
        value,
        contentType: value === undefined ? "" : reader.string(),
        context: reader.blob(),
        w: readQuorum(reader),
        sloppy: flag(1),
        ifAbsent: flag(2),
        operation: flag(3) ? readOperation(reader, flag(4)) : undefined,
        ...(flag(5) && { ttlSeconds: reader.uvarint() }),
        hops: reader.u8(),
      };
    },
  },
  "put-done": {
    number: 12,
    write(writer, message) {
      writer.blob(message.context);
      writer.u8(message.needed);
      writer.u8(message.received);
      writer.u8(message.fallbacks);
    },
    read: (reader) => ({
      kind: "put-done",
      context: reader.blob(),
      needed: reader.u8(),
      received: reader.u8(),
      fallbacks: reader.u8(),
    }),
  },
  failed: {
    number: 13,
    write: (writer, message) => writeFailure(writer, message.failure),
    read: (reader) => ({ kind: "failed", failure: readFailure(reader) }),
  },
  gossip: {
    number: 14,
    write: (writer, message) => writer.blob(message.payload),
    read: (reader) => ({ kind: "gossip", payload: reader.blob() }),
  },
  join: {
    number: 15,
    write(writer, message) {
      writer.string(message.name);
      writer.u48(message.instance);
      writer.string(message.zone);
      writer.uvarint(message.weight);
    },
    read: (reader) => ({
      kind: "join",
      name: reader.string(),
      instance: reader.u48(),
      zone: reader.string(),
      weight: reader.uvarint(),
    }),
  },
  welcome: {
    number: 16,
    write(writer, message) {
      writer.u64(message.clusterId);
      writer.blob(message.secret);
      writer.u32(message.partitions);
      writer.u8(message.replicas);
      writer.blob(message.gossip);
      writer.blob(message.owners);
    },
    read: (reader) => ({
      kind: "welcome",
      clusterId: reader.u64(),
      secret: reader.blob(),
      partitions: reader.u32(),
      replicas: reader.u8(),
      gossip: reader.blob(),
      owners: reader.blob(),
    }),
  },
  list: {
    number: 17,
    write(writer, message) {
      writer.u16(message.partition);
      writer.blob(message.prefix);
      writer.u64(message.fromHash);
      writer.blob(message.afterId);
      writer.uvarint(message.limit);
    },
    read: (reader) => ({
      kind: "list",
      partition: reader.u16(),
      prefix: reader.blob(),
      fromHash: reader.u64(),
      afterId: reader.blob(),
      limit: reader.uvarint(),
    }),
  },
  listed: {
    number: 18,
    write(writer, message) {
      writeOneOf(writer, pageStatuses, message.status);
      writeFlags(writer, message.more);
      writeList(writer, message.keys, (key) => {
        writer.blob(key.id);
        writer.u64(key.digest);
        writer.uvarint(key.live);
      });
    },
    read: (reader) => ({
      kind: "listed",
      status: readOneOf(reader, pageStatuses),
      more: readFlags(reader, 1)(0),
      keys: readList(reader, () => ({ id: reader.blob(), digest: reader.u64(), live: reader.uvarint() })),
    }),
  },
  inventory: { number: 19, write: () => {}, read: () => ({ kind: "inventory" }) },
  inventoried: {
    number: 20,
    write(writer, message) {
      writeList(writer, message.buckets, (bucket) => {
        writer.string(bucket.name);
        writer.uvarint(bucket.keys);
      });
    },
    read: (reader) => ({
      kind: "inventoried",
      buckets: readList(reader, () => ({ name: reader.string(), keys: reader.uvarint() })),
    }),
  },
  conflicts: {
    number: 21,
    write: (writer, message) => writer.string(message.bucket),
    read: (reader) => ({ kind: "conflicts", bucket: reader.string() }),
  },
  "conflicts-listed": {
    number: 22,
    write(writer, message) {
      writeList(writer, message.conflicts, (conflict) => {
        writer.blob(conflict.id);
        writer.uvarint(conflict.siblings);
        writer.uvarint(conflict.sinceMs);
      });
    },
    read: (reader) => ({
      kind: "conflicts-listed",
      conflicts: readList(reader, () => ({
        id: reader.blob(),
        siblings: reader.uvarint(),
        sinceMs: reader.uvarint(),
      })),
    }),
  },
  pull: {
    number: 23,
    write(writer, message) {
      writer.u16(message.partition);
      writeList(writer, message.hashes, (hash) => writer.u64(hash));
      writer.uvarint(message.bytesMax);
    },
    read: (reader) => ({
      kind: "pull",
      partition: reader.u16(),
      hashes: readList(reader, () => reader.u64()),
      bytesMax: reader.uvarint(),
    }),
  },
  pulled: {
    number: 24,
    write(writer, message) {
      writeFlags(writer, message.more);
      writeList(writer, message.states, (state) => {
        writer.blob(state.id);
        writer.blob(state.body);
      });
    },
    read(reader) {
      const more = readFlags(reader, 1)(0);
      return { kind: "pulled", more, states: readList(reader, () => ({ id: reader.blob(), body: reader.blob() })) };
    },
  },
  ring: { number: 25, write: () => {}, read: () => ({ kind: "ring" }) },
  "ring-table": {
    number: 26,
    write(writer, message) {
      writer.string(message.version);
      writeList(writer, message.members, (member) => {
        writer.string(member.name);
        writer.string(member.address);
      });
      writeList(writer, message.owners, (owners) => writeList(writer, owners, (owner) => writer.uvarint(owner)));
    },
    read: (reader) => ({
      kind: "ring-table",
      version: reader.string(),
      members: readList(reader, () => ({ name: reader.string(), address: reader.string() })),
      owners: readList(reader, () => readList(reader, () => reader.uvarint())),
    }),
  },
  ...hintCodecs,
  ...ringCodecs,
  ...clientCodecs,
  ...exchangeCodecs,
  ...reapCodecs,
};

/** Indexed by number: a table rather than a map, for it is consulted once a frame. */
const byNumber: (MessageCodec<MessageKind> | undefined)[] = [];
for (const codec of Object.values(codecs)) byNumber[codec.number] = codec as unknown as MessageCodec<MessageKind>;

/** Appends the message's bytes and returns the number of its kind. */
export function encodeMessage(writer: Writer, message: Message): number {
  const codec = codecs[message.kind] as unknown as MessageCodec<MessageKind>;
  codec.write(writer, message);
  return codec.number;
}

export function decodeMessage(number: number, reader: Reader): Message {
  const codec = byNumber[number];
  if (codec === undefined) throw new MalformedError(`message kind ${number}: unknown to this version`);
  return codec.read(reader);
}
