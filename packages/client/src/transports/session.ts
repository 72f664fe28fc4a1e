/**
 * A session around any transport: read your writes and monotonic reads, whatever member coordinates (Terry et al. 1994). It remembers, of each
 * key it touched, the version vector of all it has seen, and gives out no read that knows less: such a read is asked again of all replicas,
 * until one knows enough or the call's time is over.
 */
import {
  limits,
  peekContext,
  VersionVector,
  type BucketChange,
  type BucketConfig,
  type ConflictPage,
  type KeyPage,
} from "@kvorum/core";
import { setTimeout as pause } from "node:timers/promises";
import { KvorumError } from "../errors.js";
import { nodeText } from "../primitives.js";
import type { CallOptions, DeleteOptions, GetOptions, PutOptions, WriteResult } from "../request-options.js";
import type { ReadResult } from "../read-result.js";
import type { ConflictQuery, KeyQuery, Transport } from "./transport.js";

/** What a session knows of a key. */
interface Known {
  readonly vector: VersionVector;
  /** Some of it was seen or kept by fallbacks alone: then the primaries do not speak for all there is. */
  readonly byFallbacks: boolean;
}

const NOTHING: Known = { vector: VersionVector.EMPTY, byFallbacks: false };
const PAUSE_FIRST_MS = 10;
const PAUSE_MAX_MS = 250;

export class SessionTransport implements Transport {
  /** By `bucket/key`, least recently used first. */
  readonly #known = new Map<string, Known>();

  constructor(
    readonly inner: Transport,
    readonly keysMax: number = limits.clientSessionKeysMax,
  ) {}

  async get(bucket: string, key: string, options: GetOptions): Promise<ReadResult> {
    const name = `${bucket}/${key}`;
    // What is known when the read begins: a write that ends meanwhile may have come too late for it.
    const known = this.#known.get(name) ?? NOTHING;
    const endMs = performance.now() + (options.timeoutMs ?? limits.requestTimeoutMs);
    const read = await this.inner.get(bucket, key, options);
    const enough = read.vector.dominates(known.vector) ? read : await this.#askAll(bucket, key, known, options, endMs);
    this.#learn(name, enough.vector, enough.quorum.fallbacks > 0);
    return enough;
  }

  async put(bucket: string, key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    return this.#wrote(`${bucket}/${key}`, await this.inner.put(bucket, key, value, options));
  }

  async delete(bucket: string, key: string, options: DeleteOptions): Promise<WriteResult> {
    return this.#wrote(`${bucket}/${key}`, await this.inner.delete(bucket, key, options));
  }

  listKeys(bucket: string, query: KeyQuery, options: CallOptions): Promise<KeyPage> {
    return this.inner.listKeys(bucket, query, options);
  }

  listConflicts(query: ConflictQuery, options: CallOptions): Promise<ConflictPage> {
    return this.inner.listConflicts(query, options);
  }

  bucketConfig(bucket: string, options: CallOptions): Promise<BucketConfig> {
    return this.inner.bucketConfig(bucket, options);
  }

  setBucketConfig(bucket: string, change: BucketChange, options: CallOptions): Promise<BucketConfig> {
    return this.inner.setBucketConfig(bucket, change, options);
  }

  /** A session holds nothing: what it stands on is the client's to close. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * Asks all primaries until they know enough. All of them together know every write that primaries acknowledged and that anything still
   * stands for: what they miss of it was deleted and reaped since, and the session forgets it too. What only fallbacks took has to come home.
   */
  async #askAll(bucket: string, key: string, known: Known, options: GetOptions, endMs: number): Promise<ReadResult> {
    for (let attempt = 0; ; attempt++) {
      const leftMs = endMs - performance.now();
      const pauseMs = attempt === 0 ? 0 : Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** attempt);
      if (leftMs - pauseMs < 1) throw notMet(bucket, key);
      if (pauseMs > 0) await pause(pauseMs, undefined, options.signal && { signal: options.signal }).catch(() => {});
      options.signal?.throwIfAborted();
      const read = await this.inner.get(bucket, key, {
        ...options,
        r: "all",
        sloppy: false,
        timeoutMs: leftMs - pauseMs,
      });
      if (read.vector.dominates(known.vector)) return read;
      if (!known.byFallbacks && read.quorum.fallbacks === 0) {
        this.#known.delete(`${bucket}/${key}`);
        return read;
      }
    }
  }

  #wrote(name: string, result: WriteResult): WriteResult {
    const vector = peekContext(nodeText, result.context)?.vector;
    if (vector !== undefined) this.#learn(name, vector, result.quorum.fallbacks > 0);
    return result;
  }

  #learn(name: string, vector: VersionVector, byFallbacks: boolean): void {
    const known = joined(this.#known.get(name) ?? NOTHING, { vector, byFallbacks });
    this.#known.delete(name);
    this.#known.set(name, known);
    if (this.#known.size <= this.keysMax) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

/** What both tell together. What primaries tell is not known by fallbacks alone, whoever told it before. */
function joined(before: Known, news: Known): Known {
  const isAll = news.vector.dominates(before.vector);
  const isNothingNew = before.vector.dominates(news.vector);
  if (isAll && isNothingNew) return { vector: before.vector, byFallbacks: before.byFallbacks && news.byFallbacks };
  if (isAll) return news;
  if (isNothingNew) return before;
  return { vector: before.vector.union(news.vector), byFallbacks: before.byFallbacks || news.byFallbacks };
}

function notMet(bucket: string, key: string): KvorumError {
  const detail = `in the time of this call no replica of ${bucket}/${key} knew all that this session has seen of it`;
  return new KvorumError("session-not-met", detail);
}
