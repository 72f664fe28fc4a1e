/**
 * The hash trees of the partitions that this node holds, built from the store's index and kept current with every write (Dynamo §4.7, TRAPS 24). A
 * tree is never written to disk: what it is made of stands in the very batches that carry the values, so the two cannot part.
 */
import { assert } from "../base/assert.js";
import { HashTree } from "./hash-tree.js";
import type { PartitionSet } from "./partition-set.js";
import { partitionsUnder, type Prefix } from "./prefix.js";
import { NO_DIGEST, Sum } from "./sum.js";

/** A tree under construction: what the index gave, and what was written since it was asked. */
class Build {
  readonly scanned: { readonly hash: bigint; readonly digest: bigint }[] = [];
  /** By hash, the digest that counts now. */
  readonly meanwhile = new Map<bigint, bigint>();

  tree(partitionBits: number): HashTree {
    const tree = new HashTree(
      partitionBits,
      HashTree.levelFor(this.scanned.length + this.meanwhile.size, partitionBits),
    );
    for (const { hash, digest } of this.scanned) {
      if (!this.meanwhile.has(hash)) tree.changed(hash, NO_DIGEST, digest);
    }
    for (const [hash, digest] of this.meanwhile) tree.changed(hash, NO_DIGEST, digest);
    return tree;
  }
}

export class Forest {
  readonly #trees = new Map<number, HashTree>();
  readonly #builds = new Map<number, Build>();

  /** `partitionBits`: the number of partitions is 2 to this power. */
  constructor(readonly partitionBits: number) {}

  /** The partition has a tree, and that is right. */
  has(partition: number): boolean {
    return this.#trees.has(partition);
  }

  /** Called in the same step as the store's batch. {@link NO_DIGEST}: the key does not count, before or from now on. */
  changed(partition: number, hash: bigint, before: bigint, after: bigint): void {
    this.#trees.get(partition)?.changed(hash, before, after);
    this.#builds.get(partition)?.meanwhile.set(hash, after);
  }

  /** A build of the partition's tree begins, in the same step as the index is asked: writes from here on outrank what it gives. */
  begin(partition: number): void {
    this.#builds.set(partition, new Build());
  }

  /** What the index holds of a key. */
  found(partition: number, hash: bigint, digest: bigint): void {
    if (digest !== NO_DIGEST) this.#buildOf(partition).scanned.push({ hash, digest });
  }

  /** The index has given everything: the new tree takes the old one's place. False where the old one was another: they had parted. */
  finish(partition: number): boolean {
    const tree = this.#buildOf(partition).tree(this.partitionBits);
    const before = this.#trees.get(partition);
    this.#builds.delete(partition);
    this.#trees.set(partition, tree);
    return before === undefined || before.equals(tree);
  }

  /** What the tree says is not to be relied on any more. A build that is under way is given up with it. */
  forget(partition: number): void {
    this.#trees.delete(partition);
    this.#builds.delete(partition);
  }

  isBuilding(partition: number): boolean {
    return this.#builds.has(partition);
  }

  isCrowded(partition: number): boolean {
    return this.#trees.get(partition)?.isCrowded ?? false;
  }

  /** The level of the partition's leaves. */
  levelOf(partition: number): number {
    return this.#treeOf(partition).level;
  }

  keysOf(partition: number): number {
    return this.#trees.get(partition)?.keys ?? 0;
  }

  root(partition: number): bigint | undefined {
    return this.#trees.get(partition)?.root.value;
  }

  /** The sum over all keys of `partitions`, each of which has its tree, that begin with the prefix. */
  sum(partitions: PartitionSet, prefix: Prefix): bigint {
    const sum = new Sum();
    const { from, to } = partitionsUnder(prefix, this.partitionBits);
    for (let partition = from; partition <= to; partition++) {
      if (partitions.has(partition)) this.#trees.get(partition)?.addTo(sum, prefix);
    }
    return sum.value;
  }

  #treeOf(partition: number): HashTree {
    const tree = this.#trees.get(partition);
    assert(tree !== undefined, "only partitions that have a tree are looked into");
    return tree;
  }

  #buildOf(partition: number): Build {
    const build = this.#builds.get(partition);
    assert(build !== undefined, "a build was begun");
    return build;
  }
}
