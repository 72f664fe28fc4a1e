/**
 * Live entries of one segment, as they were when they were looked at: in one array of words, since a segment has tens of thousands and a collector that
 * has to walk an object for each would stop the writes that go on meanwhile.
 */
import { assert } from "@kvorum/core";
import { ENTRY_WORDS, word } from "./index/partition-table.js";

/** The entry, then its partition. */
const WORDS = ENTRY_WORDS + 1;
const INITIAL_ENTRIES = 256;
const PARTITION = ENTRY_WORDS;

export class LiveList {
  #words = new Uint32Array(INITIAL_ENTRIES * WORDS);
  #length = 0;

  /** Good until the next is added. */
  get words(): Uint32Array {
    return this.#words;
  }

  partitionAt(at: number): number {
    return this.#words[at + PARTITION] as number;
  }

  add(partition: number, entries: Uint32Array, from: number): void {
    const at = this.#length++ * WORDS;
    if (at + WORDS > this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    for (let w = 0; w < ENTRY_WORDS; w++) this.#words[at + w] = entries[from + w] as number;
    this.#words[at + PARTITION] = partition;
  }

  /** Where the words of each begin, in the order in which their records lie: read that way, a segment is read once. */
  inOrder(): Float64Array {
    const count = this.#length;
    assert(count < 2 ** 21, "an offset and the number of an entry fit one number");
    const order = new Float64Array(count);
    for (let i = 0; i < count; i++) order[i] = (this.#words[i * WORDS + word.offset] as number) * count + i;
    order.sort();
    for (let i = 0; i < count; i++) order[i] = ((order[i] as number) % count) * WORDS;
    return order;
  }
}
