/** The bytes of what members say to each other while partitions change hands (ring-messages.ts): kinds 50-58. */
import { MalformedError, type Reader, type Writer } from "../base/bytes.js";
import { readFlags, readList, writeFlags, writeList, type MessageCodec } from "./codec-parts.js";
import type { ByRecord, RingReply, RingRequest } from "./ring-messages.js";

export function writeByRecord(writer: Writer, by: ByRecord): void {
  writer.uvarint(by.epoch);
  writer.u8(by.phase);
}

export function readByRecord(reader: Reader): ByRecord {
  const epoch = reader.uvarint();
  const phase = reader.u8();
  if (phase !== 1 && phase !== 2 && phase !== 3) throw new MalformedError(`${phase} is no phase`);
  return { epoch, phase };
}

export const ringCodecs: { readonly [K in (RingRequest | RingReply)["kind"]]: MessageCodec<K> } = {
  owners: {
    number: 50,
    write(writer, message) {
      writer.string(message.ring);
      writer.blob(message.records);
      writeList(writer, message.begin, (partition) => writer.u16(partition));
    },
    read: (reader) => ({
      kind: "owners",
      ring: reader.string(),
      records: reader.blob(),
      begin: readList(reader, () => reader.u16()),
    }),
  },
  "owners-seen": {
    number: 51,
    write(writer, message) {
      writer.string(message.ring);
      writeList(writer, message.seen, ({ partition, epoch, confirmed }) => {
        writer.u16(partition);
        writer.uvarint(epoch);
        writeFlags(writer, confirmed);
      });
      writer.blob(message.newer);
    },
    read: (reader) => ({
      kind: "owners-seen",
      ring: reader.string(),
      seen: readList(reader, () => ({
        partition: reader.u16(),
        epoch: reader.uvarint(),
        confirmed: readFlags(reader, 1)(0),
      })),
      newer: reader.blob(),
    }),
  },
  fenced: {
    number: 52,
    write: (writer, message) => writer.blob(message.records),
    read: (reader) => ({ kind: "fenced", records: reader.blob() }),
  },
  "owners-sync": {
    number: 53,
    write: (writer, message) => writeList(writer, message.digests, (digest) => writer.u64(digest)),
    read: (reader) => ({ kind: "owners-sync", digests: readList(reader, () => reader.u64()) }),
  },
  "owners-synced": {
    number: 54,
    write: (writer, message) => writer.blob(message.records),
    read: (reader) => ({ kind: "owners-synced", records: reader.blob() }),
  },
  index: {
    number: 55,
    write(writer, message) {
      writer.u16(message.partition);
      writer.u64(message.fromHash);
      writer.uvarint(message.limit);
    },
    read: (reader) => ({
      kind: "index",
      partition: reader.u16(),
      fromHash: reader.u64(),
      limit: reader.uvarint(),
    }),
  },
  indexed: {
    number: 56,
    write(writer, message) {
      writeFlags(writer, message.more);
      writer.uvarint(message.total);
      writeList(writer, message.entries, ({ hash, digest }) => {
        writer.u64(hash);
        writer.u64(digest);
      });
    },
    read(reader) {
      const more = readFlags(reader, 1)(0);
      const total = reader.uvarint();
      const entries = readList(reader, () => ({ hash: reader.u64(), digest: reader.u64() }));
      return { kind: "indexed", entries, more, total };
    },
  },
  weigh: { number: 57, write: () => {}, read: () => ({ kind: "weigh" }) },
  weighed: {
    number: 58,
    write(writer, message) {
      writeList(writer, message.partitions, ({ partition, keys, bytes }) => {
        writer.u16(partition);
        writer.uvarint(keys);
        writer.uvarint(bytes);
      });
    },
    read: (reader) => ({
      kind: "weighed",
      partitions: readList(reader, () => ({
        partition: reader.u16(),
        keys: reader.uvarint(),
        bytes: reader.uvarint(),
      })),
    }),
  },
};
