/**
 * What is to be seen of a request while it runs: one `diagnostics_channel` message for each request, at its start and at its end, that costs
 * nothing while nobody listens (docs/guide/observability.md).
 */
import { tracingChannel } from "node:diagnostics_channel";
import type { BucketChange, BucketConfig, ConflictPage, KeyPage } from "@kvorum/core";
import type { CallOptions, DeleteOptions, GetOptions, PutOptions, WriteResult } from "../request-options.js";
import type { QuorumReport, ReadResult } from "../read-result.js";
import type { ConflictQuery, KeyQuery, Transport } from "./transport.js";

/** The name of the tracing channel: `tracing:kvorum.request:start`, `…:asyncEnd`, `…:error`, as `tracingChannel` of Node names them. */
export const REQUEST_CHANNEL = "kvorum.request";

/** One request, the same object in all its events; what is only known later appears later. */
export interface RequestTrace {
  readonly operation: "get" | "put" | "delete" | "list-keys" | "list-conflicts" | "bucket-config" | "set-bucket-config";
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  /** `host:port` of the member that was asked last, or `embedded`. */
  target: string | undefined;
  /** Attempts after the first, by the retry policy or because a connection was lost. */
  retries: number;
  /** A second member was asked because the first was slow. */
  hedged: boolean;
  /** Milliseconds from start to end; 0 until then. */
  durationMs: number;
  /** How many versions a read found. */
  siblings?: number;
  /** Replies that the quorum needed and got, and how many came from fallbacks. */
  quorum?: QuorumReport;
  /** Set by the channel, as for every tracing channel. */
  error?: unknown;
}

const channel = tracingChannel<string, RequestTrace>(REQUEST_CHANNEL);
// Channels that all of Node 20 has by name: `hasSubscribers` of the whole is younger.
const { start, end, asyncStart, asyncEnd, error } = channel;
const isWatched = (): boolean =>
  start.hasSubscribers ||
  asyncEnd.hasSubscribers ||
  error.hasSubscribers ||
  end.hasSubscribers ||
  asyncStart.hasSubscribers;

type Traced<T> = (trace: RequestTrace | undefined) => Promise<T>;

export class TracedTransport implements Transport {
  constructor(readonly inner: Transport) {}

  get(bucket: string, key: string, options: GetOptions): Promise<ReadResult> {
    if (!isWatched()) return this.inner.get(bucket, key, options);
    return traced("get", bucket, key, async (trace) => {
      const result = await this.inner.get(bucket, key, { ...options, trace });
      trace.quorum = result.quorum;
      trace.siblings = result.siblings.length;
      return result;
    });
  }

  put(bucket: string, key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    return written("put", bucket, key, (trace) => this.inner.put(bucket, key, value, withTrace(options, trace)));
  }

  delete(bucket: string, key: string, options: DeleteOptions): Promise<WriteResult> {
    return written("delete", bucket, key, (trace) => this.inner.delete(bucket, key, withTrace(options, trace)));
  }

  listKeys(bucket: string, query: KeyQuery, options: CallOptions): Promise<KeyPage> {
    return watched("list-keys", bucket, (trace) => this.inner.listKeys(bucket, query, withTrace(options, trace)));
  }

  listConflicts(query: ConflictQuery, options: CallOptions): Promise<ConflictPage> {
    const run: Traced<ConflictPage> = (trace) => this.inner.listConflicts(query, withTrace(options, trace));
    return watched("list-conflicts", query.bucket, run);
  }

  bucketConfig(bucket: string, options: CallOptions): Promise<BucketConfig> {
    return watched("bucket-config", bucket, (trace) => this.inner.bucketConfig(bucket, withTrace(options, trace)));
  }

  setBucketConfig(bucket: string, change: BucketChange, options: CallOptions): Promise<BucketConfig> {
    const run: Traced<BucketConfig> = (trace) => this.inner.setBucketConfig(bucket, change, withTrace(options, trace));
    return watched("set-bucket-config", bucket, run);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

function withTrace<O extends CallOptions>(options: O, trace: RequestTrace | undefined): O {
  return trace === undefined ? options : { ...options, trace };
}

function written(
  operation: RequestTrace["operation"],
  bucket: string,
  key: string,
  run: Traced<WriteResult>,
): Promise<WriteResult> {
  if (!isWatched()) return run(undefined);
  return traced(operation, bucket, key, async (trace) => {
    const result = await run(trace);
    trace.quorum = result.quorum;
    return result;
  });
}

function watched<T>(operation: RequestTrace["operation"], bucket: string | undefined, run: Traced<T>): Promise<T> {
  return isWatched() ? traced(operation, bucket, undefined, run) : run(undefined);
}

function traced<T>(
  operation: RequestTrace["operation"],
  bucket: string | undefined,
  key: string | undefined,
  run: (trace: RequestTrace) => Promise<T>,
): Promise<T> {
  const trace: RequestTrace = { operation, bucket, key, target: undefined, retries: 0, hedged: false, durationMs: 0 };
  const startedMs = performance.now();
  return channel.tracePromise(async () => {
    try {
      return await run(trace);
    } finally {
      trace.durationMs = performance.now() - startedMs;
    }
  }, trace);
}
