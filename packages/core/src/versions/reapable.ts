/** When a dead state is needed no more by those who wrote to it, so that it may be reaped once nothing older can come back (DESIGN §4). */
import { stampMs } from "../base/hlc.js";
import { limits } from "../base/limits.js";
import type { KeyState } from "./key-state.js";

/**
 * From when on (milliseconds since the epoch, by any member's clock) the state may go; Infinity while a value stands that stays. A value must have
 * expired by more than clocks may differ. An operation must be older than clients may retry it: a retry that finds no trace of its first
 * attempt would write again what was deleted.
 */
export function reapableFromMs(state: KeyState): number {
  let fromMs = 0;
  for (const { deleted, expiresAtMs = Infinity, operation, stamp } of state.siblings) {
    if (!deleted) fromMs = Math.max(fromMs, expiresAtMs + limits.clockSkewMaxMs);
    if (operation !== undefined) fromMs = Math.max(fromMs, stampMs(stamp) + limits.operationMemoryMs);
  }
  const { operations } = state;
  if (operations.count === 0) return fromMs;
  // The newest comes last.
  return Math.max(fromMs, stampMs(operations.at(operations.count - 1).stamp) + limits.operationMemoryMs);
}
