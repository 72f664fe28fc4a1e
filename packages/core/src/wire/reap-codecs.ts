/** The bytes of what members say so that tombstones can go (reap-messages.ts): kinds 70-73. */
import { reapSteps, reapWords } from "../base/reap-words.js";
import { readFlags, readList, readOneOf, writeFlags, writeList, writeOneOf, type MessageCodec } from "./codec-parts.js";
import type { ReapReply, ReapRequest } from "./reap-messages.js";

export const reapCodecs: { readonly [K in (ReapRequest | ReapReply)["kind"]]: MessageCodec<K> } = {
  reap: {
    number: 70,
    write(writer, message) {
      writeOneOf(writer, reapSteps, message.step);
      writer.u16(message.partition);
      writer.uvarint(message.epoch);
      writeList(writer, message.records, ({ id, digest }) => {
        writer.blob(id);
        writer.u64(digest);
      });
    },
    read: (reader) => ({
      kind: "reap",
      step: readOneOf(reader, reapSteps),
      partition: reader.u16(),
      epoch: reader.uvarint(),
      records: readList(reader, () => ({ id: reader.blob(), digest: reader.u64() })),
    }),
  },
  reaped: {
    number: 71,
    write: (writer, message) => writeList(writer, message.words, (word) => writeOneOf(writer, reapWords, word)),
    read: (reader) => ({ kind: "reaped", words: readList(reader, () => readOneOf(reader, reapWords)) }),
  },
  fence: {
    number: 72,
    write(writer, message) {
      writer.uvarint(message.boot);
      writer.uvarint(message.tide);
    },
    read: (reader) => ({ kind: "fence", boot: reader.uvarint(), tide: reader.uvarint() }),
  },
  "fence-said": {
    number: 73,
    write(writer, message) {
      writer.uvarint(message.boot);
      writer.uvarint(message.tide);
      writeFlags(writer, message.isOut);
      writer.string(message.waitsFor);
    },
    read: (reader) => ({
      kind: "fence-said",
      boot: reader.uvarint(),
      tide: reader.uvarint(),
      isOut: readFlags(reader, 1)(0),
      waitsFor: reader.string(),
    }),
  },
};
