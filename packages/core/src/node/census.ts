/** Counts what the store holds, partition by partition, while requests are served; and so reads every record once after a start (DESIGN §8). */
import type { Clock } from "../ports/clock.js";
import { HASH_MAX, type Storage } from "../ports/storage.js";
import type { CountedKey, Holdings } from "./holdings.js";
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
    const { storage, replica, states, holdings, onUnreadable } = this.#options;
    const found: CountedKey[] = [];
    holdings.begin(partition);
    storage.scan(
      partition,
      0n,
      HASH_MAX,
      (record) => {
        const local = replica.read(record);
        if (local !== undefined) found.push({ id: record.key, outline: states.outline(local.body) });
        return true;
      },
      ({ damaged }) => {
        holdings.count(partition, found);
        if (damaged > 0) onUnreadable(partition);
        done(found.length);
      },
    );
  }
}
