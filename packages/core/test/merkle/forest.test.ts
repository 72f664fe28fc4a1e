/** Hash trees equal a dumb recomputation, whatever was written, in any order, at any depth (Dynamo §4.7; TRAPS 24). */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { partitionOf } from "../../src/base/key-id.js";
import { Forest } from "../../src/merkle/forest.js";
import { HashTree, LEAF_KEYS_MAX } from "../../src/merkle/hash-tree.js";
import { PartitionSet } from "../../src/merkle/partition-set.js";
import { childOf, FANOUT, hashesUnder, LEVEL_MAX, ROOT, topLevel, type Prefix } from "../../src/merkle/prefix.js";
import { NO_DIGEST, shareOf, Sum } from "../../src/merkle/sum.js";

const U64 = (1n << 64n) - 1n;
/** Few of them, so that histories come back to the same keys; spread over the whole space, and some side by side. */
const hashes = fc
  .uniqueArray(fc.oneof(fc.bigInt(0n, U64), fc.bigInt(0n, 300n)), { minLength: 1, maxLength: 40 })
  .chain((pool) => fc.array(fc.tuple(fc.constantFrom(...pool), fc.bigInt(0n, 5n)), { maxLength: 120 }));
const partitionBits = fc.constantFrom(6, 7, 8, 9, 12);

/** What a prefix's sum is, from nothing but the keys. */
function dumbSum(keys: ReadonlyMap<bigint, bigint>, prefix: Prefix): bigint {
  const { from, to } = hashesUnder(prefix);
  const sum = new Sum();
  for (const [hash, digest] of keys) {
    if (digest !== NO_DIGEST && hash >= from && hash <= to) sum.add(shareOf(hash, digest));
  }
  return sum.value;
}

function all(bits: number): PartitionSet {
  return PartitionSet.of(
    2 ** bits,
    Array.from({ length: 2 ** bits }, (_, partition) => partition),
  );
}

/** Down to a leaf, the way that a hash leads. */
function* pathTo(hash: bigint, levels: number): Iterable<Prefix> {
  let prefix = ROOT;
  yield prefix;
  while (prefix.level < levels) {
    const index = Number((hash >> BigInt(60 - prefix.level * 4)) & 15n);
    yield (prefix = childOf(prefix, index));
  }
}

