/**
 * What can be said with each request in bytes: what a bucket's calls say, with times in milliseconds by name and contexts as bytes. Types alone,
 * apart from what carries them out: a user's compiler reads them without Node's own types.
 */
import type * as buckets from "./buckets/options.js";
import type { QuorumReport } from "./read-result.js";
import type { RequestTrace } from "./transports/trace.js";

export interface CallOptions extends Pick<buckets.CallOptions, "signal"> {
  /** Milliseconds, travelling with the request: nobody works on it once they are over. */
  readonly timeoutMs?: number | undefined;
  /** Where the call notes what it did, for who watches. */
  readonly trace?: Pick<RequestTrace, "target" | "retries" | "hedged"> | undefined;
}

/** For reads. */
export interface HedgeOptions extends CallOptions {
  /** One that has no answer after this many milliseconds is asked of a second member too; the first answer counts. */
  readonly hedgeMs?: number | undefined;
}

export interface GetOptions extends HedgeOptions, Pick<buckets.ReadOptions, "r" | "sloppy"> {}

/** Without an idempotency key or an operation id the client never repeats what may have arrived. */
export interface DeleteOptions extends CallOptions, Pick<buckets.WriteOptions, "w" | "sloppy" | "idempotencyKey"> {
  /** From the read that this write follows: exactly what it covers is replaced. */
  readonly context?: Uint8Array | undefined;
  /** 16 bytes that no other write has, in place of an idempotency key: for who draws one for each write. */
  readonly operationId?: Uint8Array | undefined;
  /** 1: no earlier attempt was made under this name, so nobody looks for one. */
  readonly attempt?: number | undefined;
}

export interface PutOptions extends DeleteOptions, Pick<buckets.PutOptions, "ifAbsent" | "ttl"> {
  readonly contentType?: string | undefined;
}

export interface WriteResult {
  /** Covers this write and what the request's context covered, and nothing else. */
  readonly context: Uint8Array;
  readonly quorum: QuorumReport;
}
