/** The storage port on LMDB: one B+tree, and a group commit of our own that answers only after the flush (the local persistence component of Dynamo §5). */
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  assert,
  type Batch,
  HASH_MAX,
  type IndexEntry,
  type Losses,
  NO_LOSSES,
  type ReadOutcome,
  type RecordKey,
  type Scanned,
  type Storage,
  type StorageError,
  type StoredRecord,
} from "@kvorum/core";
import { open, type RootDatabase } from "lmdb";
import { Group, type KeyedWrite, PAGE_BYTES, writesBetween } from "./group.js";
import { syncFolder } from "../data-folder/sync-folder.js";
import { causeOf, lacksSpace } from "./disk-errors.js";
import {
  after,
  metaKey,
  parseEntry,
  parseMetaKey,
  parseRecordKey,
  parseRecordValue,
  recordBound,
  recordKey,
  recordValue,
} from "./lmdb-keys.js";

export interface LmdbOptions {
  /** A folder for LMDB's two files; created where it is missing. */
  readonly path: string;
}

type Settle = (error: StorageError | undefined) => void;

const ABSENT: ReadOutcome = { kind: "absent" };
const DAMAGED: ReadOutcome = { kind: "damaged" };

/** Opens the store in a folder. Rejects with LMDB's own error when the files cannot be opened or are not LMDB's. */
export async function openLmdb(options: LmdbOptions): Promise<Storage> {
  const path = resolve(options.path);
  await mkdir(path, { recursive: true });
  const db = open<Uint8Array, Buffer>({
    path,
    // Else a dot in the folder's name would make it a file.
    noSubdir: false,
    encoding: "binary",
    keyEncoding: "binary",
    // LMDB's plain protocol: flush the pages, then write the root that names them through, then answer.
    overlappingSync: false,
    // We group ourselves.
    eventTurnBatching: false,
    pageSize: PAGE_BYTES,
  });
  // LMDB flushes what is in its files, not the names of the files.
  await syncFolder(path);
  await syncFolder(dirname(path));
  return new LmdbStorage(db, path);
}

/**
 * Everything applied while one transaction is being flushed goes into the next. Until then it lies in memory, where `get` and `scan` look
 * first. Reading and scanning are synchronous: the callbacks come before the call returns, and no snapshot outlives it.
 */
class LmdbStorage implements Storage {
  readonly #db: RootDatabase<Uint8Array, Buffer>;
  readonly #path: string;
  #pending = new Group();
  #flushing: Group | undefined;
  #scheduled = false;
  /** What a failed flush left in doubt; nothing is taken once it is set. */
  #doubtful: readonly Group[] | undefined;
  #closing: (() => void) | undefined;

  constructor(db: RootDatabase<Uint8Array, Buffer>, path: string) {
    this.#db = db;
    this.#path = path;
  }

  get(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    const stored = this.#read(recordKey(key));
    const value = stored.kind === "found" ? parseRecordValue(stored.value) : undefined;
    if (stored.kind !== "found") done(stored);
    else done(value === undefined ? DAMAGED : { kind: "found", value });
  }

