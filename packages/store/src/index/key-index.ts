/** Everything that is found without a read: a table for each partition, and the facts whole. Keeps the segments' count of what is live. */
import type { SegmentSet } from "../segment.js";
import { ENTRY_WORDS, FLAG_DAMAGED, PartitionTable, SIZE_MAX, word } from "./partition-table.js";

/** A fact about the node. Undefined as a value: it is there and can't be read. */
export interface Fact {
  readonly value: Uint8Array | undefined;
  readonly slot: number;
  readonly offset: number;
  readonly units: number;
}

/** The hash of a key as two halves, and its fingerprint. */
export interface Name {
  readonly high: number;
  readonly low: number;
  readonly fingerprint: number;
}

const NOWHERE = { words: new Uint32Array(0), at: -1 };

export class KeyIndex {
  readonly #tables = new Map<number, PartitionTable>();
  readonly #facts = new Map<string, Fact>();
  /** A store is being opened: tables grow in long strides until {@link fit}. */
  isLoading = false;

  constructor(readonly segments: SegmentSet) {}

  get partitions(): Iterable<number> {
    return this.#tables.keys();
  }

  get keys(): number {
    let keys = 0;
    for (const table of this.#tables.values()) keys += table.count;
    return keys;
  }

  get bytes(): number {
    let bytes = 0;
    for (const table of this.#tables.values()) bytes += table.bytes;
    return bytes;
  }

  /** The eight words of an entry, copied. */
  find(partition: number, { high, low, fingerprint }: Name): Uint32Array | undefined {
    const table = this.#tables.get(partition);
    const at = table?.find(high, low, fingerprint) ?? -1;
    return at < 0 ? undefined : table?.words.slice(at, at + ENTRY_WORDS);
  }

  /** Whether the entry whose words begin at `from` is in the index as it stands there, at the same place. */
  isAs(partition: number, entry: Uint32Array, from: number): boolean {
    const { words, at } = this.#lookup(partition, entry, from);
    if (at < 0) return false;
    return (
      words[at + word.offset] === entry[from + word.offset] &&
      words[at + word.slotAndSize] === entry[from + word.slotAndSize]
    );
  }

  /** Where in this segment the key's record lies that counts; -1 where it lies in another, or there is none. */
  offsetIn(slot: number, partition: number, entry: Uint32Array, from: number): number {
    const { words, at } = this.#lookup(partition, entry, from);
    if (at < 0 || (words[at + word.slotAndSize] as number) >>> 16 !== slot) return -1;
    return words[at + word.offset] as number;
  }

  /** Puts the entry whose words begin at `from`. True where it replaces one, which is copied to `beforeAt` of `before`. */
  put(partition: number, entry: Uint32Array, from = 0, before?: Uint32Array, beforeAt = 0): boolean {
    let table = this.#tables.get(partition);
    if (table === undefined) this.#tables.set(partition, (table = new PartitionTable()));
    const { hashHigh, hashLow, fingerprint } = word;
    const at = table.find(
      entry[from + hashHigh] as number,
      entry[from + hashLow] as number,
      entry[from + fingerprint] as number,
    );
    this.#gain(entry, from);
    if (at < 0) {
      table.insert(entry, from, this.isLoading);
      return false;
    }
    const { words } = table;
    this.#lose(words, at);
    if (before !== undefined) copyEntry(words, at, before, beforeAt);
    copyEntry(entry, from, words, at);
    return true;
  }

  /** True where there was one, which is copied to `beforeAt` of `before`. */
  remove(partition: number, { high, low, fingerprint }: Name, before?: Uint32Array, beforeAt = 0): boolean {
    const table = this.#tables.get(partition);
    const at = table?.find(high, low, fingerprint) ?? -1;
    if (table === undefined || at < 0) return false;
    this.#lose(table.words, at);
    if (before !== undefined) copyEntry(table.words, at, before, beforeAt);
    table.removeAt(at);
    if (table.count === 0) this.#tables.delete(partition);
    return true;
  }

  /** Gives the table that was there: {@link undrop} takes it back. */
  drop(partition: number): PartitionTable | undefined {
    const table = this.#tables.get(partition);
    this.#tables.delete(partition);
    const entries = table?.all() ?? [];
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) this.#lose(entries as Uint32Array, at);
    return table;
  }

  undrop(partition: number, table: PartitionTable): void {
    const entries = table.all();
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) this.put(partition, entries, at);
  }

