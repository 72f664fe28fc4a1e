import { describe, expect, it } from "vitest";
import { encodeBase64url } from "../../src/base/base64url.js";
import { limits } from "../../src/base/limits.js";
import { Rng } from "../../src/base/rng.js";
import { formatDot } from "../../src/versions/actor.js";
import type { Dot } from "../../src/versions/actor.js";
import type { CausalContext } from "../../src/versions/context.js";
import { CONTEXT_VECTOR_BYTES_MAX, EMPTY_CONTEXT, contextOf } from "../../src/versions/context.js";
import { sealContext } from "../../src/versions/context-token.js";
import { EMPTY_STATE, valued } from "../../src/versions/key-state.js";
import type { KeyState } from "../../src/versions/key-state.js";
import { merge } from "../../src/versions/merge.js";
import { boundVector } from "../../src/versions/retire.js";
import { vectorBytes } from "../../src/versions/vector-codec.js";
import { VersionVector } from "../../src/versions/version-vector.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";
import { Replica, bytes, dotAt } from "./support.js";

const WRITES = count(1_500, 10_000);

function tokenChars(context: CausalContext): number {
  return encodeBase64url(sealContext(testPrimitives, bytes("secret"), bytes("b/k"), context)).length;
}

/** What a client holds: a context, and the writes that it truly covers. */
interface Client {
  readonly context: CausalContext;
  readonly seen: Set<number>;
}

interface Habits {
  readonly blind: number;
  /** How often a client goes on from an old context of its own rather than from a read. */
  readonly stale: number;
  readonly merge: number;
  /** How often a node loses its record, or comes back with another data folder, after others have its state. */
  readonly renew: number;
  readonly clients: number;
}

/** Many clients on three nodes, against a model that knows which write replaced which. */
class Workload {
  readonly ticks = { now: 1000 };
  readonly replicas = [1, 2, 3].map((instance) => new Replica(instance, "siblings", this.ticks));
  readonly seenAt = this.replicas.map(() => new Set<number>());
  readonly clients: Client[];
  readonly replaced = new Set<number>();
  #instances = 3;
  writes = 0;
  charsMax = 0;

  constructor(
    readonly rng: Rng,
    readonly habits: Habits,
  ) {
    this.clients = Array.from({ length: habits.clients }, () => ({ context: EMPTY_CONTEXT, seen: new Set<number>() }));
  }

  step(): void {
    const { rng, habits, replicas } = this;
    const at = rng.below(3);
    if (rng.chance(habits.merge)) this.#deliver(rng.below(3), at);
    if (rng.chance(habits.renew)) this.#renew(at);
    const who = rng.below(this.clients.length);
    const replica = replicas[at] as Replica;
    const mayBlind = valued(replica.state).length < limits.siblingsMax;
    let client: Client = { context: EMPTY_CONTEXT, seen: new Set() };
    if (!mayBlind || !rng.chance(habits.blind)) {
      const old = this.clients[who] as Client;
      // Whoever adds a version, rather than replacing one, is refused at the limit; then a client reads and resolves.
      client = mayBlind && rng.chance(habits.stale) ? old : { context: replica.read(), seen: new Set(this.seenAt[at]) };
    }
    this.clients[who] = this.#put(at, client);
  }

  #put(at: number, client: Client): Client {
    const replica = this.replicas[at] as Replica;
    const seenHere = this.seenAt[at] as Set<number>;
    const i = this.writes++;
    const { context } = replica.put({
      context: client.context,
      value: String(i),
      isCurrentInstance: (instance) => this.replicas.some((other) => other.instance === instance),
    });
    for (const seen of client.seen) this.replaced.add(seen);
    const seen = new Set(client.seen).add(i);
    for (const write of seen) seenHere.add(write);
    this.charsMax = Math.max(this.charsMax, tokenChars(context), tokenChars(replica.read()));
    return { context, seen };
  }

  #deliver(from: number, to: number): void {
    (this.replicas[to] as Replica).receive((this.replicas[from] as Replica).state);
    for (const write of this.seenAt[from] as Set<number>) (this.seenAt[to] as Set<number>).add(write);
  }

  #renew(at: number): void {
    this.#deliver(at, (at + 1) % 3);
    const replica = new Replica(++this.#instances, "siblings", this.ticks);
    if (this.rng.chance(0.5)) this.replicas[at] = replica;
    else (this.replicas[at] as Replica).lose();
    (this.seenAt[at] as Set<number>).clear();
  }

  get final(): KeyState {
    return this.replicas.reduce((state, replica) => merge(state, replica.state, "siblings"), EMPTY_STATE);
  }
}

const habits: [string, Habits][] = [
  ["polite clients", { blind: 0.02, stale: 0.1, merge: 0.5, renew: 0.01, clients: 10 }],
  ["blind clients", { blind: 0.9, stale: 0, merge: 0.3, renew: 0.01, clients: 1 }],
  ["clients who never read", { blind: 0.05, stale: 0.95, merge: 0.3, renew: 0.002, clients: 200 }],
  ["nodes that are replaced all the time", { blind: 0.3, stale: 0.3, merge: 0.8, renew: 0.5, clients: 30 }],
];

