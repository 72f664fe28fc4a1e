/**
 * Reads every record once in a long while, slowly, so that damage is found while there are peers to heal it from and not when the last good copy
 * is asked for (DESIGN §7, §8). The first round begins with the node.
 */
import { compareBytes } from "../base/bytes.js";
import { limits } from "../base/limits.js";
import type { KeyDigest } from "../merkle/descent.js";
import type { Clock } from "../ports/clock.js";
import { HASH_MAX, type StoredRecord } from "../ports/storage.js";
import { treeDigest, type Replica } from "./replica.js";

export interface ScrubOptions {
  readonly clock: Clock;
  readonly replica: Replica;
  readonly partitions: number;
  /** A slice was read: its records, in a range of hashes that they fill. */
  readonly onSlice: (partition: number, fromHash: bigint, toHash: bigint, read: readonly KeyDigest[]) => void;
  /** Records of the partition can't be read, and nobody knows which keys they are of. */
  readonly onUnreadable: (partition: number) => void;
}

/** Where the next slice begins: behind `afterKey` at `fromHash`. */
interface Place {
  readonly partition: number;
  readonly fromHash: bigint;
  readonly afterKey: Uint8Array | undefined;
}

/** Partitions with nothing in them cost no pause; after so many others get their turn all the same. */
const EMPTY_AT_ONCE = 64;

export class Scrub {
  readonly #options: ScrubOptions;
  #cancel: (() => void) | undefined;
  #stopped = false;
  /** Rounds over everything that came to their end, and records read in all. */
  rounds = 0;
  records = 0;

  constructor(options: ScrubOptions) {
    this.#options = options;
  }

  start(): void {
    this.#slice(startOf(0), 0);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #slice(place: Place, empty: number): void {
    if (this.#stopped) return;
    const { replica, partitions, onSlice, onUnreadable } = this.#options;
    const { partition, fromHash, afterKey } = place;
    if (partition >= partitions) return this.#endRound();
    const read: KeyDigest[] = [];
    let records = 0;
    let bytes = 0;
    let next: Place | undefined;
    const take = (record: StoredRecord): boolean => {
      if (afterKey !== undefined && record.hash === fromHash && compareBytes(record.key, afterKey) <= 0) return true;
      const local = replica.read(record);
      if (local !== undefined) read.push({ hash: record.hash, digest: treeDigest(local) });
      records++;
      bytes += record.value.length;
      if (records < limits.scrubRecordsAtOnce && bytes < limits.scrubBytesAtOnce) return true;
      next = { partition, fromHash: record.hash, afterKey: record.key.slice() };
      return false;
    };
    replica.scan(partition, fromHash, HASH_MAX, take, ({ damaged, hashes = [] }) => {
      if (damaged > hashes.length) onUnreadable(partition);
      this.records += records;
      if (read.length > 0) onSlice(partition, fromHash, next?.fromHash ?? HASH_MAX, read);
      const then = next ?? startOf(partition + 1);
      if (records === 0 && empty < EMPTY_AT_ONCE) this.#slice(then, empty + 1);
      else this.#later(records === 0 ? 0 : limits.scrubPauseMs, () => this.#slice(then, 0));
    });
  }

  #endRound(): void {
    this.rounds++;
    this.#later(limits.scrubIntervalMs, () => this.#slice(startOf(0), 0));
  }

  #later(delayMs: number, run: () => void): void {
    if (!this.#stopped) this.#cancel = this.#options.clock.after(delayMs, run);
  }
}

function startOf(partition: number): Place {
  return { partition, fromHash: 0n, afterKey: undefined };
}
