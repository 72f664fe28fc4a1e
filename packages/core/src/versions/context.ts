/** The causal context: what a client has seen of a key, and so what its next write replaces (Dynamo §4.4, `context`). */
import type { Stamp } from "../base/hlc.js";
import { NO_STAMP } from "../base/hlc.js";
import { limits } from "../base/limits.js";
import type { Dot } from "./actor.js";
import { newestStamp } from "./key-state.js";
import type { KeyState } from "./key-state.js";
import { boundVector } from "./retire.js";
import { VersionVector } from "./version-vector.js";

export interface CausalContext {
  readonly vector: VersionVector;
  /**
   * The largest stamp of what the vector covers. It travels with the client because the coordinator of the next write may never have seen
   * those versions, and under last-write-wins its stamp must still exceed theirs.
   */
  readonly stamp: Stamp;
}

/** The context of a blind write. */
export const EMPTY_CONTEXT: CausalContext = { vector: VersionVector.EMPTY, stamp: NO_STAMP };

/** Version, keyed hash and stamp of a token (context-token.ts) take at most this many bytes beside the vector. */
const TOKEN_HEADER_BYTES = 25;

/** The largest vector whose token still fits into a header. */
export const CONTEXT_VECTOR_BYTES_MAX = Math.floor((limits.contextCharsMax * 3) / 4) - TOKEN_HEADER_BYTES;

/** The context of a read that saw this state: covers all that it shows. */
export function contextOf(state: KeyState): CausalContext {
  const vector = boundContextVector(
    state.vector,
    state.siblings.map((sibling) => sibling.dot),
  );
  return { vector, stamp: newestStamp(state) };
}

/** The context of a retry that found its first attempt: that write, and what the request's context covered. */
export function contextOfAdopted(request: CausalContext, dot: Dot, stamp: Stamp): CausalContext {
  return {
    vector: boundContextVector(request.vector.with(dot), [dot]),
    stamp: Math.max(request.stamp, stamp) as Stamp,
  };
}

/**
 * A vector that fits into a token. One too large first loses the chains without a dot in `keep`, then whole lifetimes, oldest first. A write
 * with such a context replaces less than its client saw: what is left stands beside it, and the next read shows it again.
 */
export function boundContextVector(vector: VersionVector, keep: readonly Dot[]): VersionVector {
  const fit = boundVector(vector, { keep, bytesMax: CONTEXT_VECTOR_BYTES_MAX }).vector;
  return boundVector(fit, { keep: keep.length === 1 ? keep : [], bytesMax: CONTEXT_VECTOR_BYTES_MAX }).vector;
}
