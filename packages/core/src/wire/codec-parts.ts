/** What the bytes of several messages are made of: words, flags, quorums, lists, failures. docs/formats/frame.md says it in words. */
import { assert } from "../base/assert.js";
import { MalformedError, type Reader, type Writer } from "../base/bytes.js";
import { failureCodes, type Failure } from "../base/failure.js";
import type { QuorumArg } from "../base/quorum-arg.js";
import type { MessageKind, MessageOf, OperationTag } from "./messages.js";

export interface MessageCodec<K extends MessageKind> {
  readonly number: number;
  write(writer: Writer, message: MessageOf<K>): void;
  read(reader: Reader): MessageOf<K>;
}

const effects = ["none", "unknown"] as const;
const quorumWords = ["one", "quorum", "all"] as const;

export function writeOneOf<T extends string>(writer: Writer, words: readonly T[], word: T): void {
  writer.u8(words.indexOf(word));
}

export function readOneOf<T extends string>(reader: Reader, words: readonly T[]): T {
  const index = reader.u8();
  const word = words[index];
  if (word === undefined) throw new MalformedError(`${index} is none of ${words.join(", ")}`);
  return word;
}

/** Flags of one byte, least significant first. A flag that this version does not know is refused rather than ignored. */
export function writeFlags(writer: Writer, ...flags: readonly boolean[]): void {
  let bits = 0;
  for (let index = 0; index < flags.length; index++) if (flags[index] === true) bits |= 1 << index;
  writer.u8(bits);
}

export function readFlags(reader: Reader, count: number): (index: number) => boolean {
  const bits = reader.u8();
  if (bits >>> count !== 0) throw new MalformedError(`unknown flags ${bits.toString(2)}`);
  return (index) => ((bits >>> index) & 1) === 1;
}

/** 0: the bucket's default; 1-99: that many; 101-103: one, quorum, all. */
export function writeQuorum(writer: Writer, quorum: QuorumArg | undefined): void {
  if (quorum === undefined) writer.u8(0);
  else if (typeof quorum === "number") writer.u8(quorum);
  else writer.u8(101 + quorumWords.indexOf(quorum));
}

export function readQuorum(reader: Reader): QuorumArg | undefined {
  const value = reader.u8();
  if (value === 0) return undefined;
  if (value < 100) return value;
  const word = quorumWords[value - 101];
  if (word === undefined) throw new MalformedError(`${value} is no quorum`);
  return word;
}

export function writeList<T>(writer: Writer, items: readonly T[], write: (item: T) => void): void {
  writer.uvarint(items.length);
  for (const item of items) write(item);
}

export function readList<T>(reader: Reader, read: () => T): T[] {
  return Array.from({ length: reader.count() }, read);
}

export function writeFailure(writer: Writer, failure: Failure): void {
  writeOneOf(writer, failureCodes, failure.code);
  writer.string(failure.detail);
  writeOneOf(writer, effects, failure.effect);
  const counted = failure.needed !== undefined && failure.received !== undefined;
  writeFlags(writer, counted, failure.retryAfterMs !== undefined, failure.members !== undefined);
  if (counted) {
    writer.u8(failure.needed);
    writer.u8(failure.received);
  }
  if (failure.retryAfterMs !== undefined) writer.uvarint(failure.retryAfterMs);
  if (failure.members !== undefined) writer.u8(failure.members);
}

export function readFailure(reader: Reader): Failure {
  const code = readOneOf(reader, failureCodes);
  const detail = reader.string();
  const effect = readOneOf(reader, effects);
  const flag = readFlags(reader, 3);
  return {
    code,
    detail,
    effect,
    ...(flag(0) ? { needed: reader.u8(), received: reader.u8() } : {}),
    ...(flag(1) ? { retryAfterMs: reader.uvarint() } : {}),
    ...(flag(2) ? { members: reader.u8() } : {}),
  };
}

/** 16 bytes, as the reader takes them: another count would shift everything that follows. */
export function writeOperation(writer: Writer, operation: OperationTag): void {
  assert(operation.id.length === 16, "an operation id has 16 bytes");
  writer.raw(operation.id);
  writer.u64(operation.check);
}

export function readOperation(reader: Reader, maybeRetry: boolean): OperationTag {
  return { id: reader.raw(16), check: reader.u64(), maybeRetry };
}
