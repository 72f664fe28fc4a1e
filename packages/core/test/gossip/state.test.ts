import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Reader, Writer } from "../../src/base/bytes.js";
import { decodeOrigin, encodeOrigin } from "../../src/gossip/codec.js";
import type { Ack, Ack2, Delta, GossipMessage, OriginSnapshot } from "../../src/gossip/messages.js";
import { GossipState } from "../../src/gossip/state.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";
import { bytesOf, decoded, encoded, exchange, newState, textOf } from "./world.js";

const FACTS = new Map([
  ["fact/1", bytesOf("joined")],
  ["fact/2", bytesOf("zone a")],
]);

const stored = (snapshot: OriginSnapshot | undefined): OriginSnapshot => {
  const writer = new Writer(testPrimitives.text);
  encodeOrigin(writer, snapshot as OriginSnapshot);
  return decodeOrigin(new Reader(testPrimitives.text, writer.take()));
};

describe("a round between two", () => {
  test("tells each what it lacks, and once only", () => {
    const [a, b] = [newState(1), newState(2)];
    a.set("address", bytesOf("a"));
    b.set("address", bytesOf("b"));
    const news = exchange(a, b);
    expect(news.a[0]?.changes).toEqual([{ instance: 2, key: "address", value: bytesOf("b") }]);
    expect(news.b[1]?.changes).toEqual([{ instance: 1, key: "address", value: bytesOf("a") }]);
    const again = exchange(b, a);
    expect([...again.a, ...again.b].flatMap(({ changes }) => changes)).toEqual([]);
    expect(again.a).toHaveLength(1);
  });

  test("a heartbeat travels in digests and takes no version", () => {
    const [a, b, c] = [newState(1), newState(2), newState(3)];
    exchange(a, b);
    exchange(b, c);
    a.beat();
    expect(exchange(a, b).b.flatMap(({ heard }) => heard)).toEqual([1]);
    // The livelier one's news travels whoever opens.
    expect(exchange(c, b).a.flatMap(({ heard }) => heard)).toEqual([1]);
    expect(exchange(b, c).b.flatMap(({ heard }) => heard)).toEqual([]);
    expect(c.origins()[0]).toEqual({ instance: 1, boot: 1, heartbeat: 1, version: 0 });
  });

  test("saying the same again is no news", () => {
    const state = newState(1);
    expect(state.set("zone", bytesOf("z"))).toBe(true);
    expect(state.set("zone", bytesOf("z"))).toBe(false);
    expect(state.self.version).toBe(1);
  });

  test("an entry does not change when the caller's or the message's bytes do", () => {
    const [a, b] = [newState(1), newState(2)];
    const value = bytesOf("as it was");
    a.set("k", value);
    const ack = encoded(a.receive(b.syn()).reply as GossipMessage);
    b.receive(decoded(ack));
    value.fill(0);
    ack.fill(0);
    expect([textOf(a.get(1, "k")), textOf(b.get(1, "k"))]).toEqual(["as it was", "as it was"]);
  });

  test("entries beyond the limits are refused where they are published", () => {
    const state = newState(1);
    expect(() => state.set("", bytesOf("x"))).toThrow(RangeError);
    expect(() => state.set("naïve", bytesOf("x"))).toThrow(RangeError);
    expect(() => state.set("k".repeat(256), bytesOf("x"))).toThrow(RangeError);
    expect(() => state.set("k", new Uint8Array(4097))).toThrow(RangeError);
    expect(state.set("__proto__", bytesOf("x"))).toBe(true);
    expect(textOf(state.get(1, "__proto__"))).toBe("x");
  });
});

