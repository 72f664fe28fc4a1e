/** Traps that other stores fell into; the numbers are those of the project's list of traps. */
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/base/assert.js";
import { formatDot } from "../../src/versions/actor.js";
import { EMPTY_CONTEXT } from "../../src/versions/context.js";
import { divergentDots, isDead, isEmpty, valued, standing } from "../../src/versions/key-state.js";
import type { KeyState } from "../../src/versions/key-state.js";
import { merge, settle } from "../../src/versions/merge.js";
import { compareStrings } from "../../src/versions/order.js";
import type { Sibling } from "../../src/versions/sibling.js";
import { clockJson } from "../../src/versions/version-vector.js";
import { stampFloor } from "../../src/versions/write.js";
import { Replica, bytes, canon, decoded, dotsOf, encoded, stamp } from "./support.js";

const valuesOf = (state: KeyState): string[] => {
  const values = valued(state).map((sibling) => Buffer.from(sibling.value).toString());
  return values.sort(compareStrings);
};

describe("trap 1: a coordinator forgets a key and reuses a dot (riak_kv #679)", () => {
  it("a blind write after local loss is kept by replicas that saw the earlier ones", () => {
    const [a, b] = [new Replica(1), new Replica(2)];
    a.put({ value: "old" });
    b.receive(a.state);
    a.lose();
    a.put({ value: "new" });
    b.receive(a.state);
    expect(valuesOf(b.state)).toEqual(["new", "old"]);
    a.receive(b.state);
    expect(canon(a.state)).toBe(canon(b.state));
  });

  it("a write with a context of the lost lifetime replaces what it covers and survives it", () => {
    const [a, b] = [new Replica(1), new Replica(2)];
    const { context } = a.put({ value: "old" });
    b.receive(a.state);
    a.lose();
    a.put({ value: "new", context });
    b.receive(a.state);
    expect(valuesOf(b.state)).toEqual(["new"]);
  });

  it("a key recreated after its tombstone was reaped everywhere is not taken for the deleted one", () => {
    const [a, b] = [new Replica(1), new Replica(2)];
    const { context } = a.put({ value: "old" });
    a.put({ context, deleted: true });
    b.receive(a.state);
    const late = b.state;
    a.lose();
    b.lose();
    a.put({ value: "recreated" });
    b.receive(late);
    b.receive(a.state);
    expect(valuesOf(b.state)).toEqual(["recreated"]);
  });

  it("refuses a fresh lifetime that was used before", () => {
    const a = new Replica(1);
    a.put();
    a.lifetime = undefined;
    a.births = 0;
    expect(() => a.put()).toThrow(InvariantError);
  });
});

describe("trap 2: a replica hears more of its own actor than it holds", () => {
  it("takes the state and starts a fresh lifetime before it next coordinates", () => {
    const [a, b] = [new Replica(1), new Replica(2)];
    const first = a.put({ value: "one" });
    const early = { state: a.state, lifetime: a.lifetime };
    a.put({ value: "two", context: first.context });
    b.receive(a.state);
    a.state = early.state;
    a.lifetime = early.lifetime;
    a.receive(b.state);
    expect(a.lifetime).toBeUndefined();
    a.put({ value: "three" });
    b.receive(a.state);
    expect(valuesOf(b.state)).toEqual(["three", "two"]);
  });

  it("does so too when a chain of it comes back that it does not hold", () => {
    const [a, b] = [new Replica(1), new Replica(2)];
    a.put({ value: "one" });
    const early = { state: a.state, lifetime: a.lifetime };
    a.put({ value: "blind" });
    b.receive(a.state);
    a.state = early.state;
    a.lifetime = early.lifetime;
    a.receive(b.state);
    expect(a.lifetime).toBeUndefined();
  });

  it("does so too when a client's context knows more than it holds", () => {
    const a = new Replica(1);
    const first = a.put({ value: "one" });
    const early = { state: a.state, lifetime: a.lifetime };
    const second = a.put({ value: "two", context: first.context });
    a.state = early.state;
    a.lifetime = early.lifetime;
    const third = a.put({ value: "three", context: second.context });
    expect(third.lifetime).not.toEqual(early.lifetime);
    expect(valuesOf(a.state)).toEqual(["three"]);
  });

  it("its lifetime goes on when it hears what it already knows", () => {
    const [a, b] = [new Replica(1), new Replica(2)];
    a.put();
    b.receive(a.state);
    b.put();
    const { lifetime } = a;
    a.receive(b.state);
    expect(a.lifetime).toBe(lifetime);
  });
});

describe("trap 4: one clock for a whole list of siblings", () => {
  it("two polite clients who each replace what they read never have more than two versions", () => {
    const a = new Replica(1);
    let [x, y] = [a.put().context, a.put().context];
    for (let round = 0; round < 50; round++) {
      x = a.put({ context: x }).context;
      y = a.put({ context: y }).context;
      expect(a.state.siblings).toHaveLength(2);
    }
    expect(a.state.vector.lifetimes).toHaveLength(1);
    expect(clockJson(a.state.vector)).toEqual({ "000000000001.1.1": 51, "000000000001.1.1.1": 51 });
  });

  it("a put's context covers its own write and not a sibling its client never saw", () => {
    const a = new Replica(1);
    a.put({ value: "hers" });
    const mine = a.put({ value: "mine" });
    a.put({ value: "mine again", context: mine.context });
    expect(valuesOf(a.state)).toEqual(["hers", "mine again"]);
  });
});

