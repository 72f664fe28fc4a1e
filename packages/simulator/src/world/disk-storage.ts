/** The storage port over a simulated disk, for one life of a process: batches gather, a flush proves them, callbacks come in their order. */
import { NO_LOSSES, ownedBatch } from "@kvorum/core";
import type { Batch, IndexEntry, Losses, ReadOutcome, RecordKey, Rng, Scanned } from "@kvorum/core";
import type { Storage, StorageError, StoredRecord } from "@kvorum/core";
import type { Disk } from "./disk.js";
import type { Process } from "./process.js";

export interface DiskTimes {
  /** How long a flush takes on a fair day, about. */
  readonly flushMs: number;
  /** Reads come later, not within the call. */
  readonly slowReads: boolean;
}

export interface FlushWatch {
  flushing(batches: number): void;
  flushed(batches: number): void;
  failed(): void;
  /** A record was written in part. */
  torn(): void;
  refused(): void;
  slowed(): void;
}

type Settle = (error: StorageError | undefined) => void;

const READ_MS = 0.3;
/** Batches that come within this time of the first share its flush. */
const GATHER_MS = 0.05;
const ABSENT: ReadOutcome = { kind: "absent" };

export class DiskStorage implements Storage {
  readonly #waiting: Settle[] = [];
  #flushing = false;
  #failed = false;
  #closed = false;
  #closing: (() => void) | undefined;
  readonly #rng: Rng;

  constructor(
    readonly disk: Disk,
    readonly process: Process,
    readonly times: DiskTimes,
    readonly watch: FlushWatch,
  ) {
    this.#rng = disk.rng;
  }

  get(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    this.#read(outcomeOf(this.disk.visible.get(key)), done);
  }

  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void {
    this.#read(this.disk.visible.range(partition, fromHash, toHash), (records) => {
      for (const record of records) if (!visit(record)) break;
      done({ damaged: 0 });
    });
  }

  /** The index is in memory: what it knows costs no read of the disk. */
  scanIndex(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (entry: IndexEntry) => boolean,
    done: (result: Scanned) => void,
  ): void {
    for (const record of this.disk.visible.range(partition, fromHash, toHash)) if (!visit(record)) break;
    done({ damaged: 0 });
  }

  getMeta(name: string, done: (outcome: ReadOutcome) => void): void {
    this.#read(outcomeOf(this.disk.visible.meta.get(name)), done);
  }

  scanMeta(prefix: string, visit: (name: string, value: Uint8Array) => void, done: () => void): void {
    const image = this.disk.visible;
    for (const name of image.metaNames(prefix)) visit(name, image.meta.get(name) as Uint8Array);
    done();
  }

  losses(done: (losses: Losses) => void): void {
    done(NO_LOSSES);
  }

  apply(batch: Batch, done: Settle): void {
    // What a dead process still runs to its end touches nothing any more.
    if (!this.process.alive) return;
    if (this.#failed || this.#closed) return done("failed");
    if (this.disk.full) {
      this.watch.refused();
      this.#later(GATHER_MS, () => done("full"));
      return;
    }
    this.disk.write(ownedBatch(batch));
    this.#waiting.push(done);
    this.#startFlush();
  }

  close(done: () => void): void {
    this.#closed = true;
    this.#closing = done;
    this.#closeIfIdle();
  }

  /** What a read finds is what was there when it was asked for; when it hears of it is the disk's affair. */
  #read<T>(found: T, done: (found: T) => void): void {
    const { slowness } = this.disk;
    if (!this.times.slowReads && slowness === 1) return done(found);
    if (slowness > 1) this.watch.slowed();
    this.#later(READ_MS * slowness * this.#rng.float(), () => done(found));
  }

  #startFlush(): void {
    if (this.#flushing || this.#waiting.length === 0 || this.#failed) return;
    this.#flushing = true;
    this.#later(GATHER_MS, () => {
      const batches = this.#waiting.length;
      const upTo = this.disk.writtenUpTo;
      const takesMs = this.times.flushMs * (0.5 + this.#rng.float()) * this.disk.slowness;
      if (this.disk.slowness > 1) this.watch.slowed();
      // First the timer, then the word: whoever hears it may end this process.
      this.#later(takesMs, () => this.#endFlush(batches, upTo));
      this.watch.flushing(batches);
    });
  }

  #endFlush(batches: number, upTo: number): void {
    if (this.disk.failNextFlush) return this.#fail();
    this.disk.flush(upTo);
    this.#flushing = false;
    this.watch.flushed(batches);
    for (const settle of this.#waiting.splice(0, batches)) {
      if (this.process.alive) settle(undefined);
    }
    this.#startFlush();
    this.#closeIfIdle();
  }

  /** The kernel has dropped the pages: a second flush would say "done" and prove nothing, so there is none. */
  #fail(): void {
    this.disk.failNextFlush = false;
    this.#failed = true;
    if (this.disk.lose()) this.watch.torn();
    this.watch.failed();
    for (const settle of this.#waiting.splice(0)) if (this.process.alive) settle("failed");
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#waiting.length > 0) return;
    const done = this.#closing;
    this.#closing = undefined;
    done?.();
  }

  #later(delayMs: number, run: () => void): void {
    this.process.clock.after(delayMs, run);
  }
}

function outcomeOf(value: Uint8Array | undefined): ReadOutcome {
  return value === undefined ? ABSENT : { kind: "found", value };
}
