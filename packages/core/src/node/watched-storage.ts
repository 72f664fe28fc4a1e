/**
 * The node's store, with an eye on its disk: how long nothing of what was applied has become durable, and whether a flush has failed. A disk that
 * hangs leaves the loop alive and its heartbeats sound, so the age of what waits for it goes with them; a failed flush is final, whoever of the
 * node's parts met it (DESIGN §8).
 */
import type { Clock } from "../ports/clock.js";
import type {
  Batch,
  IndexEntry,
  Losses,
  ReadOutcome,
  RecordKey,
  Scanned,
  Storage,
  StorageError,
  StoredRecord,
} from "../ports/storage.js";

export class WatchedStorage implements Storage {
  readonly #inner: Storage;
  readonly #clock: Clock;
  /** Batches applied and not durable yet. */
  #pending = 0;
  /** When one became durable last, or when the first of the pending ones was applied. */
  #movedMs = 0;
  #hasFailed = false;
  #closed = false;
  /** A flush failed: told once, before whoever applied the batch hears of it. Whoever holds the node together ends it. */
  onFailed: () => void = () => {};

  constructor(inner: Storage, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  /** Milliseconds for which something has waited and nothing has become durable; 0 while nothing waits. */
  get stalledMs(): number {
    return this.#pending === 0 ? 0 : this.#clock.monotonicMs() - this.#movedMs;
  }

  apply(batch: Batch, done: (error: StorageError | undefined) => void): void {
    if (this.#pending++ === 0) this.#movedMs = this.#clock.monotonicMs();
    this.#inner.apply(batch, (error) => {
      this.#pending--;
      this.#movedMs = this.#clock.monotonicMs();
      if (error === "failed") this.#failed();
      done(error);
    });
  }

  get(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    this.#inner.get(key, done);
  }

  glance(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    if (this.#inner.glance === undefined) this.#inner.get(key, done);
    else this.#inner.glance(key, done);
  }

  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void {
    this.#inner.scan(partition, fromHash, toHash, visit, done);
  }

  scanIndex(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (entry: IndexEntry) => boolean,
    done: (result: Scanned) => void,
  ): void {
    this.#inner.scanIndex(partition, fromHash, toHash, visit, done);
  }

  getMeta(name: string, done: (outcome: ReadOutcome) => void): void {
    this.#inner.getMeta(name, done);
  }

  scanMeta(prefix: string, visit: (name: string, value: Uint8Array) => void, done: () => void): void {
    this.#inner.scanMeta(prefix, visit, done);
  }

  losses(done: (losses: Losses) => void): void {
    this.#inner.losses(done);
  }

  close(done: () => void): void {
    this.#closed = true;
    this.#inner.close(done);
  }

  #failed(): void {
    if (this.#hasFailed || this.#closed) return;
    this.#hasFailed = true;
    this.onFailed();
  }
}
