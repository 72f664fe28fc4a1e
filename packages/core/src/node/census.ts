/**
 * Counts what the store holds, partition by partition, while requests are served. The index tells how many siblings of which bucket each key
 * has; only what it can't tell is read: the keys in conflict, whose names and times are asked for, those with a value that expires, and those of a
 * bucket without a number.
 */
import { namesOf } from "../base/key-id.js";
import type { Clock } from "../ports/clock.js";
import { HASH_MAX, type IndexEntry, type Storage, type StoredRecord } from "../ports/storage.js";
import { DEAD, STAYING } from "../replication/lives.js";
import type { BucketTags } from "./bucket-tags.js";
import { countedKey, type CountedKey, type Holdings } from "./holdings.js";
import type { Replica } from "./replica.js";
import type { States } from "./states.js";

/** A count that came to be wrong is made anew after this while: more may be wrong by then. */
const RECOUNT_DELAY_MS = 1_000;
/** Empty partitions cost next to nothing; after so many others get their turn all the same. */
const EMPTY_AT_ONCE = 64;

export interface CensusOptions {
  readonly clock: Clock;
  readonly storage: Storage;
  readonly replica: Replica;
  readonly states: States;
  readonly holdings: Holdings;
  readonly tags: BucketTags;
  /** Records of the partition can't be read, and nobody knows which keys they are of. */
  readonly onUnreadable: (partition: number) => void;
}

export class Census {
  readonly #due = new Set<number>();
  readonly #options: CensusOptions;
  #running = false;
  #stopped = false;

  constructor(options: CensusOptions) {
    this.#options = options;
  }

  start(partitions: number): void {
    for (let partition = 0; partition < partitions; partition++) this.#due.add(partition);
    this.#run(0);
  }

  recount(partition: number): void {
    if (this.#due.size === 0 && !this.#running) this.#options.clock.after(RECOUNT_DELAY_MS, () => this.#run(0));
    this.#due.add(partition);
  }

  stop(): void {
    this.#stopped = true;
  }

  #run(empty: number): void {
    const [partition] = this.#due;
    this.#running = partition !== undefined && !this.#stopped;
    if (partition === undefined || this.#stopped) return;
    this.#due.delete(partition);
    this.#count(partition, (found) => {
      if (found === 0 && empty < EMPTY_AT_ONCE) this.#run(empty + 1);
      else this.#options.clock.after(0, () => this.#run(0));
    });
  }

  #count(partition: number, done: (found: number) => void): void {
    const { storage, replica, holdings, tags, onUnreadable } = this.#options;
    const found: CountedKey[] = [];
    const unread = new Set<bigint>();
    const look = ({ hash, mark, tag }: IndexEntry): boolean => {
      const bucket = tags.bucketOf(tag);
      if (mark > 1 || bucket === undefined) unread.add(hash);
      else found.push({ hash, bucket, end: mark === 1 ? STAYING : DEAD });
      return true;
    };
    holdings.begin(partition);
    storage.scanIndex(partition, 0n, HASH_MAX, look, ({ damaged, hashes = [] }) => {
      for (const hash of hashes) replica.damagedAt(partition, hash);
      if (damaged > hashes.length) onUnreadable(partition);
      // Of two keys with one hash the index may have told of one already: both are read.
      const counted = found.filter(({ hash }) => !unread.has(hash));
      this.#read(partition, [...unread], counted, () => {
        holdings.count(partition, counted);
        done(counted.length);
      });
    });
  }

  /** Reads the records at each of these hashes, one hash after the other. */
  #read(partition: number, hashes: readonly bigint[], found: CountedKey[], done: () => void, from = 0): void {
    const { replica, clock } = this.#options;
    const hash = hashes[from];
    if (hash === undefined || this.#stopped) return done();
    const take = (record: StoredRecord): boolean => {
      const counted = this.#countedKey(record);
      if (counted !== undefined) found.push(counted);
      return true;
    };
    replica.scan(partition, hash, hash, take, () => {
      const next = (): void => this.#read(partition, hashes, found, done, from + 1);
      // Stores may answer before the call returns: the stack is left, and others get their turn.
      if (from % EMPTY_AT_ONCE === EMPTY_AT_ONCE - 1) clock.after(0, next);
      else next();
    });
  }

  #countedKey(record: StoredRecord): CountedKey | undefined {
    const { replica, states, holdings } = this.#options;
    const local = replica.read(record);
    if (local === undefined) return undefined;
    const { hash, key } = record;
    return countedKey(hash, namesOf(holdings.primitives, key).bucket, key, states.outline(local.body));
  }
}
