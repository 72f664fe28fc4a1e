/** A store for tests of the node: memory, with reads that may answer later, a disk that may be full or fail, power cuts, and damage on demand. */
import { compareBytes } from "../../src/base/bytes.js";
import { Image } from "../../src/ports/image.js";
import { MemoryStorage } from "../../src/ports/memory-storage.js";
import { NO_LOSSES, type Losses } from "../../src/ports/storage.js";
import type { Batch, IndexEntry, MetaWrite, ReadOutcome, RecordKey, RecordWrite } from "../../src/ports/storage.js";
import type { Scanned, Storage, StorageError, StoredRecord } from "../../src/ports/storage.js";

interface Pending {
  readonly batch: Batch;
  readonly undo: Batch;
  readonly done: (error: StorageError | undefined) => void;
}

/** Runs something after some virtual milliseconds. */
export type After = (delayMs: number, run: () => void) => void;

export class TestStorage implements Storage {
  /** Flushes that end from now on find no space: what they hold did not happen, though it was visible until then. */
  full = false;
  /** Flushes that end from now on fail for good. */
  failing = false;
  /** 0: reads and scans call back before they return, as LMDB's do. */
  readDelayMs = 0;
  lost: Losses = NO_LOSSES;
  flushMs = 2;
  readonly #inner: MemoryStorage;
  /** What is being flushed, and what came since and goes into the next flush. */
  #flushing: Pending[] = [];
  #pending: Pending[] = [];
  #failed = false;
  #closing: (() => void) | undefined;

  constructor(
    readonly after: After,
    readonly disk: Image = new Image(),
  ) {
    this.#inner = new MemoryStorage((run) => run(), disk);
  }

  get(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    this.#later(() => this.#inner.get(key, done));
  }

  getMeta(name: string, done: (outcome: ReadOutcome) => void): void {
    this.#later(() => this.#inner.getMeta(name, done));
  }

  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void {
    // The records come now and the end perhaps later: what is applied between is visited by nobody.
    this.#inner.scan(partition, fromHash, toHash, visit, (result) => this.#later(() => done(result)));
  }

  scanIndex(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (entry: IndexEntry) => boolean,
    done: (result: Scanned) => void,
  ): void {
    this.#inner.scanIndex(partition, fromHash, toHash, visit, (result) => this.#later(() => done(result)));
  }

  scanMeta(prefix: string, visit: (name: string, value: Uint8Array) => void, done: () => void): void {
    this.#later(() => this.#inner.scanMeta(prefix, visit, done));
  }

  losses(done: (losses: Losses) => void): void {
    this.#later(() => done(this.lost));
  }

  apply(batch: Batch, done: (error: StorageError | undefined) => void): void {
    if (this.#failed || this.#closing !== undefined) return done("failed");
    this.#pending.push(this.#show(batch, done));
    if (this.#flushing.length === 0) this.#startFlush();
  }

  close(done: () => void): void {
    this.#closing = done;
    if (this.#flushing.length === 0) done();
  }

  /** The power goes: what was not flushed never was. The next start takes `disk`. */
  cutPower(): void {
    this.#failed = true;
    this.#revert(this.#pending.splice(0));
    this.#revert(this.#flushing.splice(0));
  }

  /** Changes one byte of a record; false when there is none. */
  damage(key: RecordKey, at = 30): boolean {
    const records = this.disk.partitions.get(key.partition) ?? [];
    const place = records.findIndex(({ hash }) => hash === key.hash);
    const record = records[place];
    if (record === undefined) return false;
    const value = record.value.slice();
    value[at % value.length] = (value[at % value.length] as number) ^ 1;
    records[place] = { ...record, value };
    return true;
  }

  damageMeta(prefix: string): number {
    const named = [...this.disk.meta].filter(([name]) => name.startsWith(prefix));
    for (const [, value] of named) value[value.length - 1] = (value.at(-1) as number) ^ 1;
    return named.length;
  }

  #later(run: () => void): void {
    if (this.readDelayMs === 0) run();
    else this.after(this.readDelayMs, run);
  }

  /** Visible at once, durable later. */
  #show(batch: Batch, done: Pending["done"]): Pending {
    const undo = this.#inverse(batch);
    this.#inner.apply(batch, () => {});
    return { batch, undo, done };
  }

  #startFlush(): void {
    this.#flushing = this.#pending.splice(0);
    if (this.#flushing.length > 0) this.after(this.flushMs, () => this.#endFlush());
    else this.#closing?.();
  }

  #endFlush(): void {
    const group = this.#flushing;
    if (this.full) this.#undo(group);
    if (this.failing) this.#failed = true;
    const error = this.failing ? "failed" : this.full ? "full" : undefined;
    for (const { done } of group) done(error);
    this.#startFlush();
  }

  /** The group never was; what was applied on top of it stays what it was. */
  #undo(group: readonly Pending[]): void {
    const since = this.#pending.splice(0);
    this.#revert(since);
    this.#revert(group);
    for (const { batch, done } of since) this.#pending.push(this.#show(batch, done));
  }

  #revert(group: readonly Pending[]): void {
    for (const { undo } of group.toReversed()) this.#inner.apply(undo, () => {});
  }

  #inverse(batch: Batch): Batch {
    const dropped = (batch.drops ?? []).flatMap((partition) => this.disk.partitions.get(partition) ?? []);
    const records: RecordWrite[] = [...dropped];
    for (const { partition, hash, key } of batch.records ?? []) {
      const stored = this.disk.partitions.get(partition)?.find((record) => isSame(record, { partition, hash, key }));
      records.push(stored ?? { partition, hash, key, value: undefined });
    }
    const meta: MetaWrite[] = [];
    for (const { name } of batch.meta ?? []) {
      this.#inner.getMeta(name, (outcome) => meta.push({ name, value: valueOf(outcome) }));
    }
    return { records, meta };
  }
}

function isSame(a: RecordKey, b: RecordKey): boolean {
  return a.hash === b.hash && compareBytes(a.key, b.key) === 0;
}

function valueOf(outcome: ReadOutcome): Uint8Array | undefined {
  return outcome.kind === "found" ? outcome.value : undefined;
}
