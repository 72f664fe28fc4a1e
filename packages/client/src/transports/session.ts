/**
 * A session around any transport: read your writes and monotonic reads, whatever member coordinates (Terry et al. 1994). What it remembers and what
 * it makes of a read is core's {@link SessionMemory}, which simulated clients use too; here are its waits and the call's time.
 */
import { limits, peekContext, SessionMemory, type Knowledge } from "@kvorum/core";
import { setTimeout as pause } from "node:timers/promises";
import { KvorumError } from "../errors.js";
import { nodeText } from "../primitives.js";
import type { DeleteOptions, GetOptions, PutOptions, WriteResult } from "../request-options.js";
import type { ReadResult } from "../read-result.js";
import { TransportAround } from "./around.js";
import type { Transport } from "./transport.js";

const PAUSE_FIRST_MS = 10;
const PAUSE_MAX_MS = 250;

export class SessionTransport extends TransportAround {
  readonly #memory: SessionMemory;

  constructor(inner: Transport, keysMax: number = limits.clientSessionKeysMax) {
    super(inner);
    this.#memory = new SessionMemory(keysMax);
  }

  override async get(bucket: string, key: string, options: GetOptions): Promise<ReadResult> {
    const name = `${bucket}/${key}`;
    // What is known when the read begins: a write that ends meanwhile may have come too late for it.
    const known = this.#memory.known(name);
    const endMs = performance.now() + (options.timeoutMs ?? limits.requestTimeoutMs);
    const read = await this.inner.get(bucket, key, options);
    const isEnough = this.#memory.judge(known, knowledgeOf(read), false) === "shows-enough";
    const enough = isEnough ? read : await this.#askAll(bucket, key, known, options, endMs);
    this.#memory.learn(name, knowledgeOf(enough));
    return enough;
  }

  override async put(bucket: string, key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    return this.#wrote(`${bucket}/${key}`, await this.inner.put(bucket, key, value, options));
  }

  override async delete(bucket: string, key: string, options: DeleteOptions): Promise<WriteResult> {
    return this.#wrote(`${bucket}/${key}`, await this.inner.delete(bucket, key, options));
  }

  /** A session holds nothing: what it stands on is the client's to close. */
  override close(): Promise<void> {
    return Promise.resolve();
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#memory.size;
  }

  /** Asks all primaries until they know enough, or all that there is to know. */
  async #askAll(
    bucket: string,
    key: string,
    known: Knowledge,
    options: GetOptions,
    endMs: number,
  ): Promise<ReadResult> {
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
      const verdict = this.#memory.judge(known, knowledgeOf(read), true);
      if (verdict === "was-reaped") this.#memory.forget(`${bucket}/${key}`);
      if (verdict !== "knows-less") return read;
    }
  }

  #wrote(name: string, result: WriteResult): WriteResult {
    const vector = peekContext(nodeText, result.context)?.vector;
    if (vector !== undefined) this.#memory.learn(name, { vector, byFallbacks: result.quorum.fallbacks > 0 });
    return result;
  }
}

function knowledgeOf({ vector, quorum }: ReadResult): Knowledge {
  return { vector, byFallbacks: quorum.fallbacks > 0 };
}

function notMet(bucket: string, key: string): KvorumError {
  const detail = `in the time of this call no replica of ${bucket}/${key} knew all that this session has seen of it`;
  return new KvorumError("session-not-met", detail);
}
