/**
 * One write, at its coordinator: mints the dot, removes exactly what the context covers, and says what the client may from now on claim to
 * have seen (Dynamo §4.4; Almeida et al. §5, `event` and `discard`).
 */
import { assert } from "../base/assert.js";
import type { Stamp } from "../base/hlc.js";
import { limits } from "../base/limits.js";
import type { Actor, Dot, Lifetime } from "./actor.js";
import { NO_CHAINS, lowestCoveredChain, runsDominate } from "./chain-runs.js";
import type { CausalContext } from "./context.js";
import { boundContextVector } from "./context.js";
import { EMPTY_STATE, newestStamp } from "./key-state.js";
import type { ConflictMode, KeyState } from "./key-state.js";
import type { Operation } from "./operation.js";
import { findOperation, pastOperations, withoutReplacedTwins } from "./retries.js";
import { boundVector } from "./retire.js";
import { compareSiblings } from "./sibling.js";
import type { Origin, Sibling } from "./sibling.js";
import type { VersionVector } from "./version-vector.js";

export interface WriteRequest {
  readonly mode: ConflictMode;
  /** Of the coordinator's data folder. */
  readonly instance: number;
  /** The mark that stands beside the local record: undefined when there is none, or its boot's actors were retired. */
  readonly lifetime: Lifetime | undefined;
  /** A lifetime that this node never used for any key; taken when `lifetime` cannot go on. */
  readonly fresh: Lifetime;
  readonly context: CausalContext;
  /** Must exceed {@link stampFloor} where the last write wins; elsewhere it should, so that timestamps follow causality. */
  readonly stamp: Stamp;
  /** Whether the write is a tombstone. */
  readonly deleted: boolean;
  /** Milliseconds since the epoch; undefined for a value that stays. */
  readonly expiresAtMs?: number;
  readonly contentType: string;
  readonly value: Uint8Array;
  readonly origin: Origin;
  readonly operation?: Operation;
  readonly isCurrentInstance?: (instance: number) => boolean;
}

export interface WriteResult {
  readonly state: KeyState;
  readonly dot: Dot;
  /** For the client: covers this write, what the request's context covered, and nothing else. */
  readonly context: CausalContext;
  /** To be stored with the state, in one batch. It is the request's `fresh` when that was taken. */
  readonly lifetime: Lifetime;
  /** Actors forgotten because the vector was over its limit: count them. */
  readonly retired: number;
}

/** The stamp that a write must exceed, so that causality outranks clocks: the largest its context covers or its coordinator holds. */
export function stampFloor(state: KeyState, context: CausalContext): Stamp {
  return Math.max(newestStamp(state), context.stamp) as Stamp;
}

/**
 * Whether the local lifetime goes on when a vector from elsewhere (a peer's state, a client's context) arrives. `local` is the vector held
 * before it came. One that knows more of this lifetime than its own node remembers something that this node has forgotten: then undefined,
 * and the next write starts a fresh lifetime (TRAPS 2).
 */
export function lifetimeAfterMerge(
  local: VersionVector,
  instance: number,
  lifetime: Lifetime | undefined,
  arrived: VersionVector,
): Lifetime | undefined {
  if (lifetime === undefined) return undefined;
  const known = local.runsOf(instance, lifetime);
  return runsDominate(known, arrived.runsOf(instance, lifetime)) ? lifetime : undefined;
}

/**
 * Applies a client's write to the coordinator's state. The caller has looked for the operation first (`findOperation`) and adopted a dot that
 * it found: written again, it would be taken for a copy of the first attempt, and go with it.
 */