describe("a forest", () => {
  it("equals a dumb recomputation after any history, at every node", () => {
    fc.assert(
      fc.property(partitionBits, hashes, (bits, history) => {
        const forest = new Forest(bits);
        for (let partition = 0; partition < 2 ** bits; partition++) {
          forest.begin(partition);
          forest.finish(partition);
        }
        const keys = new Map<bigint, bigint>();
        for (const [hash, digest] of history) {
          forest.changed(partitionOf(hash, 2 ** bits), hash, keys.get(hash) ?? NO_DIGEST, digest);
          keys.set(hash, digest);
        }
        const everything = all(bits);
        for (const hash of keys.keys()) {
          for (const prefix of pathTo(hash, topLevel(bits))) {
            expect(forest.sum(everything, prefix)).toBe(dumbSum(keys, prefix));
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("built while keys are written equals one that heard of every write, whether the index showed them or not", () => {
    const steps = fc.array(fc.tuple(fc.bigInt(0n, 30n), fc.bigInt(0n, 5n)), { maxLength: 40 });
    fc.assert(
      fc.property(steps, steps, fc.infiniteStream(fc.boolean()), (earlier, meanwhile, coins) => {
        const before = new Map(earlier);
        const after = new Map(before);
        const forest = new Forest(8);
        forest.begin(0);
        for (const [hash, digest] of meanwhile) {
          forest.changed(0, hash, after.get(hash) ?? NO_DIGEST, digest);
          after.set(hash, digest);
        }
        for (const hash of after.keys()) {
          // The index may give a key as it was, as it is, or, where it was not there before, not at all.
          const shown = coins.next().value === true ? after.get(hash) : before.get(hash);
          if (shown !== undefined) forest.found(0, hash, shown);
        }
        forest.finish(0);
        expect(forest.root(0)).toBe(dumbSum(after, ROOT));
      }),
    );
  });

  it("says when a tree that was built anew is another than the one that was kept", () => {
    const forest = new Forest(8);
    forest.begin(3);
    forest.found(3, 0x0300n << 48n, 7n);
    expect(forest.finish(3)).toBe(true);
    forest.begin(3);
    forest.found(3, 0x0300n << 48n, 8n);
    expect(forest.finish(3)).toBe(false);
    forest.begin(3);
    forest.found(3, 0x0300n << 48n, 8n);
    expect(forest.finish(3)).toBe(true);
  });

  it("has no root for a partition whose tree is in question", () => {
    const forest = new Forest(8);
    forest.begin(1);
    forest.finish(1);
    expect(forest.root(1)).toBe(0n);
    forest.forget(1);
    expect(forest.root(1)).toBeUndefined();
  });

  it("counts partitions of the given set only", () => {
    const forest = new Forest(8);
    for (const partition of [1, 2]) {
      forest.begin(partition);
      forest.found(partition, BigInt(partition) << 56n, 9n);
      forest.finish(partition);
    }
    const one = PartitionSet.of(256, [1]);
    expect(forest.sum(one, ROOT)).toBe(shareOf(1n << 56n, 9n).value);
    expect(forest.sum(PartitionSet.of(256, [1, 2]), ROOT)).not.toBe(forest.sum(one, ROOT));
  });
});

describe("a hash tree", () => {
  it("has the same sums whatever its depth", () => {
    fc.assert(
      fc.property(fc.constantFrom(6, 8, 9), hashes, (bits, history) => {
        const within = history.map(([hash, digest]) => [hash % (1n << BigInt(64 - bits)), digest] as const);
        const levels = [topLevel(bits), topLevel(bits) + 1, topLevel(bits) + 2];
        const trees = levels.map((level) => new HashTree(bits, level));
        const keys = new Map<bigint, bigint>();
        for (const [hash, digest] of within) {
          for (const tree of trees) tree.changed(hash, keys.get(hash) ?? NO_DIGEST, digest);
          keys.set(hash, digest);
        }
        for (const [tree, level] of trees.map((tree, i) => [tree, levels[i] as number] as const)) {
          expect(tree.keys).toBe([...keys.values()].filter((digest) => digest !== NO_DIGEST).length);
          for (const hash of keys.keys()) {
            for (const prefix of pathTo(hash, level)) {
              if (prefix.level < topLevel(bits)) continue;
              const sum = new Sum();
              tree.addTo(sum, prefix);
              expect(sum.value).toBe(dumbSum(keys, prefix));
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("gets a depth that leaves few keys in a leaf", () => {
    for (const keys of [0, 1, LEAF_KEYS_MAX, LEAF_KEYS_MAX + 1, 5_000, 1_000_000]) {
      const level = HashTree.levelFor(keys, 8);
      expect(keys / FANOUT ** (level - 2)).toBeLessThanOrEqual(LEAF_KEYS_MAX);
      if (level > 2) expect(keys / FANOUT ** (level - 3)).toBeGreaterThan(LEAF_KEYS_MAX);
    }
    expect(HashTree.levelFor(1e15, 8)).toBe(LEVEL_MAX);
  });

  it("says that it is crowded once it has grown by so much that a deeper one is worth building", () => {
    const tree = new HashTree(8, 2);
    for (let key = 0n; key < 64n; key++) tree.changed(key, NO_DIGEST, 1n);
    expect(tree.isCrowded).toBe(false);
    tree.changed(64n, NO_DIGEST, 1n);
    expect(tree.isCrowded).toBe(true);
  });

  it("tells sums of near neighbours apart: no two small sets of keys that differ have one sum", () => {
    const seen = new Map<bigint, string>();
    for (let a = 0n; a < 24n; a++) {
      for (let b = a; b < 24n; b++) {
        for (const [first, second] of [
          [1n, 2n],
          [2n, 1n],
          [3n, 3n],
        ] as const) {
          const sum = shareOf(a, first);
          sum.add(shareOf(b, second));
          // A set has no order: (a, 1) and (b, 2) is (b, 2) and (a, 1).
          const name = [`${a}:${first}`, `${b}:${second}`].sort().join(" ");
          expect(seen.get(sum.value) ?? name).toBe(name);
          seen.set(sum.value, name);
        }
      }
    }
  });
});

describe("a set of partitions", () => {
  it("survives its bytes, and meets another in what both have", () => {
    const members = fc.uniqueArray(fc.nat(255));
    fc.assert(
      fc.property(members, members, (a, b) => {
        const left = PartitionSet.of(256, a);
        const right = PartitionSet.from(256, PartitionSet.of(256, b).bytes) as PartitionSet;
        expect([...right]).toEqual([...b].sort((x, y) => x - y));
        expect([...left.and(right)]).toEqual(a.filter((partition) => b.includes(partition)).sort((x, y) => x - y));
      }),
    );
    expect(PartitionSet.from(256, new Uint8Array(31))).toBeUndefined();
  });
});
