/**
 * Retries: which dots were minted for which client's write, so that a retry finds its first attempt, and two dots of one write are one
 * version wherever they meet (DESIGN §4, Retries; TRAPS 6; riak_kv #1188).
 *
 * A sibling carries its operation. When the sibling is replaced, the operation stays behind as a {@link PastOperation}, on every replica that
 * has the state. What is remembered is a function of the set of all past operations (the newest so many, none much older than the newest), so
 * merging stays a join: had each coordinator forgotten by its own clock, replicas would have handed the forgotten ones back for ever.
 */
import { equalBytes } from "../base/bytes.js";
import type { Stamp } from "../base/hlc.js";
import { stampMs } from "../base/hlc.js";
import { limits } from "../base/limits.js";
import type { Dot } from "./actor.js";
import { compareDots } from "./actor.js";
import type { KeyState } from "./key-state.js";
import { compareOperations, comparePast } from "./operation.js";
import type { Operation, PastOperation } from "./operation.js";
import { mergeSorted } from "./order.js";
import type { Sibling } from "./sibling.js";

/** What a state knows of an operation id. `mismatch`: the id was used for another write. */
export type KnownOperation =
  { readonly kind: "same"; readonly dot: Dot; readonly stamp: Stamp } | { readonly kind: "mismatch" };

/**
 * Looks for the dot of an operation, among what stands and what was replaced; the smallest, if there are several. An id that was used for
 * another write before `mismatchSinceMs` (ms since the epoch) is no longer held against the client.
 */
export function findOperation(state: KeyState, wanted: Operation, mismatchSinceMs: number): KnownOperation | undefined {
  let found: KnownOperation | undefined;
  const look = (operation: Operation, dot: Dot, stamp: Stamp): void => {
    if (compareOperations(operation, wanted) === 0) {
      if (found?.kind !== "same" || compareDots(dot, found.dot) < 0) found = { kind: "same", dot, stamp };
    } else if (found === undefined && equalBytes(operation.id, wanted.id) && stampMs(stamp) >= mismatchSinceMs) {
      found = { kind: "mismatch" };
    }
  };
  for (const { operation, dot, stamp } of state.siblings) if (operation) look(operation, dot, stamp);
  for (const { operation, dot, stamp } of state.operations) look(operation, dot, stamp);
  return found;
}

/**
 * The past operations of a state made of `a` and `b`: theirs, and those of siblings that stand no more. `standing` are the siblings of the new
 * state.
 */
export function pastOperations(a: KeyState, b: KeyState, standing: readonly Sibling[]): readonly PastOperation[] {
  const replaced = [...replacedIn(a, standing), ...replacedIn(b, standing)];
  if (replaced.length === 0) {
    if (b.operations.length === 0 || b.operations === a.operations) return withoutStanding(a.operations, standing);
    if (a.operations.length === 0) return withoutStanding(b.operations, standing);
  }
  const before = mergeSorted(a.operations, b.operations, comparePast);
  const all = mergeSorted(before, distinct(replaced.sort(comparePast)), comparePast);
  return newest(withoutStanding(all, standing));
}

function replacedIn(state: KeyState, standing: readonly Sibling[]): PastOperation[] {
  const past: PastOperation[] = [];
  for (const { operation, dot, stamp } of state.siblings) {
    if (operation !== undefined && !hasDot(standing, dot)) past.push({ operation, dot, stamp });
  }
  return past;
}

function withoutStanding(past: readonly PastOperation[], standing: readonly Sibling[]): readonly PastOperation[] {
  return past.some(({ dot }) => hasDot(standing, dot)) ? past.filter(({ dot }) => !hasDot(standing, dot)) : past;
}

function hasDot(siblings: readonly Sibling[], dot: Dot): boolean {
  return siblings.some((sibling) => compareDots(sibling.dot, dot) === 0);
}

function distinct(sorted: readonly PastOperation[]): PastOperation[] {
  return sorted.filter((past, i) => i === 0 || comparePast(sorted[i - 1] as PastOperation, past) !== 0);
}

/** The newest of a union is the newest of the newest: that is what makes this a join. */
function newest(past: readonly PastOperation[]): readonly PastOperation[] {
  const last = past.at(-1);
  if (last === undefined) return past;
  const sinceMs = stampMs(last.stamp) - limits.operationMemoryMs;
  let start = Math.max(0, past.length - limits.operationsMax);
  while (stampMs((past[start] as PastOperation).stamp) < sinceMs) start++;
  return start === 0 ? past : past.slice(start);
}

/**
 * Drops each sibling whose operation was replaced under another of its dots: a client that was shown one of the two and wrote over it has
 * replaced the write, not the copy. The witness must stand and its clock must cover the other dot, so this never takes the last version.
 */
export function withoutReplacedTwins(siblings: readonly Sibling[], past: readonly PastOperation[]): readonly Sibling[] {
  const isReplaced = (sibling: Sibling): boolean => {
    const { operation } = sibling;
    if (operation === undefined) return false;
    const isTwin = (other: { readonly operation?: Operation; readonly dot: Dot }): boolean =>
      other.operation !== undefined &&
      compareOperations(other.operation, operation) === 0 &&
      compareDots(other.dot, sibling.dot) !== 0;
    const twins = [...siblings.filter(isTwin), ...past.filter(isTwin)];
    return twins.length > 0 && siblings.some((witness) => !isOf(witness, operation) && coversAny(witness, twins));
  };
  return siblings.some(isReplaced) ? siblings.filter((sibling) => !isReplaced(sibling)) : siblings;
}

function isOf(sibling: Sibling, operation: Operation): boolean {
  return sibling.operation !== undefined && compareOperations(sibling.operation, operation) === 0;
}

function coversAny(witness: Sibling, twins: readonly { readonly dot: Dot }[]): boolean {
  return twins.some((twin) => witness.clock.covers(twin.dot));
}
