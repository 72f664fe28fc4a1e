/**
 * Version vectors: a set of events that holds, with each event, all earlier ones of its actor (Dynamo §4.4; Parker et al. 1983).
 * Chains keep every clock in this form, so that "happened before" is dominance, with no exceptions beside it.
 */
import type { Actor, Dot, Lifetime } from "./actor.js";
import { compareLifetimes, formatActor } from "./actor.js";
import { NO_CHAINS, counterAt, maskRuns, runsDominate, singleChain, unionRuns } from "./chain-runs.js";
import type { ChainRuns } from "./chain-runs.js";
import { compareNumbers } from "./order.js";

/** The events of one lifetime: a vector's unit in memory and on the wire. */
export interface LifetimeEvents extends Lifetime {
  readonly instance: number;
  readonly runs: ChainRuns;
}

/** How two histories relate. `before`: the other one holds all of this and more. */
export type CausalOrder = "equal" | "before" | "after" | "concurrent";

/** Immutable. Most have one to three lifetimes of one chain each, so looking one up is a walk. */
export class VersionVector {
  static readonly EMPTY = new VersionVector([]);

  /** `lifetimes` must be sorted, distinct, and have canonical runs that are not empty. */
  private constructor(readonly lifetimes: readonly LifetimeEvents[]) {}

  /** For decoders, which have checked what the constructor asks for. */
  static ofLifetimes(lifetimes: readonly LifetimeEvents[]): VersionVector {
    return lifetimes.length === 0 ? VersionVector.EMPTY : new VersionVector(lifetimes);
  }

  /** The dot and all earlier ones of its actor. */
  static of(dot: Dot): VersionVector {
    const { instance, boot, birth, chain } = dot.actor;
    return new VersionVector([{ instance, boot, birth, runs: singleChain(chain, dot.n) }]);
  }

  get isEmpty(): boolean {
    return this.lifetimes.length === 0;
  }

  /** The chains of one lifetime; none when nothing of it was seen. */
  runsOf(instance: number, lifetime: Lifetime): ChainRuns {
    for (const events of this.lifetimes) {
      if (events.instance === instance && events.boot === lifetime.boot && events.birth === lifetime.birth) {
        return events.runs;
      }
    }
    return NO_CHAINS;
  }

  /** How many events of the actor this covers. */
  get(actor: Actor): number {
    return counterAt(this.runsOf(actor.instance, actor), actor.chain);
  }

  covers(dot: Dot): boolean {
    return this.get(dot.actor) >= dot.n;
  }

  /** Whether every event of `other` is in this vector. */
  dominates(other: VersionVector): boolean {
    if (this === other) return true;
    let i = 0;
    for (const theirs of other.lifetimes) {
      while (i < this.lifetimes.length && compareLifetimes(this.lifetimes[i] as LifetimeEvents, theirs) < 0) i++;
      const mine = this.lifetimes[i];
      if (mine === undefined || compareLifetimes(mine, theirs) !== 0) return false;
      if (!runsDominate(mine.runs, theirs.runs)) return false;
    }
    return true;
  }

  equals(other: VersionVector): boolean {
    return this.lifetimes.length === other.lifetimes.length && this.dominates(other) && other.dominates(this);
  }

  compare(other: VersionVector): CausalOrder {
    const above = this.dominates(other);
    const below = other.dominates(this);
    if (above) return below ? "equal" : "after";
    return below ? "before" : "concurrent";
  }

  /** The events of both. Returns one of the two when it has all: callers see by identity that nothing was added. */
  union(other: VersionVector): VersionVector {
    if (this.dominates(other)) return this;
    if (other.dominates(this)) return other;
    const union: LifetimeEvents[] = [];
    let i = 0;
    let j = 0;
    while (i < this.lifetimes.length || j < other.lifetimes.length) {
      const mine = this.lifetimes[i];
      const theirs = other.lifetimes[j];
      const order = mine === undefined ? 1 : theirs === undefined ? -1 : compareLifetimes(mine, theirs);
      if (order === 0) union.push(unionEvents(mine as LifetimeEvents, theirs as LifetimeEvents));
      else union.push((order < 0 ? mine : theirs) as LifetimeEvents);
      if (order <= 0) i++;
      if (order >= 0) j++;
    }
    return new VersionVector(union);
  }

  with(dot: Dot): VersionVector {
    return this.covers(dot) ? this : this.union(VersionVector.of(dot));
  }

  /** This vector without the chains of which `mask` has nothing. */
  maskedBy(mask: VersionVector): VersionVector {
    if (mask.dominates(this)) return this;
    const masked: LifetimeEvents[] = [];
    for (const events of this.lifetimes) {
      const runs = maskRuns(events.runs, mask.runsOf(events.instance, events));
      if (runs.length > 0) masked.push(withRuns(events, runs));
    }
    return VersionVector.ofLifetimes(masked);
  }

  /** Every actor with the number of its events, in canonical order. Spells the runs out: for people and tests, not for hot paths. */
  *entries(): Generator<readonly [Actor, number]> {
    for (const { instance, boot, birth, runs } of this.lifetimes) {
      let chain = 0;
      for (let i = 0; i < runs.length; i += 2) {
        const end = chain + (runs[i] as number);
        const n = runs[i + 1] as number;
        if (n === 0) chain = end;
        for (; chain < end; chain++) yield [{ instance, boot, birth, chain }, n];
      }
    }
  }
}

function unionEvents(a: LifetimeEvents, b: LifetimeEvents): LifetimeEvents {
  const runs = unionRuns(a.runs, b.runs);
  return runs === a.runs ? a : runs === b.runs ? b : withRuns(a, runs);
}

/** Spelled out: with each write, this is done for every vector that it meets. */
function withRuns({ instance, boot, birth }: LifetimeEvents, runs: ChainRuns): LifetimeEvents {
  return { instance, boot, birth, runs };
}

/** A total order of vectors that has nothing to do with causality: for canonical sorting. */
export function orderVectors(a: VersionVector, b: VersionVector): number {
  if (a === b) return 0;
  const shared = Math.min(a.lifetimes.length, b.lifetimes.length);
  for (let i = 0; i < shared; i++) {
    const [x, y] = [a.lifetimes[i] as LifetimeEvents, b.lifetimes[i] as LifetimeEvents];
    const order = compareLifetimes(x, y) || orderRuns(x.runs, y.runs);
    if (order !== 0) return order;
  }
  return compareNumbers(a.lifetimes.length, b.lifetimes.length);
}

function orderRuns(a: ChainRuns, b: ChainRuns): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const order = compareNumbers(a[i] as number, b[i] as number);
    if (order !== 0) return order;
  }
  return compareNumbers(a.length, b.length);
}

/** `{"<actor>": n}`, the form in which people compare versions (CONTRACT §3, `clock`). */
export function clockJson(vector: VersionVector): Record<string, number> {
  const json: Record<string, number> = {};
  for (const [actor, n] of vector.entries()) json[formatActor(actor)] = n;
  return json;
}
