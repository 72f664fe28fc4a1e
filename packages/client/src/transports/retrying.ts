/**
 * The one retry policy, around any transport: what may succeed when it is asked again is asked again, with a growing pause, until the call's
 * deadline. Every write carries an idempotency key, so that a retry is never a second write (TRAPS 6).
 */
import { limits, type BucketChange, type BucketConfig, type ConflictPage, type KeyPage } from "@kvorum/core";
import { setTimeout as pause } from "node:timers/promises";
import { getRandomValues } from "node:crypto";
import { checkTimeout } from "../client-session.js";
import { KvorumError, OverloadedError } from "../errors.js";
import { isPassing } from "../passing.js";
import type { CallOptions, DeleteOptions, GetOptions, PutOptions, WriteResult } from "../request-options.js";
import type { ReadResult } from "../read-result.js";
import type { ConflictQuery, KeyQuery, Transport } from "./transport.js";

const OPERATION_ID_BYTES = 16;
/** Room for more writes than a number counts. */
const COUNTER_BYTES = 7;
const PAUSE_FIRST_MS = 10;
const PAUSE_MAX_MS = 1_000;
/** With less than this left another attempt is not worth the load. */
const LEFT_MIN_MS = 5;
/** An attempt may take half of what is left, so that a member that hangs does not cost the whole call; but never less than this. */
const ATTEMPT_MIN_MS = 1_000;

/** `attempt` is for writes; others take no notice. */
type Asked = CallOptions & Pick<DeleteOptions, "attempt">;
type Attempt<T, O> = (options: O) => Promise<T>;

export class RetryingTransport implements Transport {
  readonly #name = getRandomValues(new Uint8Array(OPERATION_ID_BYTES - COUNTER_BYTES));
  #writes = 0;

  constructor(
    readonly inner: Transport,
    /** For calls that name none. */
    readonly timeoutMs: number = limits.requestTimeoutMs,
  ) {
    checkTimeout(timeoutMs);
  }

  get(bucket: string, key: string, options: GetOptions): Promise<ReadResult> {
    return this.#run(options, (each) => this.inner.get(bucket, key, each));
  }

  put(bucket: string, key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    return this.#write(options, (each) => this.inner.put(bucket, key, value, each));
  }

  delete(bucket: string, key: string, options: DeleteOptions): Promise<WriteResult> {
    return this.#write(options, (each) => this.inner.delete(bucket, key, each));
  }

  listKeys(bucket: string, query: KeyQuery, options: CallOptions): Promise<KeyPage> {
    return this.#run(options, (each) => this.inner.listKeys(bucket, query, each));
  }

  listConflicts(query: ConflictQuery, options: CallOptions): Promise<ConflictPage> {
    return this.#run(options, (each) => this.inner.listConflicts(query, each));
  }

  bucketConfig(bucket: string, options: CallOptions): Promise<BucketConfig> {
    return this.#run(options, (each) => this.inner.bucketConfig(bucket, each));
  }

  setBucketConfig(bucket: string, change: BucketChange, options: CallOptions): Promise<BucketConfig> {
    return this.#run(options, (each) => this.inner.setBucketConfig(bucket, change, each));
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  /** First attempts say that they are: nobody need look for an earlier one. */
  #write(options: DeleteOptions, run: Attempt<WriteResult, DeleteOptions>): Promise<WriteResult> {
    // A key of the caller's may have been used before: what he says of that, or nothing, holds for the first attempt.
    if (options.idempotencyKey !== undefined) return this.#run(options, run);
    return this.#run({ ...options, operationId: this.#nextId(), attempt: 1 }, run);
  }

  /** A name for one write: drawn for this client, then counted. */
  #nextId(): Uint8Array {
    const id = new Uint8Array(OPERATION_ID_BYTES);
    id.set(this.#name);
    for (let at = OPERATION_ID_BYTES - 1, left = this.#writes++; left > 0; at--) {
      id[at] = left % 256;
      left = Math.floor(left / 256);
    }
    return id;
  }

  #run<T, O extends Asked>(options: O, run: Attempt<T, O>): Promise<T> {
    const timeoutMs = options.timeoutMs === undefined ? this.timeoutMs : checkTimeout(options.timeoutMs);
    const endMs = performance.now() + timeoutMs;
    const first = run({ ...options, timeoutMs: attemptMs(timeoutMs) });
    return first.catch((error: unknown) => this.#runAgain(options, endMs, run, error));
  }

  /** Out of the way of calls that succeed at once, which nearly all do. */
  async #runAgain<T, O extends Asked>(options: O, endMs: number, run: Attempt<T, O>, failure: unknown): Promise<T> {
    let error = failure;
    let mayHaveArrived = false;
    for (let attempt = 2; ; attempt++) {
      if (!(error instanceof KvorumError)) throw error;
      mayHaveArrived ||= error.effect === "unknown";
      const pauseMs = pauseAfter(error, attempt - 1);
      const leftMs = endMs - performance.now() - pauseMs;
      if (!isPassing(error) || leftMs < LEFT_MIN_MS) throw said(error, mayHaveArrived);
      if (options.trace !== undefined) options.trace.retries++;
      await paused(pauseMs, options.signal);
      try {
        return await run({ ...options, timeoutMs: attemptMs(leftMs), attempt });
      } catch (again) {
        error = again;
      }
    }
  }
}

function attemptMs(leftMs: number): number {
  return Math.min(leftMs, Math.max(ATTEMPT_MIN_MS, leftMs / 2));
}

/** Full of chance, so that those who failed together do not come back together. */
function pauseAfter(error: KvorumError, attempt: number): number {
  const growing = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (attempt - 1));
  const asked = error instanceof OverloadedError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(asked, growing) * (0.5 + Math.random() / 2);
}

/** The last error speaks for the whole call: what an earlier attempt may have done, the call may have done. */
function said(error: KvorumError, mayHaveArrived: boolean): KvorumError {
  if (mayHaveArrived && error.effect === "none") Object.defineProperty(error, "effect", { value: "unknown" });
  return error;
}

async function paused(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await pause(ms, undefined, signal && { signal });
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error;
  }
}
