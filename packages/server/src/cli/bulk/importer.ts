/** Stores entries, many at a time: each with an idempotency key, so that a retry of an unknown outcome is the same write (DESIGN §4, Retries). */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { KvorumApi } from "../api.js";
import { CliError, messageOf, problemLine } from "../exit.js";
import { ConnectionError } from "../http-client.js";
import type { ImportEntry, Rejected, SourceItem } from "./entry.js";
import { eachAtOnce } from "./pool.js";

export interface ImportOptions {
  readonly bucket: string;
  readonly concurrency: number;
  /** Write without reading what stands there first: half the round trips, and siblings where something does. */
  readonly blind: boolean;
  /** Waits between attempts; their number is the number of retries. */
  readonly retryMs?: readonly number[];
  readonly onProgress?: (done: number, summary: ImportSummary) => void;
}

export interface ImportSummary {
  stored: number;
  /** Of the values that were stored. */
  bytes: number;
  retries: number;
  readonly skipped: Rejected[];
  /** Values that the server does not take for their size. */
  readonly tooLarge: Rejected[];
  readonly failed: Rejected[];
  /** Why the rest was not tried at all. */
  stopped?: string;
}

/** Long enough to sit out a coordinator's restart. */
const RETRY_MS = [100, 200, 400, 800, 1600, 3200] as const;
const RETRY_AFTER_MAX_MS = 10_000;

/** Stores all that `source` yields. Never throws for an entry: everything that was not stored is in the summary, by name. */
export async function importAll(
  api: KvorumApi,
  source: AsyncIterable<SourceItem> | Iterable<SourceItem>,
  options: ImportOptions,
): Promise<ImportSummary> {
  const summary: ImportSummary = { stored: 0, bytes: 0, retries: 0, skipped: [], tooLarge: [], failed: [] };
  const importer = new Importer(api, options, summary);
  const handle = async ({ entry, rejected, progress }: SourceItem): Promise<void> => {
    if (entry !== undefined) await importer.store(entry);
    else (rejected.kind === "skipped" ? summary.skipped : summary.failed).push(rejected);
    options.onProgress?.(progress, summary);
  };
  try {
    await eachAtOnce(source, options.concurrency, handle, ({ entry }) => entry?.key ?? "");
  } catch (error) {
    summary.stopped = error instanceof CliError ? problemLine(error.problem) : messageOf(error);
  }
  return summary;
}

class Importer {
  readonly #retryMs: readonly number[];
  /** The smallest size that was refused: whatever is as large need not be offered. */
  #refusedBytes = Number.POSITIVE_INFINITY;

  constructor(
    readonly api: KvorumApi,
    readonly options: ImportOptions,
    readonly summary: ImportSummary,
  ) {
    this.#retryMs = options.retryMs ?? RETRY_MS;
  }

  /** @throws ConnectionError when no server is there any more: the entries to come would fail one by one. */
  async store(entry: ImportEntry): Promise<void> {
    if (entry.bytes >= this.#refusedBytes) return this.#tooLarge(entry);
    try {
      await this.#write(entry);
      this.summary.stored++;
      this.summary.bytes += entry.bytes;
    } catch (error) {
      if (error instanceof CliError && error.problem.status === 413) return this.#tooLarge(entry);
      const reason = error instanceof CliError ? problemLine(error.problem) : messageOf(error);
      this.summary.failed.push({ where: entry.key, reason, kind: "failed" });
      if (error instanceof ConnectionError && error.effect === "none") throw error;
    }
  }

  #tooLarge(entry: ImportEntry): void {
    this.#refusedBytes = Math.min(this.#refusedBytes, entry.bytes);
    const reason = `${entry.bytes} bytes are more than the server takes`;
    this.summary.tooLarge.push({ where: entry.key, reason, kind: "failed" });
  }

  /** The read's context and the idempotency key stay the same over all attempts: together they make them one write. */
  async #write(entry: ImportEntry): Promise<void> {
    const { bucket, blind } = this.options;
    const body = await entry.open();
    const context = blind ? undefined : await this.#persist(() => this.api.context(bucket, entry.key));
    const idempotencyKey = randomUUID();
    const { contentType } = entry;
    await this.#persist((attempt) =>
      // A connection cut in the middle of a body may have carried a refusal: the next attempt offers the body first.
      this.api.put(bucket, entry.key, body, { context, contentType, idempotencyKey, attempt, offer: attempt > 1 }),
    );
  }

  /** Tries again what may succeed later, with growing waits. */
  async #persist<T>(work: (attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(attempt);
      } catch (error) {
        const waitMs = this.#retryMs[attempt - 1];
        if (waitMs === undefined || !isPassing(error)) throw error;
        this.summary.retries++;
        await sleep(Math.max(waitMs * (0.5 + Math.random()), retryAfterMs(error)));
      }
    }
  }
}

/** Overload, a quorum that was not met, a node that stops or breaks off: another attempt may find better. */
function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  return error instanceof CliError && (error.problem.status === 503 || error.problem.status === 429);
}

function retryAfterMs(error: unknown): number {
  const asked = error instanceof CliError ? (error.retryAfterMs ?? 0) : 0;
  return Math.min(asked, RETRY_AFTER_MAX_MS);
}
