import { describe, expect, test } from "vitest";
import { Rng } from "../../src/base/rng.js";
import { choosePeers } from "../../src/gossip/peers.js";

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
const draws = 3_000;

/** How often each peer was chosen in many rounds. */
function tally(live: number[], down: number[], seeds: number[], fanout: number): Map<number, number> {
  const rng = new Rng(21);
  const counts = new Map<number, number>();
  for (let i = 0; i < draws; i++) {
    const chosen = choosePeers(rng, { live, down, seeds }, fanout);
    expect(new Set(chosen).size).toBe(chosen.length);
    expect(chosen.length).toBeLessThanOrEqual(fanout + 2);
    for (const peer of chosen) counts.set(peer, (counts.get(peer) ?? 0) + 1);
  }
  return counts;
}

describe("Dynamo §4.8.1: each node contacts a peer chosen at random", () => {
  test("live members are chosen evenly", () => {
    const counts = tally(numbers(0, 30), [], [], 3);
    expect(counts.size).toBe(30);
    for (const times of counts.values()) expect(Math.abs(times - draws / 10)).toBeLessThan(draws / 30);
  });

  test("all of them when they are few, and nobody when there is nobody", () => {
    const rng = new Rng(1);
    expect(choosePeers(rng, { live: [1, 2], down: [], seeds: [] }, 3).toSorted((a, b) => a - b)).toEqual([1, 2]);
    expect(choosePeers(rng, { live: [], down: [], seeds: [] }, 3)).toEqual([]);
  });

  test("a lost member is tried now and then, the more the more are lost", () => {
    const one = tally(numbers(0, 9), [100], [], 3).get(100) ?? 0;
    expect(one).toBeGreaterThan(draws / 15);
    expect(one).toBeLessThan(draws / 7);
    const all = tally([], [100, 101], [], 3);
    expect((all.get(100) ?? 0) + (all.get(101) ?? 0)).toBe(draws);
  });

  test("§4.8.2: seeds against logical partitions: always when few are known, now and then for ever", () => {
    expect(tally([], [], [7], 3).get(7)).toBe(draws);
    expect(tally([1], [], [7, 8], 3).size).toBe(3);
    const among = tally(numbers(0, 50), [], [200, 201], 3);
    const times = (among.get(200) ?? 0) + (among.get(201) ?? 0);
    expect(times).toBeGreaterThan(draws / 50);
    expect(times).toBeLessThan(draws / 12);
  });
});
