/** The way down finds exactly the keys that differ, at a cost that follows how many those are and not how many keys there are (DESIGN §7). */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { partitionOf } from "../../src/base/key-id.js";
import { Rng } from "../../src/base/rng.js";
import {
  answerTo,
  Descent,
  differencesOf,
  QUESTIONS_AT_ONCE,
  type Difference,
  type KeyDigest,
  type NodeAnswer,
} from "../../src/merkle/descent.js";
import { Forest } from "../../src/merkle/forest.js";
import { PartitionSet } from "../../src/merkle/partition-set.js";
import { hashesUnder, type Prefix } from "../../src/merkle/prefix.js";

const BITS = 8;
const PARTITIONS = 2 ** BITS;
const ALL = PartitionSet.of(
  PARTITIONS,
  Array.from({ length: PARTITIONS }, (_, partition) => partition),
);

/** One side: its keys, and the trees over them. */
class Side {
  readonly forest = new Forest(BITS);

  constructor(readonly keys: ReadonlyMap<bigint, bigint>) {
    for (const partition of ALL) this.forest.begin(partition);
    for (const [hash, digest] of keys) this.forest.found(partitionOf(hash, PARTITIONS), hash, digest);
    for (const partition of ALL) this.forest.finish(partition);
  }

  list(prefix: Prefix): KeyDigest[] {
    const { from, to } = hashesUnder(prefix);
    return [...this.keys].filter(([hash]) => hash >= from && hash <= to).map(([hash, digest]) => ({ hash, digest }));
  }
}

interface Found {
  readonly differences: readonly Difference[];
  readonly messages: number;
  /** Nodes asked about, and keys listed in answers: what the messages are long by. */
  readonly nodes: number;
  readonly listed: number;
}

function exchange(mine: Side, theirs: Side): Found {
  const descent = new Descent(mine.forest, ALL);
  const differences: Difference[] = [];
  let [messages, nodes, listed] = [0, 0, 0];
  for (;;) {
    const questions = descent.next();
    if (questions.length === 0) return { differences, messages, nodes, listed };
    messages++;
    nodes += questions.length;
    const answers = questions.map((question): NodeAnswer => {
      const said = answerTo(theirs.forest, ALL, question);
      expect(said).toBeDefined();
      const keys = said === "list" ? theirs.list(question) : [];
      listed += keys.length;
      return said === "list" ? { kind: "keys", keys } : (said as NodeAnswer);
    });
    const leaves = descent.answer(answers);
    expect(leaves).toBeDefined();
    for (const leaf of leaves ?? []) differences.push(...differencesOf(mine.list(leaf.prefix), leaf.theirs));
  }
}

const bySize = (a: Difference, b: Difference): number => (a.hash < b.hash ? -1 : 1);

function randomKeys(rng: Rng, count: number): Map<bigint, bigint> {
  const u64 = (): bigint => (BigInt(rng.u32()) << 32n) | BigInt(rng.u32());
  return new Map(Array.from({ length: count }, () => [u64(), u64() | 1n]));
}

/** As many keys of a copy get another digest, go, or come. */
function differing(rng: Rng, keys: ReadonlyMap<bigint, bigint>, count: number): Map<bigint, bigint> {
  const other = new Map(keys);
  for (const hash of rng.shuffle([...keys.keys()]).slice(0, count)) {
    const kind = rng.below(3);
    if (kind === 0) other.delete(hash);
    else other.set(hash, (keys.get(hash) as bigint) ^ 2n);
  }
  return other;
}

describe("a descent", () => {
  it("finds exactly what differs, between trees of any depth", () => {
    const cases = fc.record({ seed: fc.nat(), keys: fc.integer({ min: 0, max: 400 }), differing: fc.nat(60) });
    fc.assert(
      fc.property(cases, fc.boolean(), ({ seed, keys, differing: count }, isFar) => {
        const rng = new Rng(seed);
        const here = randomKeys(rng, keys);
        const there = differing(rng, here, count);
        // One side holds far more in one place: its tree is deeper there, and all of that differs.
        if (isFar) for (let i = 0n; i < 700n; i++) there.set((7n << 56n) | (i << 44n), 5n);
        const expected = differencesOf(
          [...here].map(([hash, digest]) => ({ hash, digest })),
          [...there].map(([hash, digest]) => ({ hash, digest })),
        );
        const found = exchange(new Side(here), new Side(there));
        expect([...found.differences].sort(bySize)).toEqual([...expected].sort(bySize));
        const back = exchange(new Side(there), new Side(here));
        expect(back.differences.length).toBe(expected.length);
      }),
      { numRuns: 40 },
    );
  });

  it("costs by what differs and not by what there is", () => {
    const cost = (keys: number, count: number): Found => {
      const rng = new Rng(keys + count);
      const here = randomKeys(rng, keys);
      return exchange(new Side(here), new Side(differing(rng, here, count)));
    };
    for (const keys of [1_000, 10_000, 40_000]) {
      for (const count of [1, 10, 100]) {
        const { differences, nodes, messages, listed } = cost(keys, count);
        expect(differences.length).toBe(count);
        // Four levels at the most until 40,000 keys in 256 partitions: the root, two above the partitions' middle, the leaf.
        expect(nodes).toBeLessThanOrEqual(1 + 4 * count);
        expect(messages).toBeLessThanOrEqual(5 + Math.ceil((4 * count) / QUESTIONS_AT_ONCE));
        expect(listed).toBeLessThanOrEqual(count * 80);
      }
    }
  });

  it("asks once where nothing differs", () => {
    const keys = randomKeys(new Rng(1), 500);
    expect(exchange(new Side(keys), new Side(keys))).toMatchObject({ differences: [], messages: 1, nodes: 1 });
  });

  it("takes no answer that is none to its question", () => {
    const descent = new Descent(new Side(new Map()).forest, ALL);
    expect(descent.next().length).toBe(1);
    expect(descent.answer([])).toBeUndefined();
    const sums = Array.from({ length: 16 }, () => 1n);
    expect(descent.answer([{ kind: "children", sums }])).toEqual([]);
    expect(descent.next().length).toBe(16);
    expect(descent.answer([{ kind: "children", sums }])).toBeUndefined();
  });

  it("says that it is incomplete when a tree came into question on the way", () => {
    const side = new Side(new Map([[1n, 1n]]));
    const descent = new Descent(side.forest, ALL);
    side.forest.forget(3);
    expect(descent.next()).toEqual([]);
    expect(descent.isIncomplete).toBe(true);
  });

  it("answers no senseless question: keys of everything, or of a partition whose tree is in question", () => {
    const side = new Side(new Map([[1n, 1n]]));
    expect(answerTo(side.forest, ALL, { level: 0, path: 0, keys: true })).toBeUndefined();
    expect(answerTo(side.forest, ALL, { level: 2, path: 3, keys: true })).toBe("list");
    side.forest.forget(3);
    expect(answerTo(side.forest, ALL, { level: 2, path: 3, keys: true })).toBeUndefined();
    expect(answerTo(side.forest, ALL, { level: 0, path: 0, keys: false })).toBeUndefined();
  });
});
