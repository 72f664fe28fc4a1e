/** What can be said with each request in bytes. Types alone, apart from what carries them out: a user's compiler reads them without Node's own types. */
import type { QuorumArg } from "@kvorum/core";
import type { QuorumReport } from "./read-result.js";
import type { RequestTrace } from "./transports/trace.js";

export interface CallOptions {
  /** Milliseconds, travelling with the request: nobody works on it once they are over. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait, not the work: an aborted write may still happen. The call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Where the call notes what it did, for who watches. */
  readonly trace?: Pick<RequestTrace, "target" | "retries" | "hedged"> | undefined;
}

/** For reads. */
export interface HedgeOptions extends CallOptions {
  /** One that has no answer after this many milliseconds is asked of a second member too; the first answer counts. */
  readonly hedgeMs?: number | undefined;
}

export interface GetOptions extends HedgeOptions {
  /** Replies that the read waits for; the bucket's default without one. */
  readonly r?: QuorumArg | undefined;
  /** Whether fallbacks may stand in for primaries (default true). */
  readonly sloppy?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  /** Durable replies that the write waits for; the bucket's default without one. */
  readonly w?: QuorumArg | undefined;
  readonly sloppy?: boolean | undefined;
  /** From the read that this write follows: exactly what it covers is replaced. */
  readonly context?: Uint8Array | undefined;
  /** The same key is the same write, so the client itself tries again. Without one it never repeats what may have arrived. */
  readonly idempotencyKey?: string | undefined;
  /** 16 bytes that no other write has, in place of an idempotency key: for who draws one for each write. */
  readonly operationId?: Uint8Array | undefined;
  /** 1: no earlier attempt was made under this idempotency key, so nobody looks for one. */
  readonly attempt?: number | undefined;
}

export interface PutOptions extends DeleteOptions {
  readonly contentType?: string | undefined;
  /** Seconds until the value is hidden and forgotten; 0: never, whatever its bucket's default is. */
  readonly ttl?: number | undefined;
  /** Fails with `exists` when a quorum read sees a value. Two at once may both succeed and become siblings. */
  readonly ifAbsent?: boolean | undefined;
}

export interface WriteResult {
  /** Covers this write and what the request's context covered, and nothing else. */
  readonly context: Uint8Array;
  readonly quorum: QuorumReport;
}
