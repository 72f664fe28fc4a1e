/**
 * Which place of the log lies where in a slab: open addressing (linear probing) over words, so that a hundred thousand cached records are no object
 * for the garbage collector. Nothing is ever taken out but all at once.
 */

/** Segment (never 0), offset in units, where. */
const WORDS = 3;
const SLOTS_MIN = 1024;

export class PlaceTable {
  #slots = SLOTS_MIN;
  #words = new Uint32Array(SLOTS_MIN * WORDS);
  #count = 0;

  /** -1 where it was not set. */
  get(segment: number, offset: number): number {
    const at = this.#find(segment, offset);
    return this.#words[at] === 0 ? -1 : (this.#words[at + 2] as number);
  }

  set(segment: number, offset: number, where: number): void {
    if (this.#count * 2 >= this.#slots) this.#grow();
    const at = this.#find(segment, offset);
    if (this.#words[at] === 0) this.#count++;
    this.#words[at] = segment;
    this.#words[at + 1] = offset;
    this.#words[at + 2] = where;
  }

  /** Keeps its size: it will be filled as far again. */
  clear(): void {
    this.#words.fill(0);
    this.#count = 0;
  }

  /** Where its words are, or are to be. */
  #find(segment: number, offset: number): number {
    const words = this.#words;
    const mask = this.#slots - 1;
    const mixed = Math.imul(offset ^ Math.imul(segment, 0x85eb_ca6b), 0x9e37_79b1);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    for (;;) {
      const at = slot * WORDS;
      const held = words[at];
      if (held === 0 || (held === segment && words[at + 1] === offset)) return at;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const before = this.#words;
    this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    for (let from = 0; from < before.length; from += WORDS) {
      if (before[from] === 0) continue;
      const at = this.#find(before[from] as number, before[from + 1] as number);
      for (let w = 0; w < WORDS; w++) this.#words[at + w] = before[from + w] as number;
    }
  }
}