describe("incarnations", () => {
  test("a higher one replaces the earlier one whole", () => {
    const [old, b] = [newState(1, { republish: FACTS }), newState(2)];
    old.set("load", bytesOf("high"));
    exchange(old, b);
    const again = newState(1, { boot: 2, republish: new Map([...FACTS].slice(0, 1)) });
    const changes = exchange(again, b).b[1]?.changes;
    expect(b.entriesWithPrefix("").map(({ key }) => key)).toEqual(["fact/1"]);
    expect(changes).toEqual([
      { instance: 1, key: "fact/2", value: undefined },
      { instance: 1, key: "load", value: undefined },
    ]);
  });

  test("a stale one never comes back, from whomever, by whatever message", () => {
    const [old, b, c] = [newState(1, { republish: FACTS }), newState(2), newState(3)];
    for (let i = 0; i < 9; i++) old.beat();
    exchange(old, b);
    exchange(old, c);
    const lateSyn = old.syn();
    const lateAck = old.receive(newState(4).syn()).reply as GossipMessage;
    const again = newState(1, { boot: 2 });
    exchange(again, b);
    for (const late of [lateSyn, lateAck]) {
      const { changes, heard } = b.receive(late);
      expect(changes).toEqual([]);
      expect(heard).not.toContain(1);
    }
    exchange(c, b);
    for (const state of [b, c]) {
      expect(state.origins()[0]).toMatchObject({ instance: 1, boot: 2, version: 0 });
      expect(state.entriesWithPrefix("fact/")).toEqual([]);
    }
  });

  test("a restart is seen at one moment: facts that are said again never vanish meanwhile", () => {
    const many = new Map(
      Array.from({ length: 40 }, (_, i) => [`fact/${i}`, bytesOf(`the fact with number ${i}`)] as const),
    );
    const small = { messageBytesMax: 800, valueBytesMax: 64 };
    const b = newState(2, small);
    const before = newState(1, { ...small, republish: many });
    before.set("status", bytesOf("old"));
    for (let i = 0; i < 20; i++) exchange(before, b);
    expect(b.entriesWithPrefix("fact/")).toHaveLength(40);
    const again = newState(1, { ...small, boot: 2, republish: many });
    let rounds = 0;
    for (; b.origins()[0]?.version !== 40; rounds++) {
      expect(b.entriesWithPrefix("fact/")).toHaveLength(40);
      expect(textOf(b.get(1, "status"))).toBe("old");
      exchange(again, b);
    }
    expect(rounds).toBeGreaterThan(1);
    expect(b.entriesWithPrefix("fact/")).toHaveLength(40);
    expect(b.get(1, "status")).toBeUndefined();
  });

  test("TRAPS 3: another who speaks as this instance is noticed", () => {
    const [b, c] = [newState(2), newState(3)];
    const clone = newState(1, { boot: 5 });
    exchange(clone, b);
    const self = newState(1, { boot: 4 });
    expect(exchange(self, b).a[0]?.rival).toBe(true);
    const [twin, other] = [newState(1), newState(1)];
    twin.beat();
    exchange(twin, c);
    expect(exchange(other, c).a[0]?.rival).toBe(true);
    expect(self.self).toMatchObject({ boot: 4, version: 0 });
  });

  test("an honest member never takes itself for a rival, though all that it said comes back to it", () => {
    const [a, b] = [newState(1, { boot: 2, republish: FACTS }), newState(2)];
    exchange(newState(1, { boot: 1 }), b);
    for (let i = 0; i < 5; i++) {
      a.beat();
      a.set("load", bytesOf(`${i}`));
      for (const news of [...exchange(a, b).a, ...exchange(b, a).b]) expect(news.rival).toBe(false);
      expect(a.receive(a.syn()).rival).toBe(false);
    }
  });
});

describe("what was on disk", () => {
  test("is there after a restart without any peer, and is passed on", () => {
    const [a, b] = [newState(1, { republish: FACTS }), newState(2)];
    exchange(a, b);
    const restarted = newState(2, { boot: 2 });
    restarted.restore([stored(b.snapshot(1)), stored(b.snapshot(2))]);
    expect(restarted.entriesWithPrefix("fact/")).toHaveLength(2);
    expect(restarted.self).toMatchObject({ boot: 2 });
    const c = newState(3);
    exchange(c, restarted);
    expect(c.entriesWithPrefix("fact/")).toHaveLength(2);
  });

  test("gives way to what is known better, and never the other way round", () => {
    const [a, b] = [newState(1), newState(2)];
    a.set("status", bytesOf("old"));
    exchange(a, b);
    const old = stored(b.snapshot(1));
    a.set("status", bytesOf("new"));
    exchange(a, b);
    b.restore([old]);
    expect(textOf(b.get(1, "status"))).toBe("new");
  });
});

