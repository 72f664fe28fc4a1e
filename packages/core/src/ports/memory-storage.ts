/** The storage port in memory: for tests, the simulator and the null Dynamo. Visible at once; "durable" when the given `defer` says so. */
import { assert } from "../base/assert.js";
import { Image, ownedBatch } from "./image.js";
import {
  NO_LOSSES,
  type Batch,
  type IndexEntry,
  type Losses,
  type ReadOutcome,
  type RecordKey,
  type Scanned,
  type Storage,
  type StorageError,
  type StoredRecord,
} from "./storage.js";

/**
 * Calls `run` later, never before it returns: `setImmediate`, or a timer of the simulator. A run stands for one flush and settles what
 * was applied before it was asked for; when runs overtake each other, the callbacks still come in the order of `apply`.
 */
export type Defer = (run: () => void) => void;

type Settle = (error: StorageError | undefined) => void;

const ABSENT: ReadOutcome = { kind: "absent" };

export class MemoryStorage implements Storage {
  readonly #defer: Defer;
  readonly #image: Image;
  /** Callbacks of the batches that are not durable yet, oldest first; the first one is number `#settled`. */
  readonly #waiting: Settle[] = [];
  #settled = 0;
  #open = true;
  /** Who waits for the last flush before the close. */
  #closing: (() => void) | undefined;

  /** `image` outlives it, as a data folder outlives a process: give it to the next one to open the same data. */
  constructor(defer: Defer, image = new Image()) {
    this.#defer = defer;
    this.#image = image;
  }

  get(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    done(outcomeOf(this.#image.get(key)));
  }

  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void {
    for (const record of this.#image.range(partition, fromHash, toHash)) if (!visit(record)) break;
    done({ damaged: 0 });
  }

  scanIndex(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (entry: IndexEntry) => boolean,
    done: (result: Scanned) => void,
  ): void {
    for (const record of this.#image.range(partition, fromHash, toHash)) if (!visit(record)) break;
    done({ damaged: 0 });
  }

  apply(batch: Batch, done: Settle): void {
    if (!this.#open) return done("failed");
    this.#image.apply(ownedBatch(batch));
    this.#waiting.push(done);
    const upTo = this.#settled + this.#waiting.length;
    this.#defer(() => this.#settle(upTo));
  }

  getMeta(name: string, done: (outcome: ReadOutcome) => void): void {
    done(outcomeOf(this.#image.meta.get(name)));
  }

  scanMeta(prefix: string, visit: (name: string, value: Uint8Array) => void, done: () => void): void {
    const { meta } = this.#image;
    for (const name of this.#image.metaNames(prefix)) visit(name, meta.get(name) as Uint8Array);
    done();
  }

  losses(done: (losses: Losses) => void): void {
    done(NO_LOSSES);
  }

  close(done: () => void): void {
    assert(this.#open, "a storage is closed once");
    this.#open = false;
    this.#closing = done;
    this.#closeIfIdle();
  }

  #settle(upTo: number): void {
    while (this.#settled < upTo) {
      const done = this.#waiting.shift() as Settle;
      this.#settled++;
      done(undefined);
    }
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#waiting.length > 0) return;
    const done = this.#closing;
    this.#closing = undefined;
    done?.();
  }
}

function outcomeOf(value: Uint8Array | undefined): ReadOutcome {
  return value === undefined ? ABSENT : { kind: "found", value };
}
