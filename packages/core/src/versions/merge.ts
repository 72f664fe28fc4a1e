/**
 * Joining two replicas' states: commutative, associative and idempotent, so that any order of messages ends in the same state
 * (Almeida et al. §5, `sync`; Dynamo §4.4 "syntactic reconciliation").
 */
import { EMPTY_STATE, holdsDot } from "./key-state.js";
import type { ConflictMode, KeyState } from "./key-state.js";
import { mergeSorted, sameItems } from "./order.js";
import { pastOperations, withoutReplacedTwins } from "./retries.js";
import { compareAge, compareSiblings } from "./sibling.js";
import type { Sibling } from "./sibling.js";

/**
 * The join of two states. A sibling stands if both have it, or if one has it and the other has not seen its dot. Two contents under one dot are
 * damage; both stand (`divergentDots` finds them). With last-write-wins only the sibling with the largest (stamp, dot) stands; a write's
 * stamp exceeds all that it replaces, so that this is also the causally latest.
 *
 * Returns `a` itself when `b` adds nothing, and `b` when `a` adds nothing: callers see by identity that there is nothing to store or send.
 */
export function merge(a: KeyState, b: KeyState, mode: ConflictMode): KeyState {
  if (a === b) return settle(a, mode);
  const vector = a.vector.union(b.vector);
  const siblings = mode === "lww" ? newest(mergeSorted(a.siblings, b.siblings, compareSiblings)) : survivors(a, b);
  const operations = pastOperations(a, b, siblings);
  const merged = settle({ siblings, vector, operations }, mode);
  return isSame(merged, a) ? a : isSame(merged, b) ? b : merged;
}

/**
 * A state in the form that its bucket's mode asks for: operations that were minted twice and replaced once are gone; with last-write-wins one
 * version stands, also when the bucket was switched to it while several did.
 */
export function settle(state: KeyState, mode: ConflictMode): KeyState {
  const siblings = mode === "lww" ? newest(state.siblings) : withoutReplacedTwins(state.siblings, state.operations);
  if (siblings.length === state.siblings.length) return state;
  return { siblings, vector: state.vector, operations: pastOperations(state, EMPTY_STATE, siblings) };
}

function survivors(a: KeyState, b: KeyState): Sibling[] {
  const kept: Sibling[] = [];
  let i = 0;
  let j = 0;
  while (i < a.siblings.length || j < b.siblings.length) {
    const [mine, theirs] = [a.siblings[i], b.siblings[j]];
    const order = mine === undefined ? 1 : theirs === undefined ? -1 : compareSiblings(mine, theirs);
    if (order <= 0) i++;
    if (order >= 0) j++;
    const sibling = (order <= 0 ? mine : theirs) as Sibling;
    if (order === 0 || !wasReplaced(order < 0 ? b : a, sibling)) kept.push(sibling);
  }
  return kept;
}

function wasReplaced(state: KeyState, { dot }: Sibling): boolean {
  return state.vector.covers(dot) && !holdsDot(state.siblings, dot);
}

/** The newest sibling; several when one dot has several contents. */
function newest(siblings: readonly Sibling[]): readonly Sibling[] {
  let best: Sibling[] = [];
  for (const sibling of siblings) {
    const order = best[0] === undefined ? 1 : compareAge(sibling, best[0]);
    if (order > 0) best = [sibling];
    else if (order === 0) best.push(sibling);
  }
  return best;
}

function isSame(merged: KeyState, state: KeyState): boolean {
  return (
    merged.vector === state.vector &&
    sameItems(merged.siblings, state.siblings, compareSiblings) &&
    merged.operations === state.operations
  );
}
