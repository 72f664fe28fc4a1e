/** A client's write as it is named through all its retries (DESIGN §4, Retries). */
import { compareBytes } from "../base/bytes.js";
import type { Stamp } from "../base/hlc.js";
import type { Dot } from "./actor.js";
import { compareDots } from "./actor.js";
import { compareBigints, compareNumbers } from "./order.js";

/** The same `id` with another `check` is another write, and a client's mistake. */
export interface Operation {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** 64-bit hash of key, context, body and kind. */
  readonly check: bigint;
}

export const OPERATION_ID_BYTES = 16;

/** An operation whose sibling was replaced: its dot and the stamp it had. */
export interface PastOperation {
  readonly operation: Operation;
  readonly dot: Dot;
  readonly stamp: Stamp;
}

export function compareOperations(a: Operation, b: Operation): number {
  return compareBytes(a.id, b.id) || compareBigints(a.check, b.check);
}

export function comparePast(a: PastOperation, b: PastOperation): number {
  if (a === b) return 0;
  return compareNumbers(a.stamp, b.stamp) || compareDots(a.dot, b.dot) || compareOperations(a.operation, b.operation);
}
