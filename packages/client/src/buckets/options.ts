/** What can be said with each call of a bucket, and for all calls of a bucket or a client. */
import type { QuorumArg } from "@kvorum/core";
import type { Codec } from "../codecs/codec.js";
import type { AnyResolver, Resolver } from "../resolvers/resolver.js";

/** For every call. */
export interface CallOptions {
  /** Ends the wait, not the work: an aborted write may still happen. The call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole call, its retries included (default 5,000). */
  readonly timeout?: number | undefined;
}

export interface ReadOptions extends CallOptions {
  /** Replies that the read waits for: a number, `one`, `quorum` or `all`. Default: as the bucket is configured. */
  readonly r?: QuorumArg | undefined;
  /** `false`: primaries only. Default `true`: fallbacks may stand in, and then R + W > N promises no overlap. */
  readonly sloppy?: boolean | undefined;
  /** Milliseconds after which a read without an answer is asked of a second member too. Costs load, cuts the slowest reads. */
  readonly hedge?: number | undefined;
}

export interface WriteOptions extends CallOptions {
  /** Durable replies that the write waits for. */
  readonly w?: QuorumArg | undefined;
  /** `false`: primaries only. Default `true`: a fallback may take the write with a hint for the primary that is away. */
  readonly sloppy?: boolean | undefined;
  /** From the read or write that this one follows: exactly what it covers is replaced. Without one nothing is: the write stands beside. */
  readonly context?: string | undefined;
  /**
   * Names the write. The same name is the same write for some minutes, also from another process: for retries of your own. The client gives
   * each write a name anyway, for its own retries.
   */
  readonly idempotencyKey?: string | undefined;
}

export interface PutOptions extends WriteOptions {
  /** Fails with `exists` when a quorum read sees a value. Two at once may both succeed, and become siblings. */
  readonly ifAbsent?: boolean | undefined;
  /** Seconds until the value is hidden and forgotten, on every replica; 0: never. Default: as the bucket is configured. */
  readonly ttl?: number | undefined;
}

/** For reads that may resolve. */
export interface ResolveOptions<T> extends ReadOptions {
  /** Instead of the bucket's. */
  readonly resolve?: Resolver<T> | undefined;
  /** Whether a value that was resolved from several siblings is written back with their merged context, so that one stands. */
  readonly writeBack?: boolean | undefined;
}

/** For `update`: the timeout is for reading, changing and writing together. */
export interface UpdateOptions<T> extends ReadOptions {
  readonly w?: QuorumArg | undefined;
  /** Seconds until the new value is hidden and forgotten, as for `put`. */
  readonly ttl?: number | undefined;
  /** Instead of the bucket's. */
  readonly resolve?: Resolver<T> | undefined;
}

export interface KeysOptions extends CallOptions {
  /** Only keys that begin with this. */
  readonly prefix?: string | undefined;
  /** Keys asked for at once (default 1,000). The next page is asked for when this one has been consumed. */
  readonly pageSize?: number | undefined;
}

/** What holds for all calls of a bucket, unless a call says otherwise. */
export interface BucketDefaults {
  readonly timeout?: number | undefined;
  readonly r?: QuorumArg | undefined;
  readonly w?: QuorumArg | undefined;
  readonly sloppy?: boolean | undefined;
  readonly hedge?: number | undefined;
}

export interface BucketOptions<T> extends BucketDefaults {
  readonly codec: Codec<T>;
  /** Makes one value of siblings. Without one here or at the client, reads give the siblings. What a value is, the codec alone says. */
  readonly resolve?: Resolver<NoInfer<T>> | undefined;
}

export interface ClientDefaults {
  /** Milliseconds for calls that name none (default 5,000). */
  readonly timeout?: number | undefined;
  /** For buckets that name none. */
  readonly hedge?: number | undefined;
  /** For buckets that name none: one that needs to know nothing of the values. */
  readonly resolve?: AnyResolver | undefined;
}
