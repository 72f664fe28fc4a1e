/** The bytes of what members say so that tombstones can go (reap-messages.ts): kinds 70-77. */
import { reapSteps, reapWords } from "../base/reap-words.js";
import { readFlags, readList, readOneOf, writeFlags, writeList, writeOneOf, type MessageCodec } from "./codec-parts.js";
import {
  startWords,
  type AskRisk,
  type AskStart,
  type ReapReply,
  type ReapRequest,
  type RiskSaid,
  type StartSaid,
} from "./reap-messages.js";

export const reapCodecs: {
  readonly [K in (ReapRequest | ReapReply | AskRisk | RiskSaid | AskStart | StartSaid)["kind"]]: MessageCodec<K>;
} = {
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
  risk: { number: 74, write: () => {}, read: () => ({ kind: "risk" }) },
  "risk-said": {
    number: 75,
    write(writer, message) {
      const { oldestTombstone } = message;
      writer.uvarint(message.upMs);
      writeList(writer, message.filling, (partition) => writer.u16(partition));
      writer.uvarint(message.damaged);
      writer.uvarint(message.hints);
      writer.uvarint(message.oldestHintAgeMs);
      writer.uvarint(message.tombstones);
      writeFlags(writer, oldestTombstone !== undefined);
      if (oldestTombstone !== undefined) {
        writer.string(oldestTombstone.bucket);
        writer.string(oldestTombstone.key);
        writer.uvarint(oldestTombstone.since);
        writer.string(oldestTombstone.why);
      }
      writeList(writer, message.compared, ({ name, agoMs }) => {
        writer.string(name);
        writer.uvarint(agoMs);
      });
    },
    read: (reader) => ({
      kind: "risk-said",
      upMs: reader.uvarint(),
      filling: readList(reader, () => reader.u16()),
      damaged: reader.uvarint(),
      hints: reader.uvarint(),
      oldestHintAgeMs: reader.uvarint(),
      tombstones: reader.uvarint(),
      oldestTombstone: readFlags(reader, 1)(0)
        ? { bucket: reader.string(), key: reader.string(), since: reader.uvarint(), why: reader.string() }
        : undefined,
      compared: readList(reader, () => ({ name: reader.string(), agoMs: reader.uvarint() })),
    }),
  },
  start: {
    number: 76,
    write(writer, message) {
      writer.u48(message.instance);
      writeList(writer, message.starts, ({ boot, start }) => {
        writer.uvarint(boot);
        writer.u48(start);
      });
    },
    read: (reader) => ({
      kind: "start",
      instance: reader.u48(),
      starts: readList(reader, () => ({ boot: reader.uvarint(), start: reader.u48() })),
    }),
  },
  "start-said": {
    number: 77,
    write: (writer, message) => writeOneOf(writer, startWords, message.word),
    read: (reader) => ({ kind: "start-said", word: readOneOf(reader, startWords) }),
  },
};
