/** What a replica holds of one key: its siblings and a vector of all that was seen (dotted version vector sets, Almeida et al. §5). */
import type { Stamp } from "../base/hlc.js";
import { NO_STAMP } from "../base/hlc.js";
import type { Dot } from "./actor.js";
import { compareDots } from "./actor.js";
import { compareOperations } from "./operation.js";
import { NO_PAST_OPERATIONS, type PastOperations } from "./past-operations.js";
import { isExpired, sameContent } from "./sibling.js";
import type { Sibling } from "./sibling.js";
import { VersionVector } from "./version-vector.js";

/** `siblings`: one by one, concurrent versions (`last write wins` keeps one). A bucket's choice, the same on all nodes. */
export type ConflictMode = "siblings" | "lww";

/**
 * Immutable and canonical: equal states are equal byte strings. The vector covers every sibling's dot; a dot that it covers and that has no
 * sibling was replaced.
 */
export interface KeyState {
  /** Sorted by `compareSiblings`. Two dots of one operation are both here; {@link standing} shows one. */
  readonly siblings: readonly Sibling[];
  readonly vector: VersionVector;
  /** Operations whose sibling was replaced. */
  readonly operations: PastOperations;
}

export const EMPTY_STATE: KeyState = { siblings: [], vector: VersionVector.EMPTY, operations: NO_PAST_OPERATIONS };

/** Whether the key was never seen: not even a tombstone or a context stands for it. */
export function isEmpty(state: KeyState): boolean {
  return state.siblings.length === 0 && state.vector.isEmpty && state.operations.count === 0;
}

/** The versions a reader sees, tombstones included: of an operation that was minted twice only the smallest dot. */
export function standing(state: KeyState): readonly Sibling[] {
  return foldTwins(state.siblings);
}

/** The versions that have a value, those that have expired included. */
export function valued(state: KeyState): readonly Sibling[] {
  const seen = standing(state);
  return seen.some((sibling) => sibling.deleted) ? seen.filter((sibling) => !sibling.deleted) : seen;
}

/** The versions whose value is shown at `nowMs` (milliseconds since the epoch). */
export function live(state: KeyState, nowMs: number): readonly Sibling[] {
  const values = valued(state);
  return values.some((sibling) => isExpired(sibling, nowMs))
    ? values.filter((sibling) => !isExpired(sibling, nowMs))
    : values;
}

/** Whether nothing in the state will be shown again: never seen, or only tombstones and values that had expired at `nowMs`. */
export function isDead(state: KeyState, nowMs: number): boolean {
  return state.siblings.every((sibling) => sibling.deleted || isExpired(sibling, nowMs));
}

/** The state as it is shown at `nowMs`: without what has expired, which its vector still covers. For readers only, never to be kept. */
export function withoutExpired(state: KeyState, nowMs: number): KeyState {
  if (!state.siblings.some((sibling) => isExpired(sibling, nowMs))) return state;
  const shown = new Set(live(state, nowMs));
  return { ...state, siblings: state.siblings.filter((sibling) => sibling.deleted || shown.has(sibling)) };
}

/** The largest stamp of a sibling; {@link NO_STAMP} without one. Also above every stamp that the vector covers: a write exceeds what it replaces. */
export function newestStamp(state: KeyState): Stamp {
  let newest = NO_STAMP;
  for (const { stamp } of state.siblings) if (stamp > newest) newest = stamp;
  return newest;
}

/** Dots under which this state holds several contents: damage or a broken encoder. Raise an alarm; nothing was lost (TRAPS 10). */
export function divergentDots(state: KeyState): readonly Dot[] {
  const { siblings } = state;
  const dots: Dot[] = [];
  for (let i = 1; i < siblings.length; i++) {
    const { dot } = siblings[i] as Sibling;
    const again = compareDots((siblings[i - 1] as Sibling).dot, dot) === 0;
    if (again && (dots.length === 0 || compareDots(dots.at(-1) as Dot, dot) !== 0)) dots.push(dot);
  }
  return dots;
}

/** Whether a sibling of that dot is among the sorted `siblings`. */
export function holdsDot(siblings: readonly Sibling[], dot: Dot): boolean {
  let low = 0;
  let high = siblings.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareDots((siblings[middle] as Sibling).dot, dot);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return false;
}

function foldTwins(siblings: readonly Sibling[]): readonly Sibling[] {
  if (siblings.length < 2) return siblings;
  const firsts = new Map<bigint, Sibling[]>();
  const folded = siblings.filter((sibling) => {
    if (sibling.operation === undefined) return true;
    const others = firsts.get(sibling.operation.check);
    if (others?.some((other) => areTwins(other, sibling))) return false;
    if (others) others.push(sibling);
    else firsts.set(sibling.operation.check, [sibling]);
    return true;
  });
  return folded.length === siblings.length ? siblings : folded;
}

/** Two dots of one operation. Were their contents different, something is wrong, and hiding one would hide it. */
function areTwins(a: Sibling, b: Sibling): boolean {
  if (a.operation === undefined || b.operation === undefined) return false;
  return compareOperations(a.operation, b.operation) === 0 && compareDots(a.dot, b.dot) !== 0 && sameContent(a, b);
}
