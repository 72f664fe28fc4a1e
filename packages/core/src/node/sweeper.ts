/**
 * Removes what this node holds of partitions that are no longer its own, a few keys at a time (DESIGN §3, after phase 3). With a copy goes the key's
 * local lifetime: should this node own the key again, it mints fresh actors (TRAPS 1).
 */
import { compareBytes } from "../base/bytes.js";
import type { KeyId } from "../base/key-id.js";
import { HASH_MAX, type StoredRecord } from "../ports/storage.js";
import type { NodeContext } from "./context.js";

const KEYS_AT_ONCE = 64;
/** Partitions without anything cost next to nothing; after so many others get their turn all the same. */
const EMPTY_AT_ONCE = 64;

export class Sweeper {
  readonly #due = new Set<number>();
  #running = false;
  #stopped = false;
  #cancel: (() => void) | undefined;

  constructor(
    readonly node: NodeContext,
    /** A copy that is not an owner's, and has a reason to be here: it waits for an owner (a hint). */
    readonly isKept: (key: KeyId) => boolean,
  ) {}

  /** Partitions that may hold copies that nobody needs. */
  get pending(): number {
    return this.#due.size + Number(this.#running);
  }

  placementsChanged(partitions: Iterable<number>): void {
    for (const partition of partitions) {
      if (this.#isForeign(partition)) this.#due.add(partition);
      else this.#due.delete(partition);
    }
    if (!this.#running) this.#next(0);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Nobody owns a partition whose record is not known yet, and then nothing may go. */
  #isForeign(partition: number): boolean {
    return !this.node.ownsPartition(partition) && this.node.placement(partition).epoch > 0;
  }

  #next(empty: number): void {
    const [partition] = this.#due;
    this.#running = partition !== undefined && !this.#stopped;
    if (partition === undefined || this.#stopped) return;
    this.#due.delete(partition);
    this.#sweep(partition, 0n, new Uint8Array(), (removed) => {
      if (removed === 0 && empty < EMPTY_AT_ONCE) this.#next(empty + 1);
      else this.node.clock.after(0, () => this.#next(0));
    });
  }

  #sweep(partition: number, fromHash: bigint, afterId: Uint8Array, done: (removed: number) => void, earlier = 0): void {
    if (this.#stopped || !this.#isForeign(partition)) return done(earlier);
    const found: StoredRecord[] = [];
    let bytes = 0;
    const take = (record: StoredRecord): boolean => {
      if (record.hash === fromHash && afterId.length > 0 && compareBytes(record.key, afterId) <= 0) return true;
      found.push({ ...record, key: record.key.slice() });
      bytes += record.value.length;
      return found.length < KEYS_AT_ONCE;
    };
    this.node.replica.scan(partition, fromHash, HASH_MAX, take, () => {
      const last = found.at(-1);
      if (last === undefined) return done(earlier);
      this.#cancel = this.node.budget.spend("transfers", bytes, () =>
        this.#remove(found, () => this.#sweep(partition, last.hash, last.key, done, earlier + found.length)),
      );
    });
  }

  #remove(records: readonly StoredRecord[], done: () => void): void {
    let waiting = 1;
    const one = (): void => {
      if (--waiting === 0) done();
    };
    for (const { partition, hash, key: id } of records) {
      const key = { partition, hash, id };
      if (this.isKept(key)) continue;
      waiting++;
      // Looked at again at the moment of the change: the partition may have come back meanwhile.
      const decide = (): { readonly remove: true } | undefined => {
        if (this.#isForeign(partition) && !this.isKept(key)) return { remove: true };
        one();
        return undefined;
      };
      this.node.replica.modify(key, decide, one);
    }
    one();
  }
}
