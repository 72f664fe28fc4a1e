/**
 * Holds what the store's index says of records against the records themselves, slice by slice as the scrub reads them: hash trees are built from the
 * index, so this is the check of the trees against the data (DESIGN §7, TRAPS 24). What differs must differ still at a second look.
 */
import type { KeyDigest } from "../merkle/descent.js";
import type { Clock } from "../ports/clock.js";
import type { Storage } from "../ports/storage.js";
import type { Log } from "./context.js";
import { treeDigest, type Replica } from "./replica.js";

/** Writes that were under way at the first look are over at the second. */
const SECOND_LOOK_MS = 1_000;

export interface IndexCheckOptions {
  readonly clock: Clock;
  readonly storage: Storage;
  readonly replica: Replica;
  readonly log: Log;
  /** The partition's tree may count what is not there. */
  readonly onMismatch: (partition: number) => void;
}

export class IndexCheck {
  readonly #options: IndexCheckOptions;
  #stopped = false;
  /** Records of which the index said something else than they are. */
  mismatches = 0;

  constructor(options: IndexCheckOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Records that were just read, in a range of hashes that they fill; damaged ones are not among them. */
  look(partition: number, fromHash: bigint, toHash: bigint, read: readonly KeyDigest[]): void {
    const indexed = new Map<bigint, bigint>();
    const take = ({ hash, digest }: KeyDigest): boolean => {
      indexed.set(hash, digest);
      return true;
    };
    this.#options.storage.scanIndex(partition, fromHash, toHash, take, () => {
      const differing = read.filter(({ hash, digest }) => indexed.get(hash) !== digest).map(({ hash }) => hash);
      if (differing.length > 0) this.#options.clock.after(SECOND_LOOK_MS, () => this.#again(partition, differing));
    });
  }

  #again(partition: number, hashes: readonly bigint[]): void {
    if (this.#stopped) return;
    for (const hash of hashes) {
      let read: bigint | undefined;
      const { replica } = this.#options;
      replica.scan(
        partition,
        hash,
        hash,
        (record) => {
          const local = replica.read(record);
          read = local && treeDigest(local);
          return true;
        },
        () => this.#compare(partition, hash, read),
      );
    }
  }

  #compare(partition: number, hash: bigint, read: bigint | undefined): void {
    const { storage, log, onMismatch } = this.#options;
    let indexed: bigint | undefined;
    const take = ({ digest }: KeyDigest): boolean => {
      indexed = digest;
      return true;
    };
    storage.scanIndex(partition, hash, hash, take, () => {
      // Gone, or damaged: others see to that.
      if (read === undefined || indexed === read) return;
      this.mismatches++;
      log("error", "the index says something else than the record", { partition });
      onMismatch(partition);
    });
  }
}
