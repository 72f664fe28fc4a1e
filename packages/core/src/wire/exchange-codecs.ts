/** The bytes of the messages of anti-entropy (exchange-messages.ts): kinds 60-69. */
import { MalformedError, type Reader, type Writer } from "../base/bytes.js";
import { readFlags, readList, readOneOf, writeFlags, writeList, writeOneOf, type MessageCodec } from "./codec-parts.js";
import type { BranchedNode, ExchangeReply, ExchangeRequest, NamedState } from "./exchange-messages.js";

const verdicts = ["same", "differs", "busy", "other-set"] as const;
const nodeKinds = ["children", "keys"] as const;
const CHILDREN = 16;

export const exchangeCodecs: { readonly [K in (ExchangeRequest | ExchangeReply)["kind"]]: MessageCodec<K> } = {
  compare: {
    number: 60,
    write(writer, message) {
      writeFlags(writer, message.set !== undefined);
      if (message.set !== undefined) writer.blob(message.set);
      writer.u64(message.setHash);
      writer.u64(message.sum);
    },
    read(reader) {
      const set = readFlags(reader, 1)(0) ? reader.blob() : undefined;
      return { kind: "compare", set, setHash: reader.u64(), sum: reader.u64() };
    },
  },
  compared: {
    number: 61,
    write(writer, message) {
      writeOneOf(writer, verdicts, message.verdict);
      writer.blob(message.set);
    },
    read: (reader) => ({ kind: "compared", verdict: readOneOf(reader, verdicts), set: reader.blob() }),
  },
  branch: {
    number: 62,
    write(writer, message) {
      writeList(writer, message.nodes, ({ level, path, keys }) => {
        writer.u8(level);
        writer.uvarint(path);
        writeFlags(writer, keys);
      });
    },
    read: (reader) => ({
      kind: "branch",
      nodes: readList(reader, () => ({
        level: reader.u8(),
        path: reader.uvarint(),
        keys: readFlags(reader, 1)(0),
      })),
    }),
  },
  branched: {
    number: 63,
    write: (writer, message) => writeList(writer, message.nodes, (node) => writeNode(writer, node)),
    read: (reader) => ({ kind: "branched", nodes: readList(reader, () => readNode(reader)) }),
  },
  recheck: {
    number: 64,
    write: (writer, message) => writeList(writer, message.hashes, (hash) => writer.u64(hash)),
    read: (reader) => ({ kind: "recheck", hashes: readList(reader, () => reader.u64()) }),
  },
  rechecked: {
    number: 65,
    write: (writer, message) => writeList(writer, message.digests, (digest) => writer.u64(digest)),
    read: (reader) => ({ kind: "rechecked", digests: readList(reader, () => reader.u64()) }),
  },
  mend: {
    number: 66,
    write(writer, message) {
      writeStates(writer, message.states);
      writeList(writer, message.wanted, (hash) => writer.u64(hash));
    },
    read: (reader) => ({
      kind: "mend",
      states: readStates(reader),
      wanted: readList(reader, () => reader.u64()),
    }),
  },
  mended: {
    number: 67,
    write(writer, message) {
      writer.uvarint(message.kept);
      writeStates(writer, message.states);
      writeFlags(writer, message.complete);
    },
    read: (reader) => ({
      kind: "mended",
      kept: reader.uvarint(),
      states: readStates(reader),
      complete: readFlags(reader, 1)(0),
    }),
  },
  repair: {
    number: 68,
    write: (writer, message) => writeFlags(writer, message.start),
    read: (reader) => ({ kind: "repair", start: readFlags(reader, 1)(0) }),
  },
  "repair-status": {
    number: 69,
    write(writer, message) {
      writeFlags(writer, message.running);
      const { exchanges, keysRepaired, bytesSent, finishedAt, done, total } = message;
      for (const count of [exchanges, keysRepaired, bytesSent, finishedAt, done, total]) writer.uvarint(count);
    },
    read: (reader) => ({
      kind: "repair-status",
      running: readFlags(reader, 1)(0),
      exchanges: reader.uvarint(),
      keysRepaired: reader.uvarint(),
      bytesSent: reader.uvarint(),
      finishedAt: reader.uvarint(),
      done: reader.uvarint(),
      total: reader.uvarint(),
    }),
  },
};

/** Of sixteen children many have nothing below them: a mask says which sums follow. */
function writeNode(writer: Writer, node: BranchedNode): void {
  writeOneOf(writer, nodeKinds, node.kind);
  if (node.kind === "keys") {
    writeList(writer, node.keys, ({ hash, digest }) => {
      writer.u64(hash);
      writer.u64(digest);
    });
    return;
  }
  writer.u16(node.sums.reduce((mask, sum, index) => (sum === 0n ? mask : mask | (1 << index)), 0));
  for (const sum of node.sums) if (sum !== 0n) writer.u64(sum);
}

function readNode(reader: Reader): BranchedNode {
  if (readOneOf(reader, nodeKinds) === "keys") {
    return { kind: "keys", keys: readList(reader, () => ({ hash: reader.u64(), digest: reader.u64() })) };
  }
  const mask = reader.u16();
  const sums = Array.from({ length: CHILDREN }, (_, index) => (((mask >> index) & 1) === 1 ? givenSum(reader) : 0n));
  return { kind: "children", sums };
}

function givenSum(reader: Reader): bigint {
  const sum = reader.u64();
  // One message has one form.
  if (sum === 0n) throw new MalformedError("a sum of 0 that is announced");
  return sum;
}

function writeStates(writer: Writer, states: readonly NamedState[]): void {
  writeList(writer, states, ({ id, body }) => {
    writer.blob(id);
    writer.blob(body);
  });
}

function readStates(reader: Reader): NamedState[] {
  return readList(reader, () => ({ id: reader.blob(), body: reader.blob() }));
}