/** What each incarnation of each origin said, by version from 1: the truth to hold every state against. */
type History = Map<number, Map<number, { readonly key: string; readonly value: string }[]>>;

function demandTruth(state: GossipState, history: History): void {
  const demand = (holds: boolean, what: string): void => {
    // `expect` costs too much to be called a million times.
    if (!holds) expect.fail(what);
  };
  for (const { instance } of state.origins()) {
    const { boot, version, base, entries } = state.snapshot(instance) as OriginSnapshot;
    const boots = history.get(instance) as Map<number, { key: string; value: string }[]>;
    const said = boots.get(boot) ?? [];
    const before = [...boots].flatMap(([of, all]) => (of < boot ? all : []));
    const held = new Map(entries.map((entry) => [entry.key, entry]));
    for (const entry of entries) {
      const same = (one: { key: string; value: string } | undefined): boolean =>
        one?.key === entry.key && one.value === textOf(entry.value);
      if (entry.version === 0) {
        demand(version < base, "nothing is inherited once the new incarnation has said its own");
        demand(before.some(same), "what is inherited was said before");
      } else {
        demand(entry.version <= version, "no entry is above the version that is claimed");
        demand(same(said[entry.version - 1]), "an entry is what its origin said at that version");
      }
    }
    const latest = new Map(said.map(({ key }, i) => [key, i + 1]));
    for (const [key, at] of latest) {
      demand(at > version || held.get(key)?.version === at, "what was said up to the version and not replaced is here");
    }
  }
}

