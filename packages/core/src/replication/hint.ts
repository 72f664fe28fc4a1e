/**
 * A hint: the duty to hand a state over to an owner that missed it (Dynamo §4.6; TRAPS 18, 19). It names the key with its partition, the state as
 * it was when the duty was last taken on, and the instance that it is meant for; the state itself is an ordinary record of the partition.
 * Bytes in docs/formats/hint.md.
 */
import { MalformedError, Reader, Writer } from "../base/bytes.js";
import type { Primitives } from "../base/primitives.js";
import { seal, unseal } from "../base/sealed.js";

/** For whom a state is kept. */
export interface HintTarget {
  readonly name: string;
  readonly instance: number;
}

export interface Hint {
  readonly target: HintTarget;
  readonly partition: number;
  /** The key: UTF-8 of `bucket/key`. */
  readonly id: Uint8Array;
  /** Digest of the state that lay there when the duty was last taken on. */
  readonly digest: bigint;
  /** Bytes of that state. */
  readonly bytes: number;
  /** When it was first taken on: the wall clock's milliseconds since the epoch. */
  readonly sinceMs: number;
  /** The state lies here only to be handed over: it leaves with the last hint. False where it was an owner's before. */
  readonly isGuest: boolean;
}

export const hintPrefix = "hint/";

const HINT_VERSION = 1;

/** `slot` tells apart keys that share a hash. The partition comes first: what one partition owes is one range. */
export function hintName(partition: number, hash: bigint, instance: number, slot: number): string {
  const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, "0");
  return `${hintPrefix}${hex(partition, 4)}/${hex(hash, 16)}/${hex(instance, 12)}/${slot}`;
}

/** What a name says; undefined for one that is none of a hint. */
export function placeOfHint(name: string): { partition: number; hash: bigint; instance: number } | undefined {
  const match = /^hint\/([0-9a-f]{4})\/([0-9a-f]{16})\/([0-9a-f]{12})\/\d+$/.exec(name);
  if (match === null) return undefined;
  const [, partition = "", hash = "", instance = ""] = match;
  return {
    partition: Number.parseInt(partition, 16),
    hash: BigInt(`0x${hash}`),
    instance: Number.parseInt(instance, 16),
  };
}

export function slotOf(name: string): number {
  return Number(name.slice(name.lastIndexOf("/") + 1));
}

export function encodeHint(primitives: Primitives, name: string, hint: Hint): Uint8Array {
  const writer = new Writer(primitives.text);
  writer.u8(HINT_VERSION);
  writer.string(hint.target.name);
  writer.u48(hint.target.instance);
  writer.u16(hint.partition);
  writer.blob(hint.id);
  writer.u64(hint.digest);
  writer.uvarint(hint.bytes);
  writer.uvarint(hint.sinceMs);
  writer.u8(hint.isGuest ? 1 : 0);
  return seal(primitives, name, writer.take());
}

/** Undefined for one that is damaged, lies under another name, or is of a version that this code does not know. */
export function decodeHint(primitives: Primitives, name: string, value: Uint8Array): Hint | undefined {
  const bytes = unseal(primitives, name, value);
  if (bytes === undefined) return undefined;
  try {
    const reader = new Reader(primitives.text, bytes);
    if (reader.u8() !== HINT_VERSION) return undefined;
    const target = { name: reader.string(), instance: reader.u48() };
    const partition = reader.u16();
    const id = reader.blob().slice();
    const state = { digest: reader.u64(), bytes: reader.uvarint(), sinceMs: reader.uvarint() };
    const isGuest = reader.u8() === 1;
    reader.finish();
    return { target, partition, id, ...state, isGuest };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
