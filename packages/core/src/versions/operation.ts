/** A client's write as it is named through all its retries (DESIGN §4, Retries). */
import { compareBytes } from "../base/bytes.js";
import { compareBigints } from "./order.js";

/** The same `id` with another `check` is another write, and a client's mistake. */
export interface Operation {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** 64-bit hash of key, context, body and kind. */
  readonly check: bigint;
}

export const OPERATION_ID_BYTES = 16;

export function compareOperations(a: Operation, b: Operation): number {
  return a === b ? 0 : compareBytes(a.id, b.id) || compareBigints(a.check, b.check);
}
