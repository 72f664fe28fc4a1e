/** The bytes of what programs ask besides reading and writing keys (client-messages.ts): kinds 80-86. */
import { MalformedError } from "../base/bytes.js";
import type { QuorumArg } from "../base/quorum-arg.js";
import type { ClientReply, ClientRequest } from "./client-messages.js";
import {
  readFlags,
  readList,
  readOneOf,
  readQuorum,
  writeFlags,
  writeList,
  writeOneOf,
  writeQuorum,
  type MessageCodec,
} from "./codec-parts.js";

const conflictModes = ["siblings", "lww"] as const;
/** `keep`: what the bucket has. */
const conflictChanges = ["keep", ...conflictModes] as const;
const ttlChanges = ["keep", "none", "set"] as const;

function said(quorum: QuorumArg | undefined): QuorumArg {
  if (quorum === undefined) throw new MalformedError("a bucket's configuration without its quorums");
  return quorum;
}

export const clientCodecs: { readonly [K in (ClientRequest | ClientReply)["kind"]]: MessageCodec<K> } = {
  "client-list": {
    number: 80,
    write(writer, message) {
      writer.string(message.bucket);
      writer.string(message.prefix);
      writer.uvarint(message.limit);
      writer.string(message.cursor);
    },
    read: (reader) => ({
      kind: "client-list",
      bucket: reader.string(),
      prefix: reader.string(),
      limit: reader.uvarint(),
      cursor: reader.string(),
    }),
  },
  "client-listed": {
    number: 81,
    write(writer, message) {
      writeList(writer, message.keys, (key) => writer.string(key));
      writer.string(message.cursor);
    },
    read: (reader) => ({
      kind: "client-listed",
      keys: readList(reader, () => reader.string()),
      cursor: reader.string(),
    }),
  },
  "client-conflicts": {
    number: 82,
    write(writer, message) {
      writer.string(message.bucket);
      writer.uvarint(message.limit);
      writer.string(message.cursor);
    },
    read: (reader) => ({
      kind: "client-conflicts",
      bucket: reader.string(),
      limit: reader.uvarint(),
      cursor: reader.string(),
    }),
  },
  "client-conflicts-listed": {
    number: 83,
    write(writer, message) {
      writeList(writer, message.conflicts, ({ bucket, key, siblings, since }) => {
        writer.string(bucket);
        writer.string(key);
        writer.uvarint(siblings);
        writer.uvarint(since);
      });
      writer.string(message.cursor);
      writer.uvarint(message.total);
    },
    read: (reader) => ({
      kind: "client-conflicts-listed",
      conflicts: readList(reader, () => ({
        bucket: reader.string(),
        key: reader.string(),
        siblings: reader.uvarint(),
        since: reader.uvarint(),
      })),
      cursor: reader.string(),
      total: reader.uvarint(),
    }),
  },
  "client-bucket": {
    number: 84,
    write: (writer, message) => writer.string(message.bucket),
    read: (reader) => ({ kind: "client-bucket", bucket: reader.string() }),
  },
  "client-set-bucket": {
    number: 85,
    write(writer, message) {
      writer.string(message.bucket);
      writeQuorum(writer, message.r);
      writeQuorum(writer, message.w);
      writeOneOf(writer, conflictChanges, message.conflicts ?? "keep");
      writeOneOf(writer, ttlChanges, message.ttl === undefined ? "keep" : message.ttl === null ? "none" : "set");
      if (typeof message.ttl === "number") writer.uvarint(message.ttl);
    },
    read(reader) {
      const bucket = reader.string();
      const [r, w] = [readQuorum(reader), readQuorum(reader)];
      const change = readOneOf(reader, conflictChanges);
      const conflicts = change === "keep" ? undefined : change;
      const ttlChange = readOneOf(reader, ttlChanges);
      const ttl = ttlChange === "keep" ? undefined : ttlChange === "none" ? null : reader.uvarint();
      return { kind: "client-set-bucket", bucket, r, w, conflicts, ttl };
    },
  },
  "client-bucket-said": {
    number: 86,
    write(writer, message) {
      writer.u8(message.n);
      writeQuorum(writer, message.r);
      writeQuorum(writer, message.w);
      writeOneOf(writer, conflictModes, message.conflicts);
      writeFlags(writer, message.ttl !== undefined);
      if (message.ttl !== undefined) writer.uvarint(message.ttl);
    },
    read: (reader) => ({
      kind: "client-bucket-said",
      n: reader.u8(),
      r: said(readQuorum(reader)),
      w: said(readQuorum(reader)),
      conflicts: readOneOf(reader, conflictModes),
      ttl: readFlags(reader, 1)(0) ? reader.uvarint() : undefined,
    }),
  },
};
