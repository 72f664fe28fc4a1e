import { describe, expect, test } from "vitest";
import { count } from "../counts.js";
import { limits } from "../../src/base/limits.js";
import { World, bytesOf, decoded, encoded, exchange, instanceOf, newState, textOf } from "./world.js";

/** Rounds that an epidemic with three peers a round may take: log2 n, and a few more for the last ones. */
const roundsFor = (n: number): number => Math.ceil(Math.log2(n)) + 4;
const SIZES = [10, 100, ...(count(0, 1) ? [1_000] : [])];

describe("Dynamo §4.8.1: an eventually consistent view of membership", () => {
  test.each(SIZES)(
    "a new entry reaches all of %i members in O(log n) rounds of bounded messages",
    { timeout: 300_000 },
    (n) => {
      const world = new World(n);
      for (const [i, state] of world.states.entries()) state.set("address", bytesOf(`10.0.0.${i}:7401`));
      world.acquaint();
      world.states[n - 1]?.set("fact/1", bytesOf("joined"));
      const known = (): boolean =>
        world.states.every((state) => textOf(state.get(instanceOf(n - 1), "fact/1")) === "joined");
      expect(known()).toBe(false);
      const rounds = world.roundsUntil(known, roundsFor(n));
      const kibibytes = world.bytes / n / world.rounds / 1024;
      console.log(`convergence at ${n}: ${rounds} rounds, ${kibibytes.toFixed(1)} KiB a node and round`);
      expect(rounds).toBeLessThanOrEqual(roundsFor(n));
      expect(world.longestBytes).toBeLessThanOrEqual(limits.gossipMessageBytesMax);
      // Each node opens at most fanout + 1 rounds and a round has three messages.
      expect(world.bytes / n / world.rounds).toBeLessThanOrEqual(
        3 * (limits.gossipFanout + 1) * limits.gossipMessageBytesMax,
      );
    },
  );

  test.each(SIZES)("a cluster of %i that knows one seed comes to know itself", { timeout: 600_000 }, (n) => {
    const world = new World(n, { seed: 7 });
    for (const [i, state] of world.states.entries()) state.set("address", bytesOf(`10.0.0.${i}:7401`));
    expect(world.roundsUntil(() => world.agree(), 2 * roundsFor(n))).toBeLessThanOrEqual(2 * roundsFor(n));
    expect(world.longestBytes).toBeLessThanOrEqual(limits.gossipMessageBytesMax);
  });

  test.each([0.1, 0.3])("with %f of all messages lost it takes a few rounds more", (lossProbability) => {
    const n = count(40, 100);
    const world = new World(n, { seed: 3, lossProbability });
    for (const state of world.states) state.set("address", bytesOf("somewhere"));
    const roundsMax = 4 * roundsFor(n);
    expect(world.roundsUntil(() => world.agree(), roundsMax)).toBeLessThanOrEqual(roundsMax);
    expect(world.lost).toBeGreaterThan(n);
  });

  test("when everybody talks all the time in messages far too small, everybody still catches up once it is quiet", () => {
    const world = new World(20, { seed: 5, state: { messageBytesMax: 720, valueBytesMax: 16 } });
    for (let round = 0; round < 20; round++) {
      for (const state of world.states) for (let i = 0; i < 5; i++) state.set(`load/${i}`, bytesOf(`${round}`));
      world.round();
    }
    expect(world.agree()).toBe(false);
    expect(world.roundsUntil(() => world.agree(), 60)).toBeLessThanOrEqual(60);
    expect(world.longestBytes).toBeLessThanOrEqual(720);
  });

  test("the same seed gives the same run", () => {
    const run = (): string => {
      const world = new World(12, {
        seed: 9,
        lossProbability: 0.2,
        state: { messageBytesMax: 720, valueBytesMax: 16 },
      });
      for (let i = 0; i < 6; i++) world.round();
      return JSON.stringify([world.bytes, world.lost, world.states.map((state) => state.origins())]);
    };
    expect(run()).toBe(run());
  });
});

