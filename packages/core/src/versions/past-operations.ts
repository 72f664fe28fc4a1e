/**
 * Operations whose sibling was replaced, as fixed records in one piece of bytes: a hot key has dozens, and every write merges, hashes and
 * sends them (DESIGN §4, Retries; layout: docs/formats/key-state.md).
 *
 * What is remembered is a function of the set of all of them: the newest so many, none much older than the newest. So merging stays a join.
 * Had each coordinator forgotten by its own clock, replicas would hand the forgotten ones back for ever.
 */
import { MalformedError, equalBytes } from "../base/bytes.js";
import type { Stamp } from "../base/hlc.js";
import { stampMs } from "../base/hlc.js";
import { limits } from "../base/limits.js";
import type { Dot } from "./actor.js";
import { OPERATION_ID_BYTES } from "./operation.js";
import type { Operation } from "./operation.js";

/** Stamp (8), instance (6), boot (6), birth (6), chain (4), n (6), id (16), check (8). Big-endian: byte order is the order of records. */
export const RECORD_BYTES = 60;
const DOT_AT = 8;
const ID_AT = 36;
const CHECK_AT = ID_AT + OPERATION_ID_BYTES;

/** One remembered operation, read out of its record. */
export interface PastOperation {
  readonly operation: Operation;
  readonly dot: Dot;
  readonly stamp: Stamp;
}

/** Immutable; sorted by stamp, then dot; no record twice. */
export class PastOperations {
  readonly #view: DataView;

  private constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Use {@link NO_PAST_OPERATIONS}. */
  static empty(): PastOperations {
    return new PastOperations(new Uint8Array(0));
  }

  static of(operations: readonly PastOperation[]): PastOperations {
    return operations.reduce((all, past) => all.union(new PastOperations(recordOf(past))), NO_PAST_OPERATIONS);
  }

  /** Reads what {@link PastOperations.bytes} gave. @throws MalformedError */
  static decode(bytes: Uint8Array): PastOperations {
    if (bytes.length === 0) return NO_PAST_OPERATIONS;
    if (bytes.length % RECORD_BYTES !== 0) throw new MalformedError("past operations that are cut off");
    for (let at = RECORD_BYTES; at < bytes.length; at += RECORD_BYTES) {
      if (compareRecords(bytes, at - RECORD_BYTES, bytes, at) >= 0)
        throw new MalformedError("past operations out of order");
    }
    const past = new PastOperations(bytes);
    for (let i = 0; i < past.count; i++) past.#check(i);
    return past;
  }

  get count(): number {
    return this.bytes.length / RECORD_BYTES;
  }

  at(i: number): PastOperation {
    const at = i * RECORD_BYTES;
    const view = this.#view;
    const u48 = (offset: number): number =>
      view.getUint16(at + offset) * 0x1_0000_0000 + view.getUint32(at + offset + 2);
    const actor = {
      instance: u48(DOT_AT),
      boot: u48(DOT_AT + 6),
      birth: u48(DOT_AT + 12),
      chain: view.getUint32(at + DOT_AT + 18),
    };
    return {
      operation: { id: this.bytes.slice(at + ID_AT, at + CHECK_AT), check: view.getBigUint64(at + CHECK_AT) },
      dot: { actor, n: u48(DOT_AT + 22) },
      stamp: this.#stampAt(i),
    };
  }

  /** All that have this id, whatever their check. */
  withId(id: Uint8Array): PastOperation[] {
    const found: PastOperation[] = [];
    for (let at = ID_AT, i = 0; at < this.bytes.length; at += RECORD_BYTES, i++) {
      if (this.bytes[at] === id[0] && equalBytes(this.bytes.subarray(at, at + OPERATION_ID_BYTES), id))
        found.push(this.at(i));
    }
    return found;
  }

