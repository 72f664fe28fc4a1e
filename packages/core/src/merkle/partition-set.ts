/** A set of partitions, as two members compare and send it: one bit for each. */
import { assert } from "../base/assert.js";

export class PartitionSet {
  readonly #bits: Uint8Array;

  constructor(readonly partitions: number) {
    this.#bits = new Uint8Array(Math.ceil(partitions / 8));
  }

  static of(partitions: number, members: Iterable<number>): PartitionSet {
    const set = new PartitionSet(partitions);
    for (const partition of members) set.add(partition);
    return set;
  }

  /** Undefined for bytes that are no such set. */
  static from(partitions: number, bytes: Uint8Array): PartitionSet | undefined {
    const set = new PartitionSet(partitions);
    if (bytes.length !== set.#bits.length) return undefined;
    set.#bits.set(bytes);
    return set;
  }

  get bytes(): Uint8Array {
    return this.#bits;
  }

  get isEmpty(): boolean {
    return this.#bits.every((byte) => byte === 0);
  }

  has(partition: number): boolean {
    return (((this.#bits[partition >> 3] ?? 0) >> (partition & 7)) & 1) === 1;
  }

  add(partition: number): void {
    assert(partition >= 0 && partition < this.partitions, "a partition of this ring");
    this.#bits[partition >> 3] = (this.#bits[partition >> 3] as number) | (1 << (partition & 7));
  }

  /** What both have. */
  and(other: PartitionSet): PartitionSet {
    const both = new PartitionSet(this.partitions);
    for (let at = 0; at < this.#bits.length; at++) {
      both.#bits[at] = (this.#bits[at] as number) & (other.#bits[at] ?? 0);
    }
    return both;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (let partition = 0; partition < this.partitions; partition++) if (this.has(partition)) yield partition;
  }
}