export function write(state: KeyState, request: WriteRequest): WriteResult {
  const { context, mode, instance } = request;
  const isLww = mode === "lww";
  assert(!isLww || request.stamp > stampFloor(state, context), "a stamp exceeds all that its write replaces");
  assert(request.operation === undefined || !isKnown(state, request.operation), "an operation is minted once");

  // Where the last write wins, a write replaces whatever its coordinator holds.
  const seen = isLww ? state.vector.union(context.vector) : context.vector;
  const lifetime = lifetimeToMint(state, request, seen);
  const minting = { boot: lifetime.boot, birth: lifetime.birth, instance };
  const dot = nextDot(state, minting, seen);
  const clock = seen.with(dot);
  const kept = state.siblings.filter((sibling) => !seen.covers(sibling.dot));

  const dots = [dot, ...kept.map((sibling) => sibling.dot)];
  const bounded = boundVector(state.vector.union(clock), {
    bytesMax: limits.vectorBytesMax,
    keep: dots,
    minting,
    ...(request.isCurrentInstance && { isCurrentInstance: request.isCurrentInstance }),
  });
  const boundedClock = clock.maskedBy(bounded.vector);
  const siblings = [...kept, siblingOf(request, dot, boundedClock)].sort(compareSiblings);
  return {
    state: withOperations(state, siblings, bounded.vector),
    dot,
    context: {
      vector: boundContextVector(boundedClock, [dot]),
      stamp: Math.max(request.stamp, context.stamp) as Stamp,
    },
    lifetime,
    retired: bounded.dropped,
  };
}

function isKnown(state: KeyState, operation: Operation): boolean {
  return findOperation(state, operation, Infinity)?.kind === "same";
}

/** The lifetime in force, unless its node has forgotten a part of it or its chains have grown too many. */
function lifetimeToMint(state: KeyState, request: WriteRequest, seen: VersionVector): Lifetime {
  const { instance, fresh } = request;
  const inForce = lifetimeAfterMerge(state.vector, instance, request.lifetime, seen);
  const runs = inForce === undefined ? NO_CHAINS : state.vector.runsOf(instance, inForce);
  const isFull =
    runs.length / 2 > limits.chainRunsMax ||
    (inForce !== undefined && lowestCoveredChain(runs, seen.runsOf(instance, inForce)) >= limits.chainsMax);
  if (inForce !== undefined && !isFull) return inForce;

  const isUnused = state.vector.runsOf(instance, fresh).length === 0 && seen.runsOf(instance, fresh).length === 0;
  assert(isUnused, "a fresh lifetime was never used before");
  return fresh;
}

/**
 * The next event of the lowest chain that the writer has seen to its end; of a new chain when there is none. So no clock has a gap: whatever
 * covers a dot covers all earlier ones of its actor, because its writer had seen them.
 */
function nextDot(state: KeyState, minting: Lifetime & { readonly instance: number }, seen: VersionVector): Dot {
  const { instance, boot, birth } = minting;
  const chain = lowestCoveredChain(state.vector.runsOf(instance, minting), seen.runsOf(instance, minting));
  const actor: Actor = { instance, boot, birth, chain };
  return { actor, n: state.vector.get(actor) + 1 };
}

function siblingOf(request: WriteRequest, dot: Dot, clock: VersionVector): Sibling {
  const { stamp, deleted, expiresAtMs, contentType, value, origin, operation } = request;
  assert(expiresAtMs === undefined || (!deleted && expiresAtMs > 0), "a value may expire, a tombstone does not");
  const sibling: { -readonly [Field in keyof Sibling]: Sibling[Field] } = {
    dot,
    clock,
    stamp,
    deleted,
    contentType,
    value,
    origin,
  };
  if (expiresAtMs !== undefined) sibling.expiresAtMs = expiresAtMs;
  if (operation !== undefined) sibling.operation = operation;
  return sibling;
}

function withOperations(before: KeyState, siblings: readonly Sibling[], vector: VersionVector): KeyState {
  const settled = withoutReplacedTwins(siblings, pastOperations(before, EMPTY_STATE, siblings));
  return { siblings: settled, vector, operations: pastOperations(before, EMPTY_STATE, settled) };
}
