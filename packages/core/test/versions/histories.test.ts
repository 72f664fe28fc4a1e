import { describe, expect, it } from "vitest";
import type { Dot, Lifetime } from "../../src/versions/actor.js";
import { compareDots } from "../../src/versions/actor.js";
import type { CausalContext } from "../../src/versions/context.js";
import { EMPTY_CONTEXT, contextOf } from "../../src/versions/context.js";
import { EMPTY_STATE, valued } from "../../src/versions/key-state.js";
import type { ConflictMode, KeyState } from "../../src/versions/key-state.js";
import { merge } from "../../src/versions/merge.js";
import type { VersionVector } from "../../src/versions/version-vector.js";
import { lifetimeAfterMerge, stampFloor, write } from "../../src/versions/write.js";
import { count } from "../counts.js";
import { canon, stamp } from "./support.js";

/*
 * Every small history against a model too simple to be wrong: a write knows the set of writes that it replaced, a replica the set that it has
 * seen, and what stands is what no seen write replaced. Sets are bit masks; write number i is bit i.
 */
interface Event {
  readonly dot: Dot;
  readonly past: number;
  readonly stamp: number;
}

interface Node {
  readonly state: KeyState;
  readonly lifetime: Lifetime | undefined;
  readonly births: number;
  readonly seen: number;
}

interface Known {
  readonly context: CausalContext;
  readonly mask: number;
}

interface World {
  readonly nodes: readonly Node[];
  readonly events: readonly Event[];
  readonly contexts: readonly Known[];
}

const NODES = 3;
const WRITES_MAX = 4;
const bit = (i: number): number => 1 << i;
const without = <T>(items: readonly T[], index: number, item: T): T[] =>
  items.map((old, i) => (i === index ? item : old));

function start(): World {
  const node: Node = { state: EMPTY_STATE, lifetime: undefined, births: 0, seen: 0 };
  return {
    nodes: Array.from({ length: NODES }, () => node),
    events: [],
    contexts: [{ context: EMPTY_CONTEXT, mask: 0 }],
  };
}

/** A client may keep a context for ever: each one that anybody ever got can come with any later write. */
function learn(world: World, known: Known): World {
  return world.contexts.some(({ mask }) => mask === known.mask)
    ? world
    : { ...world, contexts: [...world.contexts, known] };
}

function put(world: World, at: number, { context, mask }: Known, mode: ConflictMode): World {
  const node = world.nodes[at] as Node;
  const i = world.events.length;
  // The clocks of the nodes differ, so that the newest write is not always the last one.
  const now = Math.max(100 * i - 150 * at + 1000, stampFloor(node.state, context) + 1);
  const fresh = { boot: 1, birth: node.births + 1 };
  const result = write(node.state, {
    mode,
    instance: at + 1,
    lifetime: node.lifetime,
    fresh,
    context,
    stamp: stamp(now),
    deleted: i % 2 === 1,
    contentType: "",
    value: Uint8Array.of(i),
    origin: { node: `n${at}`, fallback: false, context: mask !== 0 },
  });
  const births = node.births + (result.lifetime === fresh ? 1 : 0);
  const past = mode === "lww" ? node.seen | mask : mask;
  const seen = node.seen | mask | bit(i);
  const nodes = without(world.nodes, at, { state: result.state, lifetime: result.lifetime, births, seen });
  const events = [...world.events, { dot: result.dot, past, stamp: now }];
  return learn({ ...world, nodes, events }, { context: result.context, mask: past | bit(i) });
}

function receive(world: World, from: number, to: number, mode: ConflictMode): World {
  const [sender, receiver] = [world.nodes[from] as Node, world.nodes[to] as Node];
  const { vector } = sender.state;
  const next: Node = {
    state: merge(receiver.state, sender.state, mode),
    lifetime: lifetimeAfterMerge(receiver.state.vector, to + 1, receiver.lifetime, vector),
    births: receiver.births,
    seen: receiver.seen | sender.seen,
  };
  return { ...world, nodes: without(world.nodes, to, next) };
}

function lose(world: World, at: number): World {
  const { births } = world.nodes[at] as Node;
  return { ...world, nodes: without(world.nodes, at, { state: EMPTY_STATE, lifetime: undefined, births, seen: 0 }) };
}

/** All that can happen next. Nodes are alike, so a node that did nothing yet is used only after the ones before it. */
function* nextWorlds(world: World, mode: ConflictMode): Generator<World> {
  const used = world.nodes.filter(({ births }) => births > 0).length;
  for (let at = 0; at < NODES; at++) {
    const node = world.nodes[at] as Node;
    if (at <= used && world.events.length < WRITES_MAX) {
      const read: Known = { context: contextOf(node.state), mask: node.seen };
      const informed = learn(world, read);
      for (const known of informed.contexts) yield put(informed, at, known, mode);
    }
    if (node.seen !== 0) yield lose(world, at);
    for (let to = 0; to < NODES; to++) {
      if (to === at || (node.seen | (world.nodes[to] as Node).seen) === (world.nodes[to] as Node).seen) continue;
      yield receive(world, at, to, mode);
    }
  }
}