describe(`after ${WRITES} interleaved writes`, () => {
  it.each(habits)(
    "no context is longer than a header may be, and no write is lost (%s)",
    { timeout: 300_000 },
    (name, habit) => {
      const load = new Workload(new Rng(7).fork(name), habit);
      for (let i = 0; i < WRITES; i++) load.step();
      expect(load.charsMax).toBeLessThanOrEqual(limits.contextCharsMax);
      const stands = new Set(load.final.siblings.map(({ value }) => Number(Buffer.from(value).toString())));
      const lost = Array.from({ length: WRITES }, (_, i) => i).filter((i) => !load.replaced.has(i) && !stands.has(i));
      expect(lost).toEqual([]);
      const retired = load.replicas.reduce((sum, replica) => sum + replica.retired, 0);
      if (retired === 0) expect([...stands].filter((i) => load.replaced.has(i))).toEqual([]);
      if (name.startsWith("nodes")) expect(retired).toBeGreaterThan(0);
    },
  );
});

describe("retiring actors", () => {
  const vector = (dots: readonly Dot[]): VersionVector => dots.reduce((sum, dot) => sum.with(dot), VersionVector.EMPTY);
  const lifetimes = (from: VersionVector): string[] => [...from.entries()].map(([actor]) => formatDot({ actor, n: 1 }));

  it("leaves a vector within the limit as it is", () => {
    const small = vector([dotAt(1, 1)]);
    expect(boundVector(small, { bytesMax: 100, keep: [] })).toEqual({ vector: small, dropped: 0 });
  });

  it("departed instances go first, then superseded lifetimes, each oldest first; live dots and the minting lifetime stay", () => {
    const departed = [dotAt(9, 1, 0, 5), dotAt(9, 1, 0, 6)];
    const superseded = [dotAt(1, 1, 0, 1), dotAt(2, 1, 0, 2)];
    const newest = [dotAt(1, 1, 0, 8), dotAt(2, 1, 0, 7)];
    const all = vector([...departed, ...superseded, ...newest]);
    const order: string[] = [];
    for (let bytesMax = vectorBytes(all) - 1; bytesMax > 0; bytesMax--) {
      const left = lifetimes(boundVector(all, { bytesMax, keep: [], isCurrentInstance: (i) => i !== 9 }).vector);
      for (const gone of lifetimes(all)) if (!left.includes(gone) && !order.includes(gone)) order.push(gone);
    }
    expect(order).toEqual([...departed, ...superseded, newest[1], newest[0]].map((dot) => formatDot(dot as Dot)));

    const [oldest] = superseded as [Dot];
    const [minting] = newest as [Dot];
    const kept = boundVector(all, { bytesMax: 1, keep: [oldest], minting: minting.actor });
    expect(lifetimes(kept.vector)).toEqual([oldest, minting].map(formatDot));
    expect(kept.dropped).toBe(4);
  });

  it("forgets the dead chains of a lifetime that has a living one", () => {
    const dots = Array.from({ length: 100 }, (_, chain) => dotAt(1, 1 + (chain % 2), chain));
    const bounded = boundVector(vector(dots), { bytesMax: 50, keep: [dots[40] as Dot] });
    expect(lifetimes(bounded.vector)).toEqual([formatDot({ ...(dots[40] as Dot), n: 1 })]);
    expect(bounded.dropped).toBe(99);
  });

  it("happens on a coordinator's write and never in a merge (trap 7)", () => {
    const old = vector(Array.from({ length: 600 }, (_, i) => dotAt(i + 10, 1)));
    const a = new Replica(1);
    const fat: KeyState = { ...EMPTY_STATE, vector: old };
    a.receive(fat);
    expect(vectorBytes(a.state.vector)).toBeGreaterThan(limits.vectorBytesMax);
    a.put();
    expect(vectorBytes(a.state.vector)).toBeLessThanOrEqual(limits.vectorBytesMax);
    expect(a.retired).toBeGreaterThan(0);
    expect(merge(a.state, fat, "siblings").vector.dominates(old)).toBe(true);

    const b = new Replica(2);
    b.receive(fat);
    const { context } = b.put({ context: b.read() });
    for (const clock of [b.state.siblings[0]?.clock, context.vector]) {
      expect(vectorBytes(clock as VersionVector)).toBeLessThanOrEqual(limits.vectorBytesMax);
    }
  });

  it("a lifetime whose chains differ too much is followed by a fresh one, so that it can be retired", () => {
    const a = new Replica(1);
    const contexts = Array.from({ length: 2 * limits.chainRunsMax }, () => a.put().context);
    contexts.forEach((context, i) => {
      if (i % 2 === 0) a.put({ context });
    });
    a.put({ context: a.read() });
    expect(a.births).toBeGreaterThan(1);
    expect(new Set(a.minted).size).toBe(a.minted.length);
  });
});

describe("a context too large for a header", () => {
  it("covers fewer siblings rather than refusing the read; repeated resolving ends with one", () => {
    let state = EMPTY_STATE;
    for (let i = 1; i <= 900; i++) {
      const node = new Replica(i);
      node.put();
      state = merge(state, node.state, "siblings");
    }
    const a = new Replica(1_000);
    a.receive(state);
    expect(vectorBytes(state.vector)).toBeGreaterThan(CONTEXT_VECTOR_BYTES_MAX);
    let rounds = 0;
    for (; valued(a.state).length > 1 && rounds < 10; rounds++) {
      const context = contextOf(a.state);
      expect(tokenChars(context)).toBeLessThanOrEqual(limits.contextCharsMax);
      a.put({ context });
    }
    expect(valued(a.state)).toHaveLength(1);
    expect(rounds).toBeGreaterThan(1);
  });
});