  /** All of both, and of those the ones that are remembered. Returns this or `other` when that is the result. */
  union(other: PastOperations): PastOperations {
    if (other.bytes.length === 0 || this === other) return this;
    if (this.bytes.length === 0) return other;
    const { merged, addsTo } = mergeRecords(this.bytes, other.bytes);
    if (!addsTo.first) return this;
    if (!addsTo.second) return other;
    const result = new PastOperations(merged).#remembered();
    return equalBytes(result.bytes, this.bytes) ? this : equalBytes(result.bytes, other.bytes) ? other : result;
  }

  /** The newest of a union is the newest of the newest: that is what makes {@link union} a join. */
  #remembered(): PastOperations {
    const sinceMs = stampMs(this.#stampAt(this.count - 1)) - limits.operationMemoryMs;
    let first = Math.max(0, this.count - limits.operationsMax);
    while (stampMs(this.#stampAt(first)) < sinceMs) first++;
    return first === 0 ? this : new PastOperations(this.bytes.slice(first * RECORD_BYTES));
  }

  #stampAt(i: number): Stamp {
    const at = i * RECORD_BYTES;
    return (this.#view.getUint32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4)) as Stamp;
  }

  #check(i: number): void {
    const at = i * RECORD_BYTES + DOT_AT;
    const n = this.#view.getUint16(at + 22) + this.#view.getUint32(at + 24);
    const isDot = n > 0 && this.#view.getUint32(at + 18) < limits.chainsMax;
    if (!isDot || !Number.isSafeInteger(this.#stampAt(i))) throw new MalformedError("a past operation that never was");
  }
}

function recordOf({ operation, dot, stamp }: PastOperation): Uint8Array {
  const record = new Uint8Array(RECORD_BYTES);
  const view = new DataView(record.buffer);
  const u48 = (offset: number, value: number): void => {
    view.setUint16(offset, Math.floor(value / 0x1_0000_0000));
    view.setUint32(offset + 2, value >>> 0);
  };
  view.setBigUint64(0, BigInt(stamp));
  u48(DOT_AT, dot.actor.instance);
  u48(DOT_AT + 6, dot.actor.boot);
  u48(DOT_AT + 12, dot.actor.birth);
  view.setUint32(DOT_AT + 18, dot.actor.chain);
  u48(DOT_AT + 22, dot.n);
  record.set(operation.id, ID_AT);
  view.setBigUint64(CHECK_AT, operation.check);
  return record;
}

function compareRecords(a: Uint8Array, atA: number, b: Uint8Array, atB: number): number {
  for (let i = 0; i < RECORD_BYTES; i++) {
    const difference = (a[atA + i] as number) - (b[atB + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

interface MergedRecords {
  readonly merged: Uint8Array;
  /** Whether `merged` has more than the first, and more than the second. */
  readonly addsTo: { readonly first: boolean; readonly second: boolean };
}

/** Merges two sorted pieces. They share most records as a rule, so what lies together is copied together. */
function mergeRecords(a: Uint8Array, b: Uint8Array): MergedRecords {
  const target = new Uint8Array(a.length + b.length);
  let [i, j, end] = [0, 0, 0];
  const take = (from: Uint8Array, start: number, stop: number): void => {
    if (start === stop) return;
    target.set(from.subarray(start, stop), end);
    end += stop - start;
  };
  let [first, second] = [false, false];
  while (i < a.length || j < b.length) {
    const startA = i;
    for (let order = -1; i < a.length && order <= 0;) {
      order = j === b.length ? -1 : compareRecords(a, i, b, j);
      if (order <= 0) i += RECORD_BYTES;
      if (order === 0) j += RECORD_BYTES;
      if (order < 0) second = true;
    }
    take(a, startA, i);
    const startB = j;
    while (j < b.length && (i === a.length || compareRecords(a, i, b, j) > 0)) j += RECORD_BYTES;
    take(b, startB, j);
    if (j > startB) first = true;
  }
  return { merged: target.subarray(0, end), addsTo: { first, second } };
}

/** Beside the class and not in it: the compiler cannot yet build a class inside itself when it has private methods. */
export const NO_PAST_OPERATIONS: PastOperations = PastOperations.empty();
