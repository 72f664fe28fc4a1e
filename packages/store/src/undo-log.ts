/**
 * What a group changed in the index and what was there before, so that it can be as if it had never been. Words in one array, since nearly every group
 * succeeds and this is written for every record.
 */
import type { Fact, KeyIndex, Name } from "./index/key-index.js";
import { ENTRY_WORDS } from "./index/partition-table.js";
import type { PartitionTable } from "./index/partition-table.js";

/** Code, partition, the three words of a name, the entry that was there. */
const WORDS = 5 + ENTRY_WORDS;
const INITIAL_STEPS = 256;
/** One that grew beyond this for one large group is not kept for the next. */
const KEPT_STEPS_MAX = 16_384;

const codes = { wasAbsent: 0, wasThere: 1, other: 2 } as const;

/** Rare enough to be objects. */
type Other =
  | { readonly kind: "table"; readonly partition: number; readonly before: PartitionTable }
  | { readonly kind: "fact"; readonly name: string; readonly before: Fact | undefined };

export class UndoLog {
  #words = new Uint32Array(INITIAL_STEPS * WORDS);
  #steps = 0;
  readonly #others: Other[] = [];

  /** `entry`, at `from`, is put into the index. */
  put(index: KeyIndex, partition: number, entry: Uint32Array, from: number): void {
    const at = this.#next();
    const words = this.#words;
    words[at + 1] = partition;
    words[at + 2] = entry[from] as number;
    words[at + 3] = entry[from + 1] as number;
    words[at + 4] = entry[from + 4] as number;
    words[at] = index.put(partition, entry, from, words, at + 5) ? codes.wasThere : codes.wasAbsent;
  }

  remove(index: KeyIndex, partition: number, name: Name): void {
    const at = this.#next();
    const words = this.#words;
    words[at + 1] = partition;
    words[at + 2] = name.high;
    words[at + 3] = name.low;
    words[at + 4] = name.fingerprint;
    words[at] = index.remove(partition, name, words, at + 5) ? codes.wasThere : codes.wasAbsent;
  }

  drop(index: KeyIndex, partition: number): void {
    const before = index.drop(partition);
    if (before !== undefined) this.#addOther({ kind: "table", partition, before });
  }

  setFact(index: KeyIndex, name: string, fact: Fact | undefined): void {
    this.#addOther({ kind: "fact", name, before: index.setFact(name, fact) });
  }

  /** Undone from the last to the first. */
  revert(index: KeyIndex): void {
    const words = this.#words;
    let other = this.#others.length;
    for (let step = this.#steps - 1; step >= 0; step--) {
      const at = step * WORDS;
      const partition = words[at + 1] as number;
      if (words[at] === codes.other) this.#revertOther(index, this.#others[--other] as Other);
      else if (words[at] === codes.wasThere) index.put(partition, words, at + 5);
      else index.remove(partition, nameIn(words, at));
    }
  }

  /** Whether it changed this key. */
  touches(partition: number, { high, low, fingerprint }: Name): boolean {
    if (this.#others.some((other) => other.kind === "table" && other.partition === partition)) return true;
    for (const at of this.#entriesOf(partition)) {
      const name = nameIn(this.#words, at);
      if (name.high === high && name.low === low && name.fingerprint === fingerprint) return true;
    }
    return false;
  }

  touchesFact(name: string): boolean {
    return this.#others.some((other) => other.kind === "fact" && other.name === name);
  }

  /** The keys of a partition that it changed one by one. */
  *namesOf(partition: number): Iterable<Name> {
    for (const at of this.#entriesOf(partition)) yield nameIn(this.#words, at);
  }

  reset(): void {
    this.#steps = 0;
    this.#others.length = 0;
    if (this.#words.length > KEPT_STEPS_MAX * WORDS) this.#words = new Uint32Array(INITIAL_STEPS * WORDS);
  }

  *#entriesOf(partition: number): Iterable<number> {
    for (let at = 0; at < this.#steps * WORDS; at += WORDS) {
      if (this.#words[at] !== codes.other && this.#words[at + 1] === partition) yield at;
    }
  }

  #addOther(other: Other): void {
    const at = this.#next();
    this.#words[at] = codes.other;
    this.#others.push(other);
  }

  #revertOther(index: KeyIndex, other: Other): void {
    if (other.kind === "fact") index.setFact(other.name, other.before);
    else index.undrop(other.partition, other.before);
  }

  #next(): number {
    const at = this.#steps++ * WORDS;
    if (at + WORDS > this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    return at;
  }
}

function nameIn(words: Uint32Array, at: number): Name {
  return { high: words[at + 2] as number, low: words[at + 3] as number, fingerprint: words[at + 4] as number };
}