describe("a state that claims version v of an origin holds exactly what that origin said up to v and has not replaced", () => {
  const NODES = 4;
  const pad = "-".repeat(70);
  const small = { messageBytesMax: 720, valueBytesMax: 16 };

  interface Run {
    readonly states: GossipState[];
    readonly history: History;
    readonly soup: { readonly to: number; readonly from: number; readonly bytes: Uint8Array }[];
  }

  const say = ({ states, history }: Run, node: number, key: string, value: string): void => {
    const state = states[node] as GossipState;
    if (!state.set(key, bytesOf(value))) return;
    const boots = history.get(node) as Map<number, { key: string; value: string }[]>;
    boots.set(state.self.boot, [...(boots.get(state.self.boot) ?? []), { key, value }]);
  };

  const restart = (run: Run, node: number): void => {
    const old = run.states[node] as GossipState;
    const own = (old.snapshot(node) as OriginSnapshot).entries.filter(({ key }) => key.startsWith("fact/"));
    const boot = old.self.boot + 1;
    const republish = new Map(own.map(({ key, value }) => [key, value]));
    const state = newState(node, { ...small, boot, republish });
    state.restore(old.origins().map(({ instance }) => stored(old.snapshot(instance))));
    run.states[node] = state;
    run.history.get(node)?.set(
      boot,
      own.map(({ key, value }) => ({ key, value: textOf(value) as string })),
    );
  };

  /** Returns how many deltas of the reply were cut. */
  const deliver = ({ states, soup }: Run, at: number, keep: boolean): number => {
    const parcel = soup[at % Math.max(1, soup.length)];
    if (parcel === undefined) return 0;
    if (!keep) soup.splice(at % soup.length, 1);
    const { reply, rival } = (states[parcel.to] as GossipState).receive(decoded(parcel.bytes));
    expect(rival).toBe(false);
    if (reply === undefined || reply.kind === "syn") return 0;
    soup.push({ from: parcel.to, to: parcel.from, bytes: encoded(reply) });
    const whole = (instance: number): number => states[parcel.to]?.snapshot(instance)?.version ?? 0;
    return reply.deltas.filter(({ instance, entries }) => (entries.at(-1)?.version ?? 0) < whole(instance)).length;
  };

  const node = fc.nat(NODES - 1);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("say" as const), node, key: fc.nat(14), value: fc.nat(99) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), node }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("open" as const), node, to: node }) },
    { weight: 14, arbitrary: fc.record({ do: fc.constant("deliver" as const), at: fc.nat(), keep: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), at: fc.nat() }) },
  );

  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  /** Returns how many deltas were cut. */
  const take = (run: Run, each: Step): number => {
    switch (each.do) {
      case "say":
        say(run, each.node, `${each.key % 3 ? "fact" : "load"}/${each.key}${pad}`, `${each.value}`);
        return 0;
      case "restart":
        restart(run, each.node);
        return 0;
      case "open":
        if (each.node === each.to) return 0;
        run.soup.push({ from: each.node, to: each.to, bytes: encoded((run.states[each.node] as GossipState).syn()) });
        return 0;
      case "deliver":
        return deliver(run, each.at, each.keep);
      case "lose":
        run.soup.splice(each.at % Math.max(1, run.soup.length), 1);
        return 0;
    }
  };

  test(
    "under loss, repetition, any order, restarts and cut deltas; and all agree in the end",
    { timeout: 300_000 },
    () => {
      let cuts = 0;
      fc.assert(
        fc.property(fc.array(step, { minLength: 40, maxLength: 160 }), (steps) => {
          const run: Run = { states: [], history: new Map(), soup: [] };
          for (let i = 0; i < NODES; i++) {
            run.states.push(newState(i, small));
            run.history.set(i, new Map());
          }
          for (const each of steps) {
            cuts += take(run, each);
            for (const { bytes } of run.soup)
              if (bytes.length > small.messageBytesMax) expect.fail("a message too long");
            if (each.do === "restart" || each.do === "deliver") {
              for (const state of run.states) demandTruth(state, run.history);
            }
          }
          for (const state of run.states) demandTruth(state, run.history);
          const views = (): Set<string> =>
            new Set(
              run.states.map((s) =>
                JSON.stringify(s.origins().map(({ instance }) => ({ ...s.snapshot(instance), heartbeat: 0 }))),
              ),
            );
          for (let round = 0; views().size > 1 || round < NODES; round++) {
            expect(round).toBeLessThan(40);
            for (let i = 0; i < NODES; i++)
              exchange(run.states[i] as GossipState, run.states[(i + 1) % NODES] as GossipState);
            for (const state of run.states) demandTruth(state, run.history);
          }
        }),
        { numRuns: count(40, 2_000), seed: 20261123 },
      );
      // A run in which every delta fitted would have proved nothing about cut ones.
      expect(cuts).toBeGreaterThan(0);
    },
  );

  test("a delta with a gap before it is not taken, of a known incarnation or of a new one", () => {
    const a = newState(1);
    for (const key of ["k1", "k2", "k3"]) a.set(key, bytesOf(key));
    const b = newState(2);
    const ack = a.receive(b.syn()).reply as Ack;
    const [whole] = ack.deltas as [Delta];
    const cut = (from: number, to: number, boot = 1): Ack2 => ({
      kind: "ack2",
      deltas: [{ ...whole, boot, after: from, entries: whole.entries.slice(from, to) }],
    });
    // Nothing is known yet; then one entry is; then another incarnation's later part comes first.
    expect(b.receive(cut(1, 3))).toMatchObject({ changes: [], heard: [] });
    expect(b.receive(cut(0, 1)).changes).toHaveLength(1);
    expect(b.receive(cut(2, 3)).changes).toEqual([]);
    expect(b.receive(cut(1, 3, 2))).toMatchObject({ changes: [], heard: [] });
    expect(b.origins()[0]).toMatchObject({ instance: 1, boot: 1, version: 1 });
    expect(b.receive(cut(1, 3)).changes).toHaveLength(2);
  });
});
