/**
 * Builds the hash trees of the partitions that this node owns from the store's index, one after the other while requests are served, and builds anew
 * those that are in question or too small. Values are not read for it (DESIGN §7: "surviving a restart without a full scan").
 */
import type { Forest } from "../merkle/forest.js";
import type { Clock } from "../ports/clock.js";
import { HASH_MAX, type Storage } from "../ports/storage.js";
import type { Log } from "./context.js";
import type { TreesToKeep } from "./replica.js";

/** A tree that came to be wrong is built anew after this while: more may be wrong by then. */
const REBUILD_DELAY_MS = 100;
/** What is built at once before others get their turn. */
const KEYS_AT_ONCE = 5_000;
const TREES_AT_ONCE = 64;

export interface TreeKeeperOptions {
  readonly clock: Clock;
  readonly storage: Storage;
  readonly forest: Forest;
  readonly log: Log;
  readonly isOwned: (partition: number) => boolean;
}

export class TreeKeeper implements TreesToKeep {
  readonly #due = new Set<number>();
  readonly #options: TreeKeeperOptions;
  #running = false;
  #building: number | undefined;
  #stopped = false;
  /** Trees that were found to be another than what the index gives. */
  parted = 0;

  constructor(options: TreeKeeperOptions) {
    this.#options = options;
  }

  /** Some owned partition has no tree yet, or one in question: an exchange that began now would leave it out. */
  get lacksTrees(): boolean {
    const { forest } = this.#options;
    if (this.#building !== undefined && !forest.has(this.#building)) return true;
    for (const partition of this.#due) if (!forest.has(partition)) return true;
    return false;
  }

  /** The owned partitions and no others have a tree from now on. */
  ringChanged(partitions: number): void {
    const { forest, isOwned } = this.#options;
    for (let partition = 0; partition < partitions; partition++) {
      if (!isOwned(partition)) this.#drop(partition);
      else if (!forest.has(partition) && !forest.isBuilding(partition)) this.#due.add(partition);
    }
    this.#run(0);
  }

  changed(partition: number, hash: bigint, before: bigint, after: bigint): void {
    const { forest } = this.#options;
    forest.changed(partition, hash, before, after);
    // Grown by so much that a deeper tree is worth its building.
    if (forest.isCrowded(partition) && !forest.isBuilding(partition)) this.check(partition);
  }

  /** Somebody looks for the tree of a partition that is owned: it may have come to this node since the ring last changed. */
  want(partition: number): void {
    const { forest } = this.#options;
    if (!forest.has(partition) && !forest.isBuilding(partition)) this.check(partition);
  }

  /** The tree may say what the store does not hold: it counts for nothing until it is built again. */
  doubt(partition: number): void {
    this.#options.forest.forget(partition);
    if (!this.#options.isOwned(partition)) return;
    this.#due.add(partition);
    this.#run(REBUILD_DELAY_MS);
  }

  /** Builds the partition's tree beside the one that is there, and compares the two. */
  check(partition: number): void {
    if (this.#options.isOwned(partition)) this.#due.add(partition);
    this.#run(0);
  }

  stop(): void {
    this.#stopped = true;
  }

  #drop(partition: number): void {
    this.#due.delete(partition);
    this.#options.forest.forget(partition);
  }

  #run(delayMs: number): void {
    if (this.#running || this.#stopped || this.#due.size === 0) return;
    this.#running = true;
    this.#options.clock.after(delayMs, () => this.#next(0, 0));
  }

  #next(keys: number, trees: number): void {
    const [partition] = this.#due;
    this.#running = partition !== undefined && !this.#stopped;
    if (partition === undefined || this.#stopped) return;
    this.#due.delete(partition);
    this.#building = partition;
    this.#build(partition, (found) => {
      this.#building = undefined;
      const isEnough = keys + found >= KEYS_AT_ONCE || trees + 1 >= TREES_AT_ONCE;
      if (isEnough) this.#options.clock.after(0, () => this.#next(0, 0));
      else this.#next(keys + found, trees + 1);
    });
  }

  #build(partition: number, done: (found: number) => void): void {
    const { forest, storage } = this.#options;
    let found = 0;
    forest.begin(partition);
    storage.scanIndex(
      partition,
      0n,
      HASH_MAX,
      ({ hash, digest }) => {
        // Forgotten meanwhile: it is due again, or owned by others now.
        if (!forest.isBuilding(partition)) return false;
        forest.found(partition, hash, digest);
        found++;
        return true;
      },
      ({ damaged }) => {
        if (forest.isBuilding(partition)) this.#finish(partition, damaged);
        done(found);
      },
    );
  }

  /** `damaged`: records that the old tree may count, and that a store has found unreadable since. */
  #finish(partition: number, damaged: number): void {
    const { forest, log } = this.#options;
    if (forest.finish(partition) || damaged > 0) return;
    this.parted++;
    log("error", "a hash tree was not what the store holds; built anew", { partition });
  }
}