describe("DESIGN §6: a message is bounded in size however large the cluster", () => {
  const crowd = (size: number, valueBytes: number): ReturnType<typeof newState> => {
    const state = newState(1);
    for (let i = 0; i < size; i++) {
      const member = newState(instanceOf(i));
      for (const key of ["address", "load", "zone"]) member.set(key, new Uint8Array(valueBytes).fill(i));
      member.beat();
      state.restore([member.snapshot(instanceOf(i))].flatMap((each) => each ?? []));
    }
    return state;
  };

  test.each([1_000, 3_000])("a newcomer learns %i origins from one member, message by bounded message", (size) => {
    const old = crowd(size, 40);
    const newcomer = newState(2);
    let rounds = 0;
    const missing = (): boolean =>
      newcomer.origins().length < size + 2 || newcomer.entriesWithPrefix("zone").length < size;
    for (; missing() && rounds < 100; rounds++) exchange(newcomer, old);
    expect(missing()).toBe(false);
    // 16 KiB hold 80 or so of these origins; the rounds are what the bytes dictate, with half of each message wasted at worst.
    expect(rounds).toBeLessThanOrEqual(((size * 3 * 60) / limits.gossipMessageBytesMax) * 2 + 10);
  });

  test("entries of the largest size still move, one or two a message", () => {
    const old = crowd(20, limits.gossipValueBytesMax);
    const newcomer = newState(2);
    for (let round = 0; round < 100; round++) exchange(newcomer, old);
    expect(newcomer.entriesWithPrefix("").length).toBe(60);
  });

  test("a limit that the longest entry does not fit twice is refused at the start", () => {
    expect(() => newState(1, { messageBytesMax: 1_000 })).toThrow("fits in half a message");
  });

  test("every instance is mentioned or ruled out by some syn, though no syn has room for all", () => {
    const state = crowd(3_000, 1);
    const mentioned = new Set<number>();
    for (let i = 0; i < 40; i++) {
      const syn = state.syn();
      expect(syn.digests.length).toBeLessThan(3_000);
      for (const { instance } of syn.digests) mentioned.add(instance);
    }
    expect(mentioned.size).toBe(3_000);
  });

  test("a syn without room for all asks only for what lies in its range, so that equals send each other nothing", () => {
    const [a, b] = [crowd(3_000, 1), newState(2)];
    b.restore(a.origins().flatMap(({ instance }) => a.snapshot(instance) ?? []));
    exchange(a, b);
    for (let i = 0; i < 10; i++) {
      const syn = b.syn();
      expect(syn.digests.length).toBeLessThan(3_000);
      expect(a.receive(syn).reply).toMatchObject({ kind: "ack", deltas: [] });
    }
  });

  test("heartbeats, which always move, leave room for entries", () => {
    const members = Array.from({ length: 1_300 }, (_, i) => newState(instanceOf(i)).snapshot(instanceOf(i))!);
    const [opener, answerer] = [newState(1), newState(2)];
    opener.restore(members);
    answerer.restore(members.map((member) => ({ ...member, heartbeat: 1_000_000 })));
    for (let i = 0; i < 3; i++) answerer.set(`fact/${i}`, new Uint8Array(limits.gossipValueBytesMax));
    const ack = encoded(answerer.receive(opener.syn()).reply!);
    expect(ack.length).toBeLessThanOrEqual(limits.gossipMessageBytesMax);
    const { changes, heard } = opener.receive(decoded(ack));
    expect(changes).toHaveLength(1);
    expect(heard.length).toBeGreaterThan(500);
  });

  test("a quiet member's one fact does not wait behind the backlog of a busy one", () => {
    const old = newState(1, { messageBytesMax: 2_000, valueBytesMax: 256 });
    for (let i = 0; i < 500; i++) old.set(`load/${i}`, new Uint8Array(50));
    const quiet = newState(3);
    quiet.set("fact/1", bytesOf("leaving"));
    exchange(quiet, old);
    const newcomer = newState(2, { messageBytesMax: 2_000, valueBytesMax: 256 });
    exchange(newcomer, old);
    expect(textOf(newcomer.get(3, "fact/1"))).toBe("leaving");
    expect(newcomer.entriesWithPrefix("load/").length).toBeLessThan(500);
  });
});
