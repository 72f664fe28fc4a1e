import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Stamp } from "../../src/base/hlc.js";
import type { MembershipEvent } from "../../src/ring/membership-log.js";
import { foldRing } from "../../src/ring/ring.js";
import type { Ring } from "../../src/ring/ring.js";
import { warnTooFewReplicas } from "../../src/ring/too-few-replicas.js";
import { count } from "../counts.js";
import { acts, logOf } from "./world.js";

const config = { partitions: 64, replicas: 3 };
const history = acts({ zones: 4, weightMax: 5, start: 3, stepsMax: 20 });

const join = (i: number, zone: string, weight = 1): MembershipEvent => ({
  kind: "joined",
  stamp: ((i + 1) * 1024) as Stamp,
  by: 1,
  name: `n${i}`,
  instance: i,
  zone,
  weight,
});
const joins = (n: number, zones = 1): readonly MembershipEvent[] =>
  Array.from({ length: n }, (_, i) => join(i, `z${i % zones}`));

function contentOf(ring: Ring): unknown {
  const all = Array.from({ length: ring.partitions }, (_, p) => [ring.owners(p), ring.fallbacks(p)]);
  return { version: ring.version, members: ring.members, all };
}

describe("the ring is a pure function of the membership facts", () => {
  test("any order and repetition of the events gives the same ring", () => {
    fc.assert(
      fc.property(history, fc.infiniteStream(fc.nat()), (history, order) => {
        const events = logOf(history);
        const keyed = [...events, ...events].map((event) => ({ event, key: order.next().value }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ event }) => event);
        expect(contentOf(foldRing(shuffled, config))).toEqual(contentOf(foldRing(events, config)));
      }),
      { numRuns: count(30, 500) },
    );
  });

  test("folding on from a previous ring equals folding from the start, also when an event comes late", () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(), (history, at, cut) => {
        const events = logOf(history);
        const late = events[at % events.length] as MembershipEvent;
        const known = events.filter((event) => event !== late).slice(0, 1 + (cut % events.length));
        const previous = foldRing(known, config);
        expect(contentOf(foldRing(events, config, previous))).toEqual(contentOf(foldRing(events, config)));
        const other = foldRing(events, { partitions: 128, replicas: 3 });
        expect(contentOf(foldRing(events, config, other))).toEqual(contentOf(foldRing(events, config)));
      }),
      { numRuns: count(40, 500) },
    );
  });

  test("different logs have different versions, equal ones the same", () => {
    const versions = joins(20).map((_, i) => foldRing(joins(20).slice(0, i), config).version);
    expect(new Set(versions).size).toBe(20);
    expect(foldRing(joins(3, 1), config).version).not.toBe(foldRing(joins(3, 3), config).version);
    expect(foldRing(joins(3), config).version).not.toBe(foldRing(joins(3), { ...config, replicas: 2 }).version);
  });

  test("a replaced instance keeps its places", () => {
    const before = foldRing(joins(5), config);
    const event: MembershipEvent = { kind: "replaced", stamp: 99_999 as Stamp, by: 1, name: "n2", instance: 77 };
    const after = foldRing([...joins(5), event], config, before);
    expect(after.state.table).toEqual(before.state.table);
    expect(after.version).not.toBe(before.version);
  });
});

