/**
 * The durable facts that gossip carries, and what they mean: membership events, where a member is reached, how a bucket is configured.
 * A fact is on its author's disk before anyone hears of it, and on a hearer's before it acts on it.
 */
import { MalformedError, Reader, Writer } from "../base/bytes.js";
import type { Stamp } from "../base/hlc.js";
import type { Primitives } from "../base/primitives.js";
import type { QuorumArg } from "../base/quorum-arg.js";
import { parseQuorumArg } from "../base/quorum-arg.js";
import { decodeMembershipEvent, encodeMembershipEvent, type MembershipEvent } from "../ring/membership-log.js";
import type { ConflictMode } from "../versions/key-state.js";
import type { StartMark } from "../wire/reap-messages.js";

export const factPrefix = "fact/";
export const memberPrefix = "fact/member/";
export const bucketPrefix = "fact/bucket/";
export const addressKey = "fact/address";
/** Not durable: what the origin's ring is and how much it still has to fill. */
export const ringStateKey = "state/ring";
/** Not durable: what the origin's wall clock showed when it said so. */
export const clockKey = "state/clock";
/** Not durable: what the origin owes to others. */
export const debtsKey = "state/debts";
/** Not durable: for how long the origin's disk has stood still. */
export const diskKey = "state/disk";

const FACT_VERSION = 1;

export interface AddressFact {
  readonly name: string;
  /** `host:port` of the peer door. */
  readonly address: string;
  /** `host:port` of the HTTP door. */
  readonly http: string;
  /** The start that said so, after those before it that nobody had proven; empty from a node that drew nothing at its start. */
  readonly starts: readonly StartMark[];
}

export interface BucketFact {
  readonly stamp: Stamp;
  readonly conflicts: ConflictMode;
  readonly r: QuorumArg;
  readonly w: QuorumArg;
  /** Not there where values stay. */
  readonly ttlSeconds?: number;
}

export interface RingState {
  readonly version: string;
  /** Partitions that the origin owns and has not merged from everybody yet. */
  readonly inDoubt: number;
  /** Of the records of owners that it goes by. */
  readonly owners: bigint;
  /** Partitions whose owners are not those of its ring yet. */
  readonly changing: number;
}

/** What a member still owes to others. Times are its wall clock's, in milliseconds since the epoch; 0 where nothing is owed. */
export interface Debts {
  readonly hints: number;
  readonly hintBytes: number;
  /** When the oldest hint that it holds was taken. */
  readonly oldestHintMs: number;
  /** When the oldest transfer that it takes part in was begun. */
  readonly oldestTransferMs: number;
  /** When it said all this: a later one of these outdates what was feared before. */
  readonly saidAtMs: number;
}

function writing(primitives: Primitives, write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(primitives.text);
  writer.u8(FACT_VERSION);
  write(writer);
  return writer.take();
}

/** Undefined for a fact that this version can't read: it is passed on and has no effect here. */
function reading<T>(primitives: Primitives, bytes: Uint8Array, read: (reader: Reader) => T): T | undefined {
  try {
    const reader = new Reader(primitives.text, bytes);
    return reader.u8() === FACT_VERSION ? read(reader) : undefined;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

export function encodeMemberFact(primitives: Primitives, event: MembershipEvent): Uint8Array {
  return writing(primitives, (writer) => encodeMembershipEvent(writer, event));
}

export function decodeMemberFact(primitives: Primitives, bytes: Uint8Array): MembershipEvent | undefined {
  return reading(primitives, bytes, decodeMembershipEvent);
}

export function encodeAddressFact(primitives: Primitives, fact: AddressFact): Uint8Array {
  return writing(primitives, (writer) => {
    writer.string(fact.name);
    writer.string(fact.address);
    writer.string(fact.http);
    for (const { boot, start } of fact.starts.toReversed()) {
      writer.uvarint(boot);
      writer.u48(start);
    }
  });
}

export function decodeAddressFact(primitives: Primitives, bytes: Uint8Array): AddressFact | undefined {
  return reading(primitives, bytes, (reader) => {
    const where = { name: reader.string(), address: reader.string(), http: reader.string() };
    const starts: StartMark[] = [];
    // The last start first: facts of before the others were said end after it.
    while (reader.remaining > 0) starts.unshift({ boot: reader.uvarint(), start: reader.u48() });
    return { ...where, starts };
  });
}

export function encodeBucketFact(primitives: Primitives, fact: BucketFact): Uint8Array {
  return writing(primitives, (writer) => {
    writer.uvarint(fact.stamp);
    writer.u8(fact.conflicts === "lww" ? 1 : 0);
    writer.string(String(fact.r));
    writer.string(String(fact.w));
    writer.uvarint(fact.ttlSeconds ?? 0);
  });
}

export function decodeBucketFact(primitives: Primitives, bytes: Uint8Array): BucketFact | undefined {
  return reading(primitives, bytes, (reader) => {
    const stamp = reader.uvarint() as Stamp;
    const conflicts = reader.u8() === 1 ? "lww" : "siblings";
    const r = parseQuorumArg(reader.string());
    const w = parseQuorumArg(reader.string());
    if (r === undefined || w === undefined) throw new MalformedError("a bucket's r or w is no quorum");
    // Facts of before there were expiries end here.
    const ttlSeconds = reader.remaining === 0 ? 0 : reader.uvarint();
    return { stamp, conflicts, r, w, ...(ttlSeconds > 0 && { ttlSeconds }) };
  });
}

export function encodeRingState(primitives: Primitives, state: RingState): Uint8Array {
  return writing(primitives, (writer) => {
    writer.string(state.version);
    writer.uvarint(state.inDoubt);
    writer.u64(state.owners);
    writer.uvarint(state.changing);
  });
}

export function decodeRingState(primitives: Primitives, bytes: Uint8Array): RingState | undefined {
  return reading(primitives, bytes, (reader) => ({
    version: reader.string(),
    inDoubt: reader.uvarint(),
    owners: reader.u64(),
    changing: reader.uvarint(),
  }));
}

export function encodeClock(primitives: Primitives, wallMs: number): Uint8Array {
  return writing(primitives, (writer) => writer.uvarint(wallMs));
}

export function decodeClock(primitives: Primitives, bytes: Uint8Array): number | undefined {
  return reading(primitives, bytes, (reader) => reader.uvarint());
}

/** `stalledMs`: whole milliseconds in which nothing that waits has become durable; 0 once it moves. */
export function encodeDiskState(primitives: Primitives, stalledMs: number): Uint8Array {
  return writing(primitives, (writer) => writer.uvarint(stalledMs));
}

export function decodeDiskState(primitives: Primitives, bytes: Uint8Array): number | undefined {
  return reading(primitives, bytes, (reader) => reader.uvarint());
}

export function encodeDebts(primitives: Primitives, debts: Debts): Uint8Array {
  return writing(primitives, (writer) => {
    writer.uvarint(debts.hints);
    writer.uvarint(debts.hintBytes);
    writer.uvarint(debts.oldestHintMs);
    writer.uvarint(debts.oldestTransferMs);
    writer.uvarint(debts.saidAtMs);
  });
}

export function decodeDebts(primitives: Primitives, bytes: Uint8Array): Debts | undefined {
  return reading(primitives, bytes, (reader) => ({
    hints: reader.uvarint(),
    hintBytes: reader.uvarint(),
    oldestHintMs: reader.uvarint(),
    oldestTransferMs: reader.uvarint(),
    saidAtMs: reader.uvarint(),
  }));
}
