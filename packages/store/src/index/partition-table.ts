/**
 * The index of one partition: every key's hash, state hash, marks and place, in a table whose slots are in the order of the hashes, so that a range
 * of hashes lies together and a key is found within a few slots.
 *
 * It is linear probing kept in order (Amble and Knuth, 1974): an entry's home is its hash, scaled; it lies there or behind, and never behind a
 * larger hash. Eight words of 32 bits an entry, no object: at a load of 0.82 to 0.92 that is 35 to 39 bytes a key.
 */

export const ENTRY_WORDS = 8;

/** Words of an entry. */
export const word = {
  hashHigh: 0,
  hashLow: 1,
  digestHigh: 2,
  digestLow: 3,
  /** A second, salted hash of the key: tells two keys with one hash apart without a look at their records. */
  fingerprint: 4,
  /** In units of 16 bytes. */
  offset: 5,
  /** The segment's slot (above, never 0) and the record's size in units of 16 bytes, at most 65,535. A word of 0 is an empty slot. */
  slotAndSize: 6,
  /** mark u8, flags u8, tag u16. */
  marks: 7,
} as const;

export const FLAG_DAMAGED = 1 << 16;
export const SIZE_MAX = 0xffff;

const LOAD_MAX = 0.92;
/** Growing by so much leaves a load of 0.82; while a store is opened it grows in longer strides, and is fitted at the end. */
const GROWTH = 1.12;
const GROWTH_LOADING = 1.6;
const GROWTH_FITTED = 1.08;
const SLOTS_MIN = 4;
const TWO_32 = 0x1_0000_0000;

export class PartitionTable {
  #words = new Uint32Array(0);
  /** Homes; behind them lies room for what overflows the last ones. */
  #slots = 0;
  /** A hash's home is (hash - base) · scale. */
  #base = 0;
  #scale = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Good until the next change. */
  get words(): Uint32Array {
    return this.#words;
  }

