/** What an index file says of a segment's records, in the order in which they lie there: words in typed arrays, and the facts whole. */
import { word } from "../index/partition-table.js";

/** The eight words of an index entry, then `partition << 16 | kind`, and the size in units. */
export const LISTED_WORDS = 10;
export const LISTED_BYTES = LISTED_WORDS * 4;
export const listed = { ...word, partitionAndKind: 8, size: 9 } as const;

const INITIAL_ENTRIES = 256;

export interface ListedFact {
  readonly name: string;
  /** Undefined: removed, or damaged. */
  readonly value: Uint8Array | undefined;
  readonly isDamaged?: boolean;
  readonly offset: number;
  readonly units: number;
}

export class EntryList {
  #words: Uint32Array;
  #length: number;
  readonly facts: ListedFact[] = [];

  constructor(words: Uint32Array = new Uint32Array(INITIAL_ENTRIES * LISTED_WORDS), length = 0) {
    this.#words = words;
    this.#length = length;
  }

  /** Entries. */
  get length(): number {
    return this.#length;
  }

  /** What an index file takes for it, with each fact counted as an entry: its value is in the segment. */
  get bytes(): number {
    return (this.#length + this.facts.length) * LISTED_BYTES;
  }

  /** Where the words of the entry that is added next begin in {@link words}, with room for them. */
  grow(): number {
    const at = this.#length * LISTED_WORDS;
    if (at + LISTED_WORDS > this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#length++;
    return at;
  }

  get words(): Uint32Array {
    return this.#words;
  }

  /** Forgets what was added since there were so many. */
  cut(entries: number, facts: number): void {
    this.#length = entries;
    this.facts.length = facts;
  }
}