  getMeta(name: string, done: (outcome: ReadOutcome) => void): void {
    done(this.#read(metaKey(name)));
  }

  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void {
    this.#scanRange(partition, fromHash, toHash, done, (key, stored) => {
      const value = parseRecordValue(stored);
      return value === undefined ? "damaged" : visit({ ...parseRecordKey(key), value });
    });
  }

  /** The marks stand before the value, which is not looked at; LMDB's pages of it may still be read. */
  scanIndex(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (entry: IndexEntry) => boolean,
    done: (result: Scanned) => void,
  ): void {
    this.#scanRange(partition, fromHash, toHash, done, (key, stored) => {
      const entry = parseEntry(key, stored);
      return entry === undefined ? "damaged" : visit(entry);
    });
  }

  scanMeta(prefix: string, visit: (name: string, value: Uint8Array) => void, done: () => void): void {
    const from = metaKey(prefix);
    this.#walk(from, after(from), (key, value) => {
      visit(parseMetaKey(key), value);
      return true;
    });
    done();
  }

  apply(batch: Batch, done: Settle): void {
    if (this.#doubtful !== undefined || this.#closing !== undefined) return done("failed");
    for (const partition of batch.drops ?? []) this.#drop(partition);
    for (const record of batch.records ?? []) this.#pending.put(recordKey(record), recordValue(record));
    for (const fact of batch.meta ?? []) this.#pending.put(metaKey(fact.name), fact.value);
    this.#pending.onSettled(done);
    if (this.#flushing !== undefined || this.#scheduled) return;
    // Not at once: what else came in this turn of the loop goes along.
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  losses(done: (losses: Losses) => void): void {
    done(NO_LOSSES);
  }

  close(done: () => void): void {
    assert(this.#closing === undefined, "a storage is closed once");
    this.#closing = done;
    this.#closeIfIdle();
  }

  #scanRange(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    done: (result: Scanned) => void,
    visit: (key: Buffer, stored: Uint8Array) => boolean | "damaged",
  ): void {
    const end = toHash === HASH_MAX ? after(recordBound(partition, HASH_MAX)) : recordBound(partition, toHash + 1n);
    const hashes: bigint[] = [];
    const unreadable = this.#walk(recordBound(partition, fromHash), end, (key, stored) => {
      const verdict = visit(key, stored);
      if (verdict === "damaged") hashes.push(parseRecordKey(key).hash);
      return verdict !== false;
    });
    done({ damaged: unreadable + hashes.length, hashes });
  }

  /** Every key that is or will be there is removed by name: LMDB has no cheaper way to cut out a range. */
  #drop(partition: number): void {
    const keys: Buffer[] = [];
    this.#walk(recordBound(partition, 0n), after(recordBound(partition, HASH_MAX)), (key) => keys.push(key) > 0);
    for (const key of keys) this.#pending.put(key, undefined);
  }

  #read(key: Buffer): ReadOutcome {
    const written = this.#pending.get(key) ?? this.#flushing?.get(key);
    if (written !== undefined) return written.value === undefined ? ABSENT : { kind: "found", value: written.value };
    if (this.#doubtful?.some((group) => group.get(key) !== undefined)) return DAMAGED;
    try {
      const value = this.#db.getBinary(key);
      return value === undefined ? ABSENT : { kind: "found", value };
    } catch {
      return DAMAGED;
    }
  }

  /** Visits what is on disk and what is on its way there as one ordered sequence. Returns how many keys could not be told. */
  #walk(from: Buffer, end: Buffer, visit: (key: Buffer, value: Uint8Array) => boolean): number {
    const overlay = writesBetween(this.#doubtful ?? [this.#flushing, this.#pending], from, end);
    let damaged = 0;
    let next = 0;
    const visitWrite = (write: KeyedWrite): boolean => {
      if (this.#doubtful === undefined) return write.value === undefined || visit(write.key, write.value);
      damaged++;
      return true;
    };
    for (const stored of this.#stored(from, end)) {
      if (stored === "unreadable") {
        damaged++;
        break;
      }
      for (; next < overlay.length && order(overlay, next, stored.key) < 0; next++) {
        if (!visitWrite(overlay[next] as KeyedWrite)) return damaged;
      }
      // A write on its way hides what it replaces; the loop comes to it with the next key.
      const replaced = next < overlay.length && order(overlay, next, stored.key) === 0;
      if (!replaced && !visit(stored.key, stored.value)) return damaged;
    }
    for (; next < overlay.length; next++) if (!visitWrite(overlay[next] as KeyedWrite)) break;
    return damaged;
  }

  /** What LMDB holds of a range. A tree that cannot be read further ends with "unreadable"; errors of the visitor pass by. */
  *#stored(from: Buffer, end: Buffer): Generator<{ key: Buffer; value: Uint8Array } | "unreadable"> {
    try {
      yield* this.#db.getRange({ start: from, end });
    } catch {
      yield "unreadable";
    }
  }

  #flush(): void {
    const group = this.#pending;
    this.#pending = new Group();
    this.#flushing = group;
    const committed = this.#db.batch(() => {
      // The promise of each write is the batch's.
      for (const { key, value } of group.sortedWrites()) {
        if (value === undefined) void this.#db.remove(key);
        else void this.#db.put(key, value);
      }
    });
    void committed.then(
      () => this.#committed(group),
      (error: unknown) => this.#failed(group, error),
    );
  }

  #committed(group: Group): void {
    this.#flushing = undefined;
    group.settle(undefined);
    if (!this.#pending.empty && !this.#scheduled) this.#flush();
    this.#closeIfIdle();
  }

  /**
   * Batches applied since may have been computed from what they saw of the failed one, so they share its fate. The state is made good
   * before anyone is told: a callback may read and apply.
   */
  async #failed(group: Group, error: unknown): Promise<void> {
    const cause = await causeOf(error);
    const unchanged = this.#rootUnchanged();
    const outcome = unchanged && (await lacksSpace(cause, this.#path, group.pageBytes)) ? "full" : "failed";
    const pending = this.#pending;
    this.#pending = new Group();
    this.#flushing = undefined;
    if (outcome === "failed") this.#doubtful = [group, pending];
    group.settle(outcome);
    pending.settle(outcome);
    if (!this.#pending.empty && !this.#scheduled) this.#flush();
    this.#closeIfIdle();
  }

  /**
   * LMDB writes pages that no root names yet, flushes them, then writes the root. While that last step was not reached, nothing happened.
   * Where it was and failed, nobody knows which root is on disk, and LMDB refuses every later transaction.
   */
  #rootUnchanged(): boolean {
    try {
      this.#db.transactionSync(() => undefined);
      return true;
    } catch {
      return false;
    }
  }

  #closeIfIdle(): void {
    const done = this.#closing;
    if (done === undefined || this.#flushing !== undefined || !this.#pending.empty) return;
    void this.#db.close().then(done);
  }
}

function order(overlay: readonly KeyedWrite[], index: number, key: Buffer): number {
  return (overlay[index] as KeyedWrite).key.compare(key);
}
