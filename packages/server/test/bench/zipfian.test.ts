/** The keys that are asked for: Zipfian with theta 0.99 over ten billion ranks, scattered (YCSB). */
import { describe, expect, test } from "vitest";
import { Rng } from "@kvorum/core";
import { ScrambledZipfian, zipfianRank } from "../../src/bench/zipfian.js";
import { count } from "../../../core/test/counts.js";

const DRAWS = count(200_000, 5_000_000);
const ZETA = 26.46902820178302;

function shares(draw: () => number): Map<number, number> {
  const seen = new Map<number, number>();
  for (let i = 0; i < DRAWS; i++) {
    const item = draw();
    seen.set(item, (seen.get(item) ?? 0) + 1 / DRAWS);
  }
  return seen;
}

describe("zipfianRank", () => {
  test("gives rank i with probability proportional to 1 / (i + 1)^0.99", () => {
    const rng = new Rng(1);
    const seen = shares(() => zipfianRank(rng.float()));
    expect(seen.get(0)).toBeCloseTo(1 / ZETA, 2);
    expect(seen.get(1)).toBeCloseTo(1 / 2 ** 0.99 / ZETA, 2);
    // Gray's formula is exact for the first two ranks and an approximation behind them: sums of ranks are close.
    const firstThousand = [...seen].filter(([rank]) => rank < 1_000).reduce((sum, [, share]) => sum + share, 0);
    const zetaThousand = Array.from({ length: 1_000 }, (_, i) => (i + 1) ** -0.99).reduce((a, b) => a + b, 0);
    expect(firstThousand).toBeCloseTo(zetaThousand / ZETA, 1);
  });

  test("stays below ten billion at the very end, and reaches far", () => {
    expect(zipfianRank(0)).toBe(0);
    const last = zipfianRank(1 - 2 ** -32);
    expect(last).toBeGreaterThan(9e9);
    expect(last).toBeLessThan(1e10);
  });
});

describe("ScrambledZipfian", () => {
  test("the most popular key takes one request in 26, whatever the number of keys", () => {
    for (const keys of [1_000, 100_000]) {
      const zipfian = new ScrambledZipfian(keys, new Rng(2));
      const seen = shares(() => zipfian.next());
      expect(Math.max(...seen.values())).toBeCloseTo(1 / ZETA, 2);
      for (const key of seen.keys()) if (key < 0 || key >= keys) expect.fail(`${key} of ${keys}`);
    }
  });

  test("popular keys lie all over the range", () => {
    const zipfian = new ScrambledZipfian(100_000, new Rng(3));
    const top = [...shares(() => zipfian.next())].sort(([, a], [, b]) => b - a).slice(0, 100);
    const inLowHalf = top.filter(([key]) => key < 50_000).length;
    expect(inLowHalf).toBeGreaterThan(25);
    expect(inLowHalf).toBeLessThan(75);
  });

  test("the same seed draws the same keys", () => {
    const draw = (): number[] => {
      const zipfian = new ScrambledZipfian(1_000, new Rng(4));
      return Array.from({ length: 100 }, () => zipfian.next());
    };
    expect(draw()).toEqual(draw());
  });
});