function maskOf(vector: VersionVector, events: readonly Event[]): number {
  return events.reduce((mask, { dot }, i) => (vector.covers(dot) ? mask | bit(i) : mask), 0);
}

/** What stands of a set of seen writes. */
function standingOf(seen: number, events: readonly Event[], mode: ConflictMode): number[] {
  const all = events.map((_, i) => i).filter((i) => (seen & bit(i)) !== 0);
  const maximal = all.filter((i) => !all.some((j) => ((events[j] as Event).past & bit(i)) !== 0));
  if (mode === "siblings") return maximal;
  const newest = maximal.sort((i, j) => {
    const [x, y] = [events[i] as Event, events[j] as Event];
    return x.stamp - y.stamp || compareDots(x.dot, y.dot);
  });
  return newest.slice(-1);
}

function fail(what: string, world: World): never {
  const events = world.events.map(({ past, stamp: at }, i) => `${i}: past ${past.toString(2)}, stamp ${at}`);
  throw new Error(`${what}\n${events.join("\n")}\nseen ${world.nodes.map(({ seen }) => seen.toString(2)).join(", ")}`);
}

function check(world: World, mode: ConflictMode): void {
  const { events, nodes, contexts } = world;
  for (const { state, seen } of nodes) {
    const expected = standingOf(seen, events, mode);
    const found = state.siblings.map(({ value }) => value[0] as number).sort((a, b) => a - b);
    if (found.join() !== expected.join()) fail(`stands ${found.join()}, expected ${expected.join()}`, world);
    const alive = valued(state).map(({ value }) => (value[0] as number) % 2);
    if (alive.some((odd) => odd === 1) || alive.length !== expected.filter((i) => i % 2 === 0).length)
      fail("tombstones", world);
    if (maskOf(state.vector, events) !== seen) fail("the vector covers other writes than were seen", world);
    for (const { clock, value } of state.siblings) {
      const i = value[0] as number;
      if (maskOf(clock, events) !== ((events[i] as Event).past | bit(i)))
        fail(`the clock of ${i} is not its past`, world);
    }
  }
  for (const { context, mask } of contexts) {
    if (maskOf(context.vector, events) !== mask) fail("a context covers other writes than it should", world);
    const covered = events.filter((_, i) => (mask & bit(i)) !== 0);
    if (covered.some((event) => event.stamp > context.stamp)) fail("a context's stamp is below what it covers", world);
  }
}

function checkLaws(world: World, mode: ConflictMode): void {
  const [a, b, c] = world.nodes.map(({ state }) => state) as [KeyState, KeyState, KeyState];
  const orders = [
    [a, b, c],
    [b, a, c],
    [c, a, b],
    [c, b, a],
  ] as [KeyState, KeyState, KeyState][];
  const results = orders.map(([x, y, z]) => canon(merge(merge(x, y, mode), z, mode)));
  results.push(canon(merge(a, merge(b, c, mode), mode)));
  if (new Set(results).size !== 1) fail("the order of merging matters", world);
}

function explore(world: World, stepsLeft: number, mode: ConflictMode): number {
  check(world, mode);
  if (stepsLeft === 0) {
    checkLaws(world, mode);
    return 1;
  }
  let histories = 0;
  for (const next of nextWorlds(world, mode)) histories += explore(next, stepsLeft - 1, mode);
  return histories;
}

describe.each(["siblings", "lww"] as const)("all small histories of three nodes (%s)", (mode) => {
  it("puts with every context, deletes, merges and local losses end as the model says", { timeout: 600_000 }, () => {
    const histories = explore(start(), count(5, 6), mode);
    expect(histories).toBeGreaterThan(5_000);
  });

  it("no clock is equal to or before another's unless its write was replaced by it", () => {
    const visit = (world: World, left: number): void => {
      const clocks = world.events.map((event) => ({ event, clock: clockOf(world, event.dot) }));
      clocks.forEach((x, i) =>
        clocks.forEach((y, j) => {
          if (i === j || x.clock === undefined || y.clock === undefined) return;
          const replaced = (y.event.past & bit(i)) !== 0;
          if ((x.clock.compare(y.clock) === "before") !== replaced) fail(`clocks of ${i} and ${j}`, world);
        }),
      );
      if (left > 0) for (const next of nextWorlds(world, mode)) visit(next, left - 1);
    };
    visit(start(), 4);
  });
});

/** The clock under which any node still holds the write. */
function clockOf(world: World, dot: Dot): VersionVector | undefined {
  for (const { state } of world.nodes) {
    const sibling = state.siblings.find((held) => held.dot === dot);
    if (sibling) return sibling.clock;
  }
  return undefined;
}