  /** Removes what lies before a place: a drop that was carried on into a later segment takes nothing that came after the drop. */
  dropBefore(partition: number, segment: number, offset: number): void {
    const entries = this.#tables.get(partition)?.all() ?? new Uint32Array(0);
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      const { id } = this.segments.at((entries[at + word.slotAndSize] as number) >>> 16);
      const isBefore = id < segment || (id === segment && (entries[at + word.offset] as number) < offset);
      if (isBefore) this.remove(partition, nameAt(entries, at));
    }
  }

  /** The entries with `from <= hash <= to`, eight words each, in order: a copy. */
  range(partition: number, from: bigint, to: bigint): Uint32Array {
    const table = this.#tables.get(partition);
    if (table === undefined || from > to) return new Uint32Array(0);
    const half = (hash: bigint): [number, number] => [Number(hash >> 32n), Number(hash & 0xffff_ffffn)];
    return table.range(...half(from), ...half(to));
  }

  /** Everything of a partition, in order: a copy. */
  all(partition: number): Uint32Array {
    return this.#tables.get(partition)?.all() ?? new Uint32Array(0);
  }

  /** The entry lies elsewhere now, and is the same; false where it is another by now. */
  move(partition: number, name: Name, from: Uint32Array, slot: number, offset: number): boolean {
    const table = this.#tables.get(partition);
    const at = table?.find(name.high, name.low, name.fingerprint) ?? -1;
    if (table === undefined || at < 0) return false;
    const { words } = table;
    if (words[at + word.offset] !== from[word.offset] || words[at + word.slotAndSize] !== from[word.slotAndSize]) {
      return false;
    }
    this.#lose(words, at);
    words[at + word.offset] = offset;
    words[at + word.slotAndSize] = ((slot << 16) | ((words[at + word.slotAndSize] as number) & SIZE_MAX)) >>> 0;
    this.#gain(words, at);
    return true;
  }

  /** The record was found damaged; true where that is news. */
  markDamaged(partition: number, name: Name, seen: Uint32Array): boolean {
    const table = this.#tables.get(partition);
    const at = table?.find(name.high, name.low, name.fingerprint) ?? -1;
    if (table === undefined || at < 0) return false;
    const { words } = table;
    const isSame = words[at + word.offset] === seen[word.offset] && words[at + 6] === seen[6];
    if (!isSame || ((words[at + word.marks] as number) & FLAG_DAMAGED) !== 0) return false;
    words[at + word.marks] = (words[at + word.marks] as number) | FLAG_DAMAGED;
    this.segments.at((words[at + word.slotAndSize] as number) >>> 16).isDamaged = true;
    return true;
  }

  fact(name: string): Fact | undefined {
    return this.#facts.get(name);
  }

  get facts(): Iterable<[string, Fact]> {
    return this.#facts;
  }

  /** Undefined removes. Gives what was there. */
  setFact(name: string, fact: Fact | undefined): Fact | undefined {
    const before = this.#facts.get(name);
    if (before !== undefined) this.segments.at(before.slot).lose(before.units);
    if (fact !== undefined) this.segments.at(fact.slot).gain(fact.units);
    if (fact === undefined) this.#facts.delete(name);
    else this.#facts.set(name, fact);
    return before;
  }

  fit(): void {
    this.isLoading = false;
    for (const table of this.#tables.values()) table.fit();
  }

  /** The table's words, and where in them the key's entry begins. */
  #lookup(partition: number, entry: Uint32Array, from: number): { readonly words: Uint32Array; readonly at: number } {
    const table = this.#tables.get(partition);
    if (table === undefined) return NOWHERE;
    const { hashHigh, hashLow, fingerprint } = word;
    const at = table.find(
      entry[from + hashHigh] as number,
      entry[from + hashLow] as number,
      entry[from + fingerprint] as number,
    );
    return { words: table.words, at };
  }

  #gain(words: Uint32Array, at: number): void {
    const slotAndSize = words[at + word.slotAndSize] as number;
    this.segments.at(slotAndSize >>> 16).gain(slotAndSize & SIZE_MAX);
  }

  #lose(words: Uint32Array, at: number): void {
    const slotAndSize = words[at + word.slotAndSize] as number;
    this.segments.at(slotAndSize >>> 16).lose(slotAndSize & SIZE_MAX);
  }
}

export function nameAt(words: Uint32Array, at: number): Name {
  return {
    high: words[at + word.hashHigh] as number,
    low: words[at + word.hashLow] as number,
    fingerprint: words[at + word.fingerprint] as number,
  };
}

function copyEntry(from: Uint32Array, at: number, to: Uint32Array, toAt: number): void {
  for (let w = 0; w < ENTRY_WORDS; w++) to[toAt + w] = from[at + w] as number;
}
