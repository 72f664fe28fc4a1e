/** Finds the dead records of a partition, a piece at a time: the index names those that can be dead, and only they are read. */
import { limits } from "../base/limits.js";
import { stampMs } from "../base/hlc.js";
import { HASH_MAX, MARK_MAX, type IndexEntry, type StoredRecord } from "../ports/storage.js";
import type { DeadRecord } from "../replication/reaping.js";
import { newestStamp } from "../versions/key-state.js";
import { reapableFromMs } from "../versions/reapable.js";
import type { NodeContext } from "./context.js";

export interface FoundDead {
  /** Those that may go, as far as their own states say. */
  readonly due: readonly DeadRecord[];
  /** The oldest of those that may not yet, with the time from which on it may: milliseconds since the epoch. */
  readonly notYet: { readonly record: DeadRecord; readonly dueMs: number } | undefined;
  /** There is more of the partition behind them. */
  readonly more: boolean;
}

/** A place in the index with what was found before it. */
interface Search {
  readonly hashes: readonly bigint[];
  readonly due: DeadRecord[];
  notYet: FoundDead["notYet"];
}

/** What reading one costs, for the budget: most are tombstones. */
const RECORD_BYTES = 256;
/** Stores may answer before the call returns: after so many records the stack is left, and others get their turn. */
const READS_AT_ONCE = 64;

export class DeadFinder {
  /** Where the next look at a partition begins, when the one before did not come to its end. */
  readonly #from = new Map<number, bigint>();

  constructor(readonly node: NodeContext) {}

  find(partition: number, done: (found: FoundDead) => void): void {
    const hashes: bigint[] = [];
    const look = ({ hash, mark }: IndexEntry): boolean => {
      // 0: nothing lives. The largest: values that expire, or very many.
      if ((mark === 0 || mark === MARK_MAX) && hashes.at(-1) !== hash) hashes.push(hash);
      return hashes.length < limits.reapBatchMax;
    };
    this.node.storage.scanIndex(partition, this.#from.get(partition) ?? 0n, HASH_MAX, look, () => {
      const last = hashes.at(-1);
      const more = hashes.length >= limits.reapBatchMax && last !== undefined && last < HASH_MAX;
      if (more) this.#from.set(partition, last + 1n);
      else this.#from.delete(partition);
      const search: Search = { hashes, due: [], notYet: undefined };
      this.node.budget.spend("reaping", hashes.length * RECORD_BYTES, () =>
        this.#read(partition, search, 0, () => done({ due: search.due, notYet: search.notYet, more })),
      );
    });
  }

  #read(partition: number, search: Search, at: number, done: () => void): void {
    const hash = search.hashes[at];
    if (hash === undefined) return done();
    const take = (stored: StoredRecord): boolean => {
      this.#take(stored, search);
      return true;
    };
    this.node.replica.scan(partition, hash, hash, take, () => {
      const next = (): void => this.#read(partition, search, at + 1, done);
      if (at % READS_AT_ONCE === READS_AT_ONCE - 1) this.node.clock.after(0, next);
      else next();
    });
  }

  #take(stored: StoredRecord, search: Search): void {
    const { replica, states, clock } = this.node;
    const record = replica.read(stored);
    if (record === undefined || record.inDoubt) return;
    const state = states.decode(record.body);
    const dueMs = reapableFromMs(state);
    if (dueMs === Infinity) return;
    const sinceMs = stampMs(newestStamp(state));
    const dead = { id: stored.key.slice(), hash: stored.hash, digest: record.digest, sinceMs };
    const nowMs = clock.wallMs();
    if (dueMs <= nowMs) search.due.push(dead);
    else if (states.liveCount(record.body, nowMs) === 0 && sinceMs < (search.notYet?.record.sinceMs ?? Infinity)) {
      search.notYet = { record: dead, dueMs };
    }
  }
}