describe("preference lists", () => {
  test("owners and fallbacks together are all members, each once; leaving ones own nothing and come last", () => {
    fc.assert(
      fc.property(history, (history) => {
        const ring = foldRing(logOf(history), config);
        const leaving = ring.members.filter((member) => member.leaving).map((member) => member.name);
        const everyone = ring.members.map((member) => member.name).sort();
        for (let partition = 0; partition < ring.partitions; partition++) {
          const owners = ring.owners(partition);
          const fallbacks = ring.fallbacks(partition);
          expect([...owners, ...fallbacks].sort()).toEqual(everyone);
          if (leaving.length === everyone.length) continue;
          expect(owners.length).toBe(Math.min(3, everyone.length - leaving.length));
          expect(fallbacks.slice(fallbacks.length - leaving.length).sort()).toEqual(leaving);
        }
      }),
      { numRuns: count(30, 500) },
    );
  });

  test("with fewer members than N all of them own everything", () => {
    for (const members of [1, 2]) {
      const ring = foldRing(joins(members), config);
      for (let p = 0; p < 64; p++)
        expect([...ring.owners(p)].sort()).toEqual(joins(members).map((event) => event.name));
      for (const { name } of ring.members) expect(ring.ownership(name)).toBe(1 / members);
    }
  });

  test("a ring of nobody has no owners, and of leaving members keeps them: there is nobody to leave to", () => {
    expect(foldRing([], config).owners(5)).toEqual([]);
    expect(foldRing([], config).fallbacks(5)).toEqual([]);
    const leaving: MembershipEvent = { kind: "leaving", stamp: 99_999 as Stamp, by: 1, name: "n0" };
    expect(foldRing([...joins(1), leaving], config).owners(5)).toEqual(["n0"]);
  });

  test("the first fallback is of a zone that owns nothing of the partition, where there is one", () => {
    const ring = foldRing(joins(20, 5), config);
    const zoneOf = (name: string | undefined): string | undefined => ring.members.find((m) => m.name === name)?.zone;
    for (let p = 0; p < 64; p++) {
      const zones = [...ring.owners(p), ...ring.fallbacks(p).slice(0, 2)].map(zoneOf);
      expect(new Set(zones).size).toBe(5);
    }
  });

  test("what a member does not serve falls on many: first fallbacks are spread by weight", () => {
    const ring = foldRing([...joins(9), join(9, "z0", 3)], { partitions: 4096, replicas: 1 });
    const times = new Map<string, number>();
    for (let p = 0; p < 4096; p++) {
      if (ring.owners(p)[0] !== "n9")
        times.set(ring.fallbacks(p)[0] as string, (times.get(ring.fallbacks(p)[0] as string) ?? 0) + 1);
    }
    const light = [...times].filter(([name]) => name !== "n9").map(([, n]) => n);
    expect(Math.max(...light) / Math.min(...light)).toBeLessThan(1.35);
    expect((times.get("n9") as number) / (light.reduce((a, b) => a + b) / light.length)).toBeGreaterThan(2);
  });

  test("each member shares partitions with all others, so that a lost one is rebuilt from many", () => {
    const ring = foldRing(joins(10), { partitions: 256, replicas: 3 });
    const company = new Map(ring.members.map((member) => [member.name, new Set<string>()]));
    for (let p = 0; p < 256; p++)
      for (const a of ring.owners(p)) for (const b of ring.owners(p)) company.get(a)?.add(b);
    for (const others of company.values()) expect(others.size).toBe(10);
  });
});

describe("too few replicas a member", () => {
  test("warns below 60 places each and names the Q to found with", () => {
    const members = (n: number): { name: string; zone: string; weight: number }[] =>
      Array.from({ length: n }, (_, i) => ({ name: `n${i}`, zone: "z", weight: 1 }));
    expect(warnTooFewReplicas([], 256, 3)).toBeUndefined();
    expect(warnTooFewReplicas(members(12), 256, 3)).toBeUndefined();
    expect(warnTooFewReplicas(members(13), 256, 3)).toMatchObject({ foundWith: 512 });
    expect(warnTooFewReplicas(members(200), 256, 3)).toMatchObject({ foundWith: 4096 });
    expect(warnTooFewReplicas(members(200), 65_536, 1)).toBeUndefined();
  });
});

describe("what cannot be a ring is refused", () => {
  test.each([
    [{ partitions: 100, replicas: 3 }],
    [{ partitions: 32, replicas: 3 }],
    [{ partitions: 131_072, replicas: 3 }],
    [{ partitions: 64, replicas: 0 }],
  ])("%o", (wrong) => {
    expect(() => foldRing([], wrong)).toThrow();
  });
});
