/** The index file of a closed segment: what a start must know of its records, so that it need not read them. */
import type { Primitives } from "@kvorum/core";
import { EntryList, LISTED_WORDS, type ListedFact } from "./entry-list.js";

const MAGIC = 0x4b56_4958;
const VERSION = 1;
const FIXED_BYTES = 48;
const CHECK_BYTES = 8;
const FACT_FIXED_BYTES = 16;
const FACT_REMOVED = 0xffff_ffff;
const FACT_DAMAGED = 0xffff_fffe;

export interface IndexFile {
  readonly segment: number;
  /** Bytes of the segment that were proven when it was closed; what lies behind is nothing. */
  readonly length: number;
  /** The store's count of facts after the segment's last record. */
  readonly factsWritten: number;
  readonly lastSequence: number;
  /** Records of this segment were lost that nobody can name; also whether facts were among them. */
  readonly hasGap: boolean;
  readonly lostFacts: boolean;
  readonly entries: EntryList;
}

const FLAG_GAP = 1;
const FLAG_LOST_FACTS = 2;

/**
 * magic u32 "KVIX", version u16, flags u16, salt u64, segment u32, entries u32, facts u32, facts written u32, length u64, last sequence u64,
 * then the entries' words, the facts, and a check u64 over all.
 */
export function encodeIndexFile(primitives: Primitives, salt: bigint, file: IndexFile): Uint8Array {
  const { entries } = file;
  const facts = entries.facts.map((fact) => encodeFact(primitives, fact));
  const factBytes = facts.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(FIXED_BYTES + entries.length * LISTED_WORDS * 4 + factBytes + CHECK_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint16(4, VERSION);
  view.setUint16(6, (file.hasGap ? FLAG_GAP : 0) | (file.lostFacts ? FLAG_LOST_FACTS : 0));
  view.setBigUint64(8, salt);
  view.setUint32(16, file.segment);
  view.setUint32(20, entries.length);
  view.setUint32(24, facts.length);
  view.setUint32(28, file.factsWritten);
  view.setBigUint64(32, BigInt(file.length));
  view.setBigUint64(40, BigInt(file.lastSequence));
  const count = entries.length * LISTED_WORDS;
  for (let i = 0; i < count; i++) view.setUint32(FIXED_BYTES + i * 4, entries.words[i] as number);
  let at = FIXED_BYTES + count * 4;
  for (const fact of facts) {
    bytes.set(fact, at);
    at += fact.length;
  }
  view.setBigUint64(at, primitives.hash64(bytes.subarray(0, at)));
  return bytes;
}

/** Undefined for what is no whole index file of that segment of that store. */
export function decodeIndexFile(
  primitives: Primitives,
  salt: bigint,
  segment: number,
  bytes: Uint8Array,
): IndexFile | undefined {
  const end = bytes.length - CHECK_BYTES;
  if (end < FIXED_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC || view.getUint16(4) !== VERSION) return undefined;
  if (view.getBigUint64(8) !== salt || view.getUint32(16) !== segment) return undefined;
  if (view.getBigUint64(end) !== primitives.hash64(bytes.subarray(0, end))) return undefined;
  const length = view.getUint32(20);
  const words = new Uint32Array(length * LISTED_WORDS);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(FIXED_BYTES + i * 4);
  const entries = new EntryList(words, length);
  let at = FIXED_BYTES + words.length * 4;
  for (let left = view.getUint32(24); left > 0; left--) {
    const { fact, next } = decodeFact(primitives, bytes, view, at);
    entries.facts.push(fact);
    at = next;
  }
  const flags = view.getUint16(6);
  return {
    ...{ segment, entries, length: Number(view.getBigUint64(32)), lastSequence: Number(view.getBigUint64(40)) },
    factsWritten: view.getUint32(28),
    hasGap: (flags & FLAG_GAP) !== 0,
    lostFacts: (flags & FLAG_LOST_FACTS) !== 0,
  };
}

/** name length u32, value length u32 (all ones: removed; one less: damaged), offset in units u32, size in units u32, name, value. */
function encodeFact(primitives: Primitives, { name, value, isDamaged, offset, units }: ListedFact): Uint8Array {
  const room = new Uint8Array(FACT_FIXED_BYTES + name.length * 3 + (value?.length ?? 0));
  const nameLength = primitives.text.encodeInto(name, room, FACT_FIXED_BYTES);
  const view = new DataView(room.buffer);
  view.setUint32(0, nameLength);
  view.setUint32(4, value?.length ?? (isDamaged === true ? FACT_DAMAGED : FACT_REMOVED));
  view.setUint32(8, offset);
  view.setUint32(12, units);
  if (value !== undefined) room.set(value, FACT_FIXED_BYTES + nameLength);
  return room.subarray(0, FACT_FIXED_BYTES + nameLength + (value?.length ?? 0));
}

function decodeFact(
  primitives: Primitives,
  bytes: Uint8Array,
  view: DataView,
  at: number,
): { readonly fact: ListedFact; readonly next: number } {
  const nameAt = at + FACT_FIXED_BYTES;
  const valueAt = nameAt + view.getUint32(at);
  const valueLength = view.getUint32(at + 4);
  const hasValue = valueLength < FACT_DAMAGED;
  const next = valueAt + (hasValue ? valueLength : 0);
  const fact = {
    name: primitives.text.decode(bytes, nameAt, valueAt),
    value: hasValue ? bytes.slice(valueAt, next) : undefined,
    isDamaged: valueLength === FACT_DAMAGED,
    offset: view.getUint32(at + 8),
    units: view.getUint32(at + 12),
  };
  return { fact, next };
}
