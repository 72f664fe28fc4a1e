/** Who builds hash trees when: at the start, when they have grown, when they are in doubt; and never for what is not owned. */
import { describe, expect, it } from "vitest";
import { Forest } from "../../src/merkle/forest.js";
import { NO_DIGEST } from "../../src/merkle/sum.js";
import { TreeKeeper } from "../../src/node/tree-keeper.js";
import { Timeline } from "./cluster.js";
import { TestStorage } from "./test-storage.js";

const PARTITIONS = 64;
const BITS = 6;
const hashOf = (partition: number, i: number): bigint => (BigInt(partition) << 58n) | (BigInt(i) << 40n);

function setup(readDelayMs = 0) {
  const timeline = new Timeline();
  const storage = new TestStorage((delayMs, run) => void timeline.after(delayMs, run));
  storage.readDelayMs = readDelayMs;
  const forest = new Forest(BITS);
  const log: string[] = [];
  const owned = new Set(Array.from({ length: PARTITIONS }, (_, partition) => partition));
  const keeper = new TreeKeeper({
    clock: {
      monotonicMs: () => timeline.nowMs,
      wallMs: () => timeline.nowMs,
      after: (delayMs, run) => timeline.after(delayMs, run),
    },
    ...{ storage, forest },
    log: (_level, event) => void log.push(event),
    isOwned: (partition) => owned.has(partition),
  });
  /** As a replica does: the tree first, then the batch. */
  const write = (partition: number, i: number, before: bigint, after: bigint): void => {
    const hash = hashOf(partition, i);
    keeper.changed(partition, hash, before, after);
    const key = Uint8Array.of(i & 0xff, i >> 8);
    const value = after === NO_DIGEST ? undefined : new Uint8Array(1);
    storage.apply({ records: [{ partition, hash, key, value, digest: after, mark: 0, tag: 0 }] }, () => {});
  };
  return { timeline, storage, forest, log, owned, keeper, write };
}

describe.each([0, 5])("a keeper of trees, on a store that answers after %i ms", (readDelayMs) => {
  it("builds every owned partition's tree at the start, and forgets it when the partition goes", () => {
    const { timeline, forest, owned, keeper, write } = setup(readDelayMs);
    write(3, 1, NO_DIGEST, 9n);
    owned.delete(5);
    keeper.ringChanged(PARTITIONS);
    expect(keeper.lacksTrees).toBe(true);
    timeline.run(5_000);
    expect(keeper.lacksTrees).toBe(false);
    expect(forest.keysOf(3)).toBe(1);
    expect(forest.has(4)).toBe(true);
    expect(forest.has(5)).toBe(false);
    owned.delete(3);
    owned.add(5);
    keeper.ringChanged(PARTITIONS);
    timeline.run(5_000);
    expect([forest.has(3), forest.has(5)]).toEqual([false, true]);
  });

  it("builds a deeper tree when there are many more keys, and counts every write meanwhile", () => {
    const { timeline, forest, keeper, log, write } = setup(readDelayMs);
    keeper.ringChanged(PARTITIONS);
    timeline.run(5_000);
    const level = forest.levelOf(7);
    for (let i = 0; i < 1_000; i++) {
      write(7, i, NO_DIGEST, 5n);
      timeline.run(1);
    }
    timeline.run(5_000);
    expect(forest.levelOf(7)).toBe(level + 1);
    expect(forest.keysOf(7)).toBe(1_000);
    const root = forest.root(7);
    keeper.doubt(7);
    timeline.run(5_000);
    expect(forest.root(7)).toBe(root);
    expect([log, keeper.parted]).toEqual([[], 0]);
  });

  it("says that a tree was wrong when a check finds it, and has the right one then", () => {
    const { timeline, forest, keeper, log, write } = setup(readDelayMs);
    keeper.ringChanged(PARTITIONS);
    timeline.run(5_000);
    write(2, 1, NO_DIGEST, 5n);
    const right = forest.root(2);
    forest.changed(2, hashOf(2, 9), NO_DIGEST, 6n);
    keeper.check(2);
    timeline.run(5_000);
    expect(keeper.parted).toBe(1);
    expect(log).toEqual(["a hash tree was not what the store holds; built anew"]);
    expect(forest.root(2)).toBe(right);
  });

  it("has no tree for a partition in doubt until it is built again, and builds one that is wanted", () => {
    const { timeline, forest, owned, keeper, write } = setup(readDelayMs);
    owned.delete(9);
    keeper.ringChanged(PARTITIONS);
    timeline.run(5_000);
    write(1, 1, NO_DIGEST, 5n);
    keeper.doubt(1);
    expect(forest.root(1)).toBeUndefined();
    // A write and a doubt while it is built.
    timeline.run(101);
    write(1, 2, NO_DIGEST, 5n);
    keeper.doubt(1);
    timeline.run(5_000);
    expect(forest.keysOf(1)).toBe(2);
    keeper.want(9);
    timeline.run(1_000);
    expect(forest.has(9)).toBe(false);
    owned.add(9);
    keeper.want(9);
    timeline.run(1_000);
    expect(forest.has(9)).toBe(true);
  });
});
