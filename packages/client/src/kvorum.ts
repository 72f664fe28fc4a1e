/// <reference lib="esnext.disposable" preserve="true" />
/** The client of a cluster: connected once, shared by a whole program. */
import type { BucketChange, BucketConfig } from "@kvorum/core";
import { Bucket } from "./buckets/bucket.js";
import type { Resolved, Siblings } from "./buckets/found.js";
import { conflictsOf, type Conflict } from "./buckets/lists.js";
import { checkOptions } from "./buckets/option-check.js";
import type { BucketOptions, CallOptions, ClientDefaults } from "./buckets/options.js";
import { ValidationError } from "./errors.js";
import type { AnyResolver, Resolver } from "./resolvers/resolver.js";
import { RawClient } from "./raw-client.js";
import { RetryingTransport } from "./transports/retrying.js";
import { SessionTransport } from "./transports/session.js";
import { TracedTransport } from "./transports/trace.js";
import type { Transport } from "./transports/transport.js";

export interface ConnectOptions extends ClientDefaults {
  /** Shown to the members, for their operators. */
  readonly name?: string | undefined;
}

/** `Resolving` is true where the client has a resolver for all its buckets. */
type Default<T, Resolving extends boolean> = Resolving extends true ? Resolved<T> : Siblings<T>;

export class Kvorum<Resolving extends boolean = false> implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #defaults: ClientDefaults;

  /** @internal */
  constructor(transport: Transport, defaults: ClientDefaults = {}) {
    checkOptions(defaults);
    this.#transport = transport;
    this.#defaults = defaults;
  }

  /** @internal The whole stack over a transport: watched, and with the retry policy. */
  static over(transport: Transport, defaults: ClientDefaults): Kvorum {
    return new Kvorum(stackOver(transport, defaults.timeout), defaults);
  }

  /** A bucket with a type. The codec says what a value is; with a resolver, here or at the client, reads give one value. */
  bucket<T>(name: string, options: BucketOptions<T> & { readonly resolve: Resolver<NoInfer<T>> }): Bucket<T>;
  bucket<T>(name: string, options: BucketOptions<T>): Bucket<T, Default<T, Resolving>>;
  bucket<T>(name: string, options: BucketOptions<T>): Bucket<T, never> {
    if (typeof options?.codec?.encode !== "function") {
      throw new ValidationError("bad-parameter", `the bucket ${name} needs a codec, such as { codec: json() }`);
    }
    const { timeout, hedge, resolve } = this.#defaults;
    return new Bucket<T, never>(name, this.#transport, {
      ...options,
      timeout: options.timeout ?? timeout,
      hedge: options.hedge ?? hedge,
      resolve: options.resolve ?? resolve,
    });
  }

  /**
   * The same cluster, with memory: what a session has written or read it sees again, through whatever member (read your writes, monotonic
   * reads; Terry et al. 1994). See docs/guide/sessions.md for what that costs.
   */
  session(): Kvorum<Resolving> {
    return new Kvorum(new SessionTransport(this.#transport), this.#defaults);
  }

  /** The conflict inbox: keys of all buckets whose siblings wait for somebody to choose. */
  conflicts(options: CallOptions = {}): AsyncGenerator<Conflict, void, undefined> {
    return conflictsOf(this.#transport, undefined, { timeout: this.#defaults.timeout, ...options });
  }

  /** How a bucket is configured in the cluster. */
  async configuration(bucket: string, options: CallOptions = {}): Promise<BucketConfig> {
    checkOptions(options);
    const { timeout, signal } = options;
    return this.#transport.bucketConfig(bucket, { timeoutMs: timeout, signal });
  }

  /** Configures a bucket for all its users: default quorums, and whether the cluster keeps siblings or only the newest write (`lww`). */
  async configure(bucket: string, change: BucketChange, options: CallOptions = {}): Promise<BucketConfig> {
    checkOptions(options);
    const { timeout, signal } = options;
    return this.#transport.setBucketConfig(bucket, change, { timeoutMs: timeout, signal });
  }

  /** Ends all connections. Calls that still wait reject with a ClosedError. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What every client's calls go through, from the outside in. */
export function stackOver(transport: Transport, timeoutMs?: number): Transport {
  return new TracedTransport(new RetryingTransport(transport, timeoutMs));
}

/**
 * Connects to a cluster through any of its members: `host:port` of peer doors, the more the better. Resolves when one has answered.
 * @throws UnreachableError when none can be reached, TimeoutError when none answers in time.
 */
export function connect(
  seeds: string | readonly string[],
  options: ConnectOptions & { readonly resolve: AnyResolver },
): Promise<Kvorum<true>>;
export function connect(seeds: string | readonly string[], options?: ConnectOptions): Promise<Kvorum>;
export async function connect(
  seeds: string | readonly string[],
  options: ConnectOptions = {},
): Promise<Kvorum<boolean>> {
  checkOptions(options);
  const { name, timeout } = options;
  const raw = await RawClient.connect(typeof seeds === "string" ? [seeds] : seeds, {
    ...(name !== undefined && { name }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
  });
  return Kvorum.over(raw, options);
}
