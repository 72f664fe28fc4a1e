/** The transport inside a node's own process: straight to its coordinator, with no frame and no socket in between. */
import {
  bucketChangeProblem,
  bucketProblem,
  keyProblem,
  ttlProblem,
  type BucketChange,
  type BucketConfig,
  type ConflictPage,
  type Got,
  type KeyPage,
  type NodeApi,
  type Outcome,
  type Primitives,
} from "@kvorum/core";
import { checkTimeout } from "../client-session.js";
import { ClosedError, errorOf, ValidationError } from "../errors.js";
import { operationOf } from "../raw-client.js";
import type { CallOptions, DeleteOptions, GetOptions, PutOptions, WriteResult } from "../request-options.js";
import { ReadResult } from "../read-result.js";
import type { ConflictQuery, KeyQuery, Transport } from "./transport.js";

const NO_CONTEXT = new Uint8Array(0);
const DEFAULT_CONTENT_TYPE = "application/octet-stream";

export interface NodeTransportOptions {
  readonly api: NodeApi;
  readonly primitives: Primitives;
  /** For calls that name none. */
  readonly timeoutMs: number;
  /** Ends the node. */
  readonly close: () => Promise<void>;
}

export class NodeTransport implements Transport {
  readonly #options: NodeTransportOptions;
  readonly #waiting = new Set<(reason: unknown) => void>();
  #closing: Promise<void> | undefined;

  constructor(options: NodeTransportOptions) {
    this.#options = options;
  }

  async get(bucket: string, key: string, options: GetOptions): Promise<ReadResult> {
    const { api, primitives } = this.#options;
    const id = this.#idOf(bucket, key);
    const { r, sloppy = true } = options;
    const command = { kind: "get", id, r, sloppy, local: false, hops: 0 } as const;
    const got = await this.#ask<Got>(options, (timeoutMs, reply) => api.get(command, timeoutMs, reply));
    return new ReadResult(primitives.text, got);
  }

  async put(bucket: string, key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    return this.#write(bucket, key, value, options.contentType ?? DEFAULT_CONTENT_TYPE, options);
  }

  async delete(bucket: string, key: string, options: DeleteOptions): Promise<WriteResult> {
    return this.#write(bucket, key, undefined, "", options);
  }

  async listKeys(bucket: string, query: KeyQuery, options: CallOptions): Promise<KeyPage> {
    checkBucket(bucket);
    const { prefix, limit, cursor } = query;
    const asked = { bucket, prefix, limit, ...(cursor !== undefined && { cursor }) };
    return this.#ask(options, (timeoutMs, reply) => this.#options.api.listKeys(asked, timeoutMs, reply));
  }

  async listConflicts({ bucket, limit, cursor }: ConflictQuery, options: CallOptions): Promise<ConflictPage> {
    if (bucket !== undefined) checkBucket(bucket);
    const asked = { limit, ...(bucket !== undefined && { bucket }), ...(cursor !== undefined && { cursor }) };
    return this.#ask(options, (timeoutMs, reply) => this.#options.api.listConflicts(asked, timeoutMs, reply));
  }

  async bucketConfig(bucket: string, options: CallOptions): Promise<BucketConfig> {
    checkBucket(bucket);
    const { api } = this.#options;
    return this.#ask(options, (_, reply) => reply({ ok: true, value: api.bucketConfig(bucket) }));
  }

  async setBucketConfig(bucket: string, change: BucketChange, options: CallOptions): Promise<BucketConfig> {
    checkBucket(bucket);
    const { api } = this.#options;
    const problem = bucketChangeProblem(change, api.bucketConfig(bucket).n);
    if (problem !== undefined) throw new ValidationError("bad-parameter", problem);
    return this.#ask(options, (_, reply) => api.setBucketConfig(bucket, change, reply));
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      for (const reject of this.#waiting) reject(new ClosedError());
      this.#closing = this.#options.close();
    }
    return this.#closing;
  }

  #write(
    bucket: string,
    key: string,
    value: Uint8Array | undefined,
    contentType: string,
    { context = NO_CONTEXT, w, sloppy = true, ttl, ...options }: PutOptions,
  ): Promise<WriteResult> {
    const { api } = this.#options;
    const id = this.#idOf(bucket, key);
    const problem = ttl === undefined ? undefined : ttlProblem(ttl);
    if (problem !== undefined) throw new ValidationError("bad-parameter", problem);
    const what = { value, contentType, ttlSeconds: ttl, context };
    const write = { id, ...what, w, sloppy, ifAbsent: options.ifAbsent ?? false, hops: 0 };
    const operation = operationOf(this.#options.primitives, id, what, options);
    return this.#ask(options, (timeoutMs, reply) =>
      api.put({ kind: "put", ...write, operation }, timeoutMs, (outcome) => {
        if (!outcome.ok) return reply(outcome);
        const { needed, received, fallbacks } = outcome.value;
        reply({ ok: true, value: { context: outcome.value.context, quorum: { needed, received, fallbacks } } });
      }),
    );
  }

  /** One question and its one answer; the node keeps its own deadlines. */
  #ask<T>(
    { timeoutMs, signal, trace }: CallOptions,
    run: (timeoutMs: number, reply: (outcome: Outcome<T>) => void) => void,
  ): Promise<T> {
    const leftMs = timeoutMs === undefined ? this.#options.timeoutMs : checkTimeout(timeoutMs);
    if (trace !== undefined) trace.target = "embedded";
    return new Promise<T>((resolve, reject) => {
      if (this.#closing !== undefined) return reject(new ClosedError());
      if (signal?.aborted === true) return reject(signal.reason);
      const settle = (): void => {
        this.#waiting.delete(fail);
        signal?.removeEventListener("abort", abort);
      };
      const fail = (reason: unknown): void => {
        settle();
        reject(reason);
      };
      const abort = (): void => fail(signal?.reason);
      this.#waiting.add(fail);
      signal?.addEventListener("abort", abort);
      run(leftMs, (outcome) => {
        settle();
        if (outcome.ok) resolve(outcome.value);
        else reject(errorOf(outcome.failure));
      });
    });
  }

  #idOf(bucket: string, key: string): Uint8Array {
    const problem = bucketProblem(bucket) ?? keyProblem(key);
    if (problem !== undefined) throw new ValidationError("bad-parameter", problem);
    return this.#options.api.keyOf(bucket, key).id;
  }
}

function checkBucket(bucket: string): void {
  const problem = bucketProblem(bucket);
  if (problem !== undefined) throw new ValidationError("bad-parameter", problem);
}