describe("trap 9: blind puts", () => {
  it("pile up as siblings, none dropped, and one write that saw all replaces all", () => {
    const a = new Replica(1);
    for (let i = 0; i < 300; i++) a.put();
    expect(valued(a.state)).toHaveLength(300);
    a.put({ context: a.read(), value: "resolved" });
    expect(valuesOf(a.state)).toEqual(["resolved"]);
    expect(encoded(a.state).length).toBeLessThan(100);
  });
});

describe("trap 10: equal clocks with different bytes", () => {
  const rotten = (state: KeyState, change: Partial<Sibling>): KeyState => ({
    ...state,
    siblings: state.siblings.map((sibling) => ({ ...sibling, ...change })),
  });

  it.each([{ value: bytes("rotten") }, { contentType: "x/y" }, { deleted: true }, { stamp: stamp(7) }])(
    "keeps both, names the dot, and stays a join (%o)",
    (change) => {
      const [a, b, c] = [new Replica(1), new Replica(2), new Replica(3)];
      const { context } = a.put({ value: "sound" });
      const bad = rotten(a.state, change);
      b.receive(bad);
      const both = merge(a.state, b.state, "siblings");
      expect(both.siblings).toHaveLength(2);
      expect(divergentDots(both).map(formatDot)).toEqual(["000000000001.1.1:1"]);
      expect(canon(both)).toBe(canon(merge(b.state, a.state, "siblings")));
      expect(canon(merge(both, a.state, "siblings"))).toBe(canon(both));
      expect(canon(decoded(encoded(both)))).toBe(canon(both));
      c.put({ context });
      expect(merge(both, c.state, "siblings").siblings).toHaveLength(1);
    },
  );

  it("keeps both contents of the newest write where the last write wins", () => {
    const a = new Replica(1, "lww");
    a.put({ value: "sound" });
    const both = merge(a.state, rotten(a.state, { value: bytes("rotten") }), "lww");
    expect(valuesOf(both)).toEqual(["rotten", "sound"]);
    expect(divergentDots(both)).toHaveLength(1);
  });
});

describe("trap 17: an old tombstone meets a recreated key (riak_kv #847)", () => {
  it("removes only what it covers", () => {
    const [a, b] = [new Replica(1), new Replica(2)];
    const { context } = a.put({ value: "old" });
    b.put({ context, deleted: true });
    a.lose();
    a.put({ value: "recreated" });
    a.receive(b.state);
    expect(valuesOf(a.state)).toEqual(["recreated"]);
  });
});

describe("trap 30: names that are something else to JavaScript", () => {
  it.each(["__proto__", "constructor", "\u0000", "é😀", "\ufeffx"])(
    "%j is a content type and a node's name like any other",
    (name) => {
      const a = new Replica(1);
      a.put({ contentType: name });
      const [sibling] = a.state.siblings as [Sibling];
      const renamed = { ...a.state, siblings: [{ ...sibling, origin: { ...sibling.origin, node: name } }] };
      const [again] = decoded(encoded(renamed)).siblings as [Sibling];
      expect(again.contentType).toBe(name);
      expect(again.origin.node).toBe(name);
      expect(Object.keys(clockJson(again.clock))).toEqual(["000000000001.1.1"]);
    },
  );
});

describe("deletes", () => {
  it("a tombstone is a version like any other: it hides what it covers and nothing else", () => {
    const [a, b] = [new Replica(1), new Replica(2)];
    const { context } = a.put({ value: "deleted" });
    b.put({ value: "concurrent" });
    a.put({ context, deleted: true });
    expect(isDead(a.state, 0)).toBe(true);
    expect(isEmpty(a.state)).toBe(false);
    a.receive(b.state);
    expect(valuesOf(a.state)).toEqual(["concurrent"]);
    expect(standing(a.state)).toHaveLength(2);
  });

  it("where the last write wins, the newer of a concurrent put and delete wins", () => {
    const ticks = { now: 1000 };
    const [a, b] = [new Replica(1, "lww", ticks), new Replica(2, "lww", ticks)];
    a.put({ value: "value" });
    b.put({ deleted: true });
    a.receive(b.state);
    expect(isDead(a.state, 0)).toBe(true);
    a.put({ value: "later", skew: -1000 });
    expect(valuesOf(a.state)).toEqual(["later"]);
  });
});

describe("last write wins: causality outranks clocks", () => {
  it("a write exceeds the stamps its context covers, though its coordinator never saw them", () => {
    const [a, b, c] = [new Replica(1, "lww"), new Replica(2, "lww"), new Replica(3, "lww")];
    const { context } = a.put({ value: "from the future", skew: 5_000 });
    expect(stampFloor(b.state, EMPTY_CONTEXT)).toBe(0);
    b.put({ value: "after it", context });
    c.receive(b.state);
    c.receive(a.state);
    expect(valuesOf(c.state)).toEqual(["after it"]);
    expect(dotsOf(c.state)).toEqual(["000000000002.1.1:1"]);
  });

  it("refuses a stamp that does not exceed what the write replaces", () => {
    const a = new Replica(1, "lww");
    const { context } = a.put({ skew: 1_000 });
    expect(stampFloor(a.state, EMPTY_CONTEXT)).toBe(context.stamp);
    expect(() => a.put({ stampedAt: context.stamp })).toThrow(InvariantError);
    expect(() => new Replica(2, "lww").put({ context, stampedAt: context.stamp })).toThrow(InvariantError);
  });

  it("a bucket that was switched to it settles on the newest sibling", () => {
    const a = new Replica(1);
    a.put({ value: "older" });
    a.put({ value: "newer" });
    expect(valuesOf(settle(a.state, "lww"))).toEqual(["newer"]);
    expect(settle(a.state, "siblings")).toBe(a.state);
  });
});
