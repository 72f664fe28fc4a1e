/**
 * The hash tree of one partition: its leaves, each the sum over the keys that begin with one prefix (Dynamo §4.7). Nodes above the leaves are sums of
 * them and are added up when they are asked for, which an exchange does for the few that differ; so a write costs one leaf and the root.
 */
import { assert } from "../base/assert.js";
import { BITS_PER_LEVEL, LEVEL_MAX, topLevel, type Prefix } from "./prefix.js";
import { NO_DIGEST, shareOf, Sum } from "./sum.js";

/** A tree gets the depth that leaves about this many keys or fewer in a leaf; the list of a leaf is what an exchange ends with. */
export const LEAF_KEYS_MAX = 32;
/** Above twice that it is worth building anew, with sixteen times as many leaves. */
const CROWDED_KEYS = 2 * LEAF_KEYS_MAX;

export class HashTree {
  readonly #leaves: Uint32Array;
  readonly #root = new Sum();
  readonly #leafBits: number;
  #keys = 0;

  /** `level`: where its leaves are, from the first level within the partition to {@link LEVEL_MAX}. */
  constructor(
    readonly partitionBits: number,
    readonly level: number,
  ) {
    assert(level >= topLevel(partitionBits) && level <= LEVEL_MAX, "leaves lie within the partition");
    this.#leafBits = level * BITS_PER_LEVEL - partitionBits;
    this.#leaves = new Uint32Array(2 << this.#leafBits);
  }

  /** The level of the leaves that suits so many keys. */
  static levelFor(keys: number, partitionBits: number): number {
    let level = topLevel(partitionBits);
    while (level < LEVEL_MAX && keys > LEAF_KEYS_MAX * 2 ** (level * BITS_PER_LEVEL - partitionBits)) level++;
    return level;
  }

  /** Keys that count. */
  get keys(): number {
    return this.#keys;
  }

  /** More leaves would make exchanges cheaper. */
  get isCrowded(): boolean {
    return this.level < LEVEL_MAX && this.#keys > CROWDED_KEYS * 2 ** this.#leafBits;
  }

  get root(): Sum {
    return this.#root;
  }

  /** A key's state went from one digest to another; {@link NO_DIGEST} where it does not count. */
  changed(hash: bigint, before: bigint, after: bigint): void {
    if (before === after) return;
    if (before !== NO_DIGEST) this.#add(hash, before, -1);
    if (after !== NO_DIGEST) this.#add(hash, after, 1);
  }

  /** The sum over the keys of this partition that begin with a prefix, which is not below the leaves. */
  addTo(sum: Sum, { level, path }: Prefix): void {
    const bits = level * BITS_PER_LEVEL - this.partitionBits;
    if (bits <= 0) return sum.add(this.#root);
    assert(level <= this.level, "a node at or above the leaves");
    const width = 2 ** (this.#leafBits - bits);
    const from = (path % 2 ** bits) * width;
    for (let leaf = from; leaf < from + width; leaf++) {
      sum.addLanes(this.#leaves[2 * leaf] as number, this.#leaves[2 * leaf + 1] as number);
    }
  }

  equals(other: HashTree): boolean {
    if (this.#root.value !== other.#root.value || this.#keys !== other.#keys) return false;
    return this.level !== other.level || this.#leaves.every((lane, i) => lane === other.#leaves[i]);
  }

  #add(hash: bigint, digest: bigint, sign: 1 | -1): void {
    const share = shareOf(hash, digest);
    const high = Math.imul(sign, share.high);
    const low = Math.imul(sign, share.low);
    const at = 2 * this.#leafOf(hash);
    this.#leaves[at] = (this.#leaves[at] as number) + high;
    this.#leaves[at + 1] = (this.#leaves[at + 1] as number) + low;
    this.#root.addLanes(high, low);
    this.#keys += sign;
  }

  #leafOf(hash: bigint): number {
    const top = Number(hash >> 32n) >>> (32 - this.level * BITS_PER_LEVEL);
    return top & (2 ** this.#leafBits - 1);
  }
}
