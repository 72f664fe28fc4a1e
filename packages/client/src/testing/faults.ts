/** A transport that fails when a test says so, before or after the call has had its effect. */
import type { ConflictPage, KeyPage } from "@kvorum/core";
import { setTimeout as pause } from "node:timers/promises";
import { errorOf, TimeoutError, UnreachableError, type KvorumError, type KvorumErrorCode } from "../errors.js";
import type { CallOptions, DeleteOptions, GetOptions, PutOptions, WriteResult } from "../request-options.js";
import type { ReadResult } from "../read-result.js";
import { TransportAround } from "../transports/around.js";
import type { ConflictQuery, KeyQuery } from "../transports/transport.js";

export type FaultyOperation = "get" | "put" | "delete" | "list";

/** Which calls fail, how often, and how. What is left out matches everything. */
export interface Fault {
  readonly operation?: FaultyOperation;
  readonly bucket?: string;
  readonly key?: string;
  /** Attempts that fail; then the fault is over (default 1). The client's own retries are attempts. */
  readonly times?: number;
  /** `lost-request`: it never arrived. `lost-answer`: it was done, and nobody said so. Or a code that the cluster answers with. */
  readonly how: "lost-request" | "lost-answer" | Extract<KvorumErrorCode, "quorum-not-met" | "overloaded" | "timeout">;
  /** Milliseconds until it fails (default 0). */
  readonly after?: number;
}

interface Pending {
  readonly fault: Fault;
  left: number;
}

export class FaultyTransport extends TransportAround {
  #faults: Pending[] = [];

  inject(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#faults = [];
  }

  override get(bucket: string, key: string, options: GetOptions): Promise<ReadResult> {
    return this.#run("get", bucket, key, options, () => this.inner.get(bucket, key, options));
  }

  override put(bucket: string, key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    return this.#run("put", bucket, key, options, () => this.inner.put(bucket, key, value, options));
  }

  override delete(bucket: string, key: string, options: DeleteOptions): Promise<WriteResult> {
    return this.#run("delete", bucket, key, options, () => this.inner.delete(bucket, key, options));
  }

  override listKeys(bucket: string, query: KeyQuery, options: CallOptions): Promise<KeyPage> {
    return this.#run("list", bucket, undefined, options, () => this.inner.listKeys(bucket, query, options));
  }

  override listConflicts(query: ConflictQuery, options: CallOptions): Promise<ConflictPage> {
    return this.#run("list", query.bucket, undefined, options, () => this.inner.listConflicts(query, options));
  }

  async #run<T>(
    operation: FaultyOperation,
    bucket: string | undefined,
    key: string | undefined,
    { timeoutMs, signal }: CallOptions,
    work: () => Promise<T>,
  ): Promise<T> {
    const pending = this.#faults.find(({ fault }) => matches(fault, operation, bucket, key));
    if (pending === undefined) return work();
    if (--pending.left === 0) this.#faults = this.#faults.filter((each) => each !== pending);
    const { how, after = 0 } = pending.fault;
    if (after > 0) await pause(after, undefined, signal && { signal }).catch(() => {});
    signal?.throwIfAborted();
    if (how === "lost-answer") await work();
    const isWrite = operation === "put" || operation === "delete";
    throw errorFor(how, isWrite && how !== "lost-request" && how !== "overloaded" ? "unknown" : "none", timeoutMs);
  }
}

function matches(fault: Fault, operation: FaultyOperation, bucket?: string, key?: string): boolean {
  const isOne = <A>(wanted: A | undefined, given: A): boolean => wanted === undefined || wanted === given;
  return isOne(fault.operation, operation) && isOne(fault.bucket, bucket) && isOne(fault.key, key);
}

function errorFor(how: Fault["how"], effect: "none" | "unknown", timeoutMs = 0): KvorumError {
  switch (how) {
    case "lost-request":
    case "lost-answer":
      return new UnreachableError("no member took the request: a test injected this", { effect });
    case "timeout":
      return new TimeoutError("no answer: a test injected this", timeoutMs, { effect });
    case "quorum-not-met":
      return errorOf({ code: how, detail: "a test injected this", effect, needed: 2, received: 1 });
    case "overloaded":
      return errorOf({ code: how, detail: "a test injected this", effect });
  }
}