  /** Where the entry's words begin; -1 where there is none. */
  find(hashHigh: number, hashLow: number, fingerprint: number): number {
    const words = this.#words;
    if (this.#count === 0) return -1;
    for (let at = this.#home(hashHigh, hashLow) * ENTRY_WORDS; at < words.length; at += ENTRY_WORDS) {
      if (words[at + word.slotAndSize] === 0) return -1;
      const high = words[at] as number;
      if (high < hashHigh) continue;
      if (high > hashHigh) return -1;
      const low = words[at + word.hashLow] as number;
      if (low < hashLow) continue;
      if (low > hashLow) return -1;
      if (words[at + word.fingerprint] === fingerprint) return at;
    }
    return -1;
  }

  /** Adds an entry that is not there yet, its words at `from` of `entry`. */
  insert(entry: Uint32Array, from: number, isLoading = false): void {
    if (this.#count + 1 > this.#slots * LOAD_MAX) this.#rebuild(this.#grown(isLoading), entry, from);
    else if (!this.#place(entry, from)) this.#rebuild(this.#slots, entry, from);
    this.#count++;
  }

  /** Takes the entry at `at` out; those behind it that can move nearer to their homes do. */
  removeAt(at: number): void {
    const words = this.#words;
    let end = at + ENTRY_WORDS;
    while (end < words.length && words[end + word.slotAndSize] !== 0 && this.#homeOf(words, end) < end / ENTRY_WORDS) {
      end += ENTRY_WORDS;
    }
    words.copyWithin(at, at + ENTRY_WORDS, end);
    words.fill(0, end - ENTRY_WORDS, end);
    this.#count--;
  }

  /** The entries with `from <= hash <= to`, in order, each of eight words: a copy. */
  range(fromHigh: number, fromLow: number, toHigh: number, toLow: number): Uint32Array {
    const words = this.#words;
    if (this.#count === 0) return new Uint32Array(0);
    let at = this.#home(fromHigh, fromLow) * ENTRY_WORDS;
    const isBefore = (high: number, low: number): boolean => high < fromHigh || (high === fromHigh && low < fromLow);
    while (at < words.length && (words[at + 6] === 0 || isBefore(words[at] as number, words[at + 1] as number))) {
      at += ENTRY_WORDS;
    }
    const end = Math.min(words.length, this.#endOf(toHigh, toLow, at));
    return packed(words, at, end);
  }

  /** All entries in order, without their gaps. */
  all(): Uint32Array {
    return packed(this.#words, 0, this.#words.length);
  }

  /** Loading is over: fits the table to what it holds. */
  fit(): void {
    const slots = Math.max(SLOTS_MIN, Math.ceil((this.#count * GROWTH_FITTED) / LOAD_MAX));
    if (slots < this.#slots) this.#rebuild(slots);
  }

  #endOf(toHigh: number, toLow: number, from: number): number {
    const words = this.#words;
    let at = from;
    for (; at < words.length; at += ENTRY_WORDS) {
      if (words[at + word.slotAndSize] === 0) continue;
      const high = words[at] as number;
      if (high > toHigh || (high === toHigh && (words[at + 1] as number) > toLow)) break;
    }
    return at;
  }

  #home(high: number, low: number): number {
    const home = Math.floor((high * TWO_32 + low - this.#base) * this.#scale);
    return home <= 0 ? 0 : home >= this.#slots ? this.#slots - 1 : home;
  }

  #homeOf(words: Uint32Array, at: number): number {
    return this.#home(words[at] as number, words[at + 1] as number);
  }

  /** False where the room behind the last home does not do. */
  #place(entry: Uint32Array, from: number): boolean {
    const words = this.#words;
    const high = entry[from] as number;
    const low = entry[from + 1] as number;
    let at = this.#home(high, low) * ENTRY_WORDS;
    for (; at < words.length && words[at + word.slotAndSize] !== 0; at += ENTRY_WORDS) {
      const other = words[at] as number;
      if (other > high || (other === high && (words[at + 1] as number) > low)) break;
    }
    let end = at;
    while (end < words.length && words[end + word.slotAndSize] !== 0) end += ENTRY_WORDS;
    if (end >= words.length) return false;
    words.copyWithin(at + ENTRY_WORDS, at, end);
    for (let i = 0; i < ENTRY_WORDS; i++) words[at + i] = entry[from + i] as number;
    return true;
  }

  #grown(isLoading: boolean): number {
    const factor = isLoading ? GROWTH_LOADING : GROWTH;
    return Math.max(SLOTS_MIN, Math.ceil(((this.#count + 1) * factor) / LOAD_MAX));
  }

  /** Lays everything out anew, over the smallest range of hashes, as halves of halves of all, that holds them. */
  #rebuild(slots: number, entry?: Uint32Array, from = 0): void {
    const entries = entry === undefined ? this.all() : withEntry(this.all(), entry, from);
    this.#slots = slots;
    this.#fitRange(entries);
    const places = new Uint32Array(entries.length / ENTRY_WORDS);
    let next = 0;
    for (let i = 0; i < places.length; i++) {
      next = Math.max(next, this.#homeOf(entries, i * ENTRY_WORDS));
      places[i] = next++;
    }
    const room = Math.max(slots, next) + 1 + (slots >>> 6);
    const words = new Uint32Array(room * ENTRY_WORDS);
    places.forEach((place, i) => {
      const at = i * ENTRY_WORDS;
      for (let w = 0; w < ENTRY_WORDS; w++) words[place * ENTRY_WORDS + w] = entries[at + w] as number;
    });
    this.#words = words;
  }

  #fitRange(entries: Uint32Array): void {
    const last = entries.length - ENTRY_WORDS;
    const [firstHigh, lastHigh] = [entries[0] ?? 0, entries[last] ?? 0];
    const [firstLow, lastLow] = [entries[1] ?? 0, entries[last + 1] ?? 0];
    const bits = firstHigh === lastHigh ? 32 + Math.clz32(firstLow ^ lastLow) : Math.clz32(firstHigh ^ lastHigh);
    const span = 2 ** (64 - bits);
    this.#base = Math.floor((firstHigh * TWO_32 + firstLow) / span) * span;
    this.#scale = this.#slots / span;
  }
}

/** In the order of hashes; behind those that are equal. */
function withEntry(entries: Uint32Array, entry: Uint32Array, from: number): Uint32Array {
  const all = new Uint32Array(entries.length + ENTRY_WORDS);
  const [high, low] = [entry[from] as number, entry[from + 1] as number];
  let at = 0;
  while (
    at < entries.length &&
    ((entries[at] as number) < high || (entries[at] === high && (entries[at + 1] as number) <= low))
  ) {
    at += ENTRY_WORDS;
  }
  all.set(entries.subarray(0, at));
  all.set(entry.subarray(from, from + ENTRY_WORDS), at);
  all.set(entries.subarray(at), at + ENTRY_WORDS);
  return all;
}

function packed(words: Uint32Array, from: number, end: number): Uint32Array {
  let count = 0;
  for (let at = from; at < end; at += ENTRY_WORDS) if (words[at + word.slotAndSize] !== 0) count++;
  const entries = new Uint32Array(count * ENTRY_WORDS);
  let to = 0;
  for (let at = from; at < end; at += ENTRY_WORDS) {
    if (words[at + word.slotAndSize] === 0) continue;
    for (let w = 0; w < ENTRY_WORDS; w++) entries[to + w] = words[at + w] as number;
    to += ENTRY_WORDS;
  }
  return entries;
}
