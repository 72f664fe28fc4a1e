/**
 * Retries: which dots were minted for which client's write, so that a retry finds its first attempt, and two dots of one write are one
 * version wherever they meet (DESIGN §4, Retries; TRAPS 6; riak_kv #1188).
 *
 * A sibling carries its operation. When the sibling is replaced, the operation stays behind with its dot (past-operations.ts), on every
 * replica that has the state.
 */
import { equalBytes } from "../base/bytes.js";
import type { Stamp } from "../base/hlc.js";
import { stampMs } from "../base/hlc.js";
import type { Dot } from "./actor.js";
import { compareDots } from "./actor.js";
import { holdsDot } from "./key-state.js";
import type { KeyState } from "./key-state.js";
import { compareOperations } from "./operation.js";
import type { Operation } from "./operation.js";
import { PastOperations } from "./past-operations.js";
import type { PastOperation } from "./past-operations.js";
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
  for (const { operation, dot, stamp } of usesOf(state, wanted.id)) {
    if (compareOperations(operation, wanted) === 0) {
      if (found?.kind !== "same" || compareDots(dot, found.dot) < 0) found = { kind: "same", dot, stamp };
    } else if (found === undefined && stampMs(stamp) >= mismatchSinceMs) {
      found = { kind: "mismatch" };
    }
  }
  return found;
}

function usesOf(state: KeyState, id: Uint8Array): PastOperation[] {
  const uses = state.operations.withId(id);
  for (const { operation, dot, stamp } of state.siblings) {
    if (operation !== undefined && equalBytes(operation.id, id)) uses.push({ operation, dot, stamp });
  }
  return uses;
}

/** The past operations of a state made of `a` and `b`: theirs, and those of siblings that are not among the `remaining` ones. */
export function pastOperations(a: KeyState, b: KeyState, remaining: readonly Sibling[]): PastOperations {
  const past = a.operations.union(b.operations);
  const replaced = [...replacedIn(a, remaining), ...replacedIn(b, remaining)];
  return replaced.length === 0 ? past : past.union(PastOperations.of(replaced));
}

function replacedIn(state: KeyState, remaining: readonly Sibling[]): PastOperation[] {
  if (state.siblings === remaining) return [];
  const replaced: PastOperation[] = [];
  for (const { operation, dot, stamp } of state.siblings) {
    if (operation !== undefined && !holdsDot(remaining, dot)) replaced.push({ operation, dot, stamp });
  }
  return replaced;
}

/**
 * Drops each sibling whose operation was replaced under another of its dots: a client that was shown one of the two and wrote over it has
 * replaced the write, not the copy. The witness must stand and its clock must cover the other dot, so this never takes the last version.
 */
export function withoutReplacedTwins(siblings: readonly Sibling[], past: PastOperations): readonly Sibling[] {
  if (siblings.length < 2) return siblings;
  const byCheck = groupByCheck(siblings);
  const isReplaced = (sibling: Sibling): boolean => {
    const { operation, dot } = sibling;
    if (operation === undefined) return false;
    const isTwin = (other: { readonly operation?: Operation; readonly dot: Dot }): boolean =>
      isOf(other, operation) && compareDots(other.dot, dot) !== 0;
    const twins = [...(byCheck.get(operation.check) ?? []), ...past.withId(operation.id)].filter(isTwin);
    return twins.length > 0 && siblings.some((witness) => !isOf(witness, operation) && coversAny(witness, twins));
  };
  const kept = siblings.filter((sibling) => !isReplaced(sibling));
  return kept.length === siblings.length ? siblings : kept;
}

function groupByCheck(siblings: readonly Sibling[]): Map<bigint, Sibling[]> {
  const groups = new Map<bigint, Sibling[]>();
  for (const sibling of siblings) {
    if (sibling.operation === undefined) continue;
    const group = groups.get(sibling.operation.check);
    if (group === undefined) groups.set(sibling.operation.check, [sibling]);
    else group.push(sibling);
  }
  return groups;
}

function isOf(other: { readonly operation?: Operation }, operation: Operation): boolean {
  return other.operation !== undefined && compareOperations(other.operation, operation) === 0;
}

function coversAny(witness: Sibling, twins: readonly { readonly dot: Dot }[]): boolean {
  return twins.some((twin) => witness.clock.covers(twin.dot));
}
