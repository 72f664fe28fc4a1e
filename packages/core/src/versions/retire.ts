/**
 * Bounding version vectors: over a hard limit, the oldest actors that no standing version needs are forgotten (Dynamo §4.4, clock
 * truncation; TRAPS 7: never while merging, or replicas repair each other for ever).
 *
 * A vector that has forgotten an event covers less: a replaced version that comes from a replica which was away may stand again. It never
 * covers more, so nothing is lost.
 */
import type { Dot, Lifetime } from "./actor.js";
import { compareLifetimes } from "./actor.js";
import { NO_CHAINS, counterAt, eventfulChains, singleChain, unionRuns } from "./chain-runs.js";
import type { ChainRuns } from "./chain-runs.js";
import { compareNumbers } from "./order.js";
import { eventsBytes, vectorBytes } from "./vector-codec.js";
import { VersionVector } from "./version-vector.js";
import type { LifetimeEvents } from "./version-vector.js";

/** What an instance takes in an encoded vector beside its lifetimes, at least. */
const INSTANCE_HEADER_BYTES = 7;

export interface VectorBound {
  /** Encoded bytes above which actors are forgotten. */
  readonly bytesMax: number;
  /** Dots that must stay covered: those of standing siblings. */
  readonly keep: readonly Dot[];
  /** The lifetime that the caller mints dots of. It stays whole, or a dot could be minted twice. */
  readonly minting?: Lifetime & { readonly instance: number };
  /** Whether a data folder still belongs to a member; the others' actors go first. Without it all count as members'. */
  readonly isCurrentInstance?: (instance: number) => boolean;
}

/** `dropped`: how many actors were forgotten. The vector is the given one when there were none. */
export interface BoundedVector {
  readonly vector: VersionVector;
  readonly dropped: number;
}

/** The vector within `bytesMax`, or as near to it as `keep` and `minting` allow. Deterministic. */
export function boundVector(vector: VersionVector, bound: VectorBound): BoundedVector {
  let excess = vectorBytes(vector) - bound.bytesMax;
  if (excess <= 0) return { vector, dropped: 0 };

  const reduced = new Map<LifetimeEvents, ChainRuns>();
  const left = lifetimesByInstance(vector);
  let dropped = 0;
  for (const events of inOrderOfRetirement(vector, bound)) {
    if (excess <= 0) break;
    const runs = keptRuns(events, bound.keep);
    const forgotten = eventfulChains(events.runs) - eventfulChains(runs);
    const saved = savedBytes(events, runs, left);
    if (forgotten === 0 || saved <= 0) continue;
    if (runs.length === 0) left.set(events.instance, (left.get(events.instance) as number) - 1);
    reduced.set(events, runs);
    dropped += forgotten;
    excess -= saved;
  }
  if (dropped === 0) return { vector, dropped };

  const lifetimes: LifetimeEvents[] = [];
  for (const events of vector.lifetimes) {
    const runs = reduced.get(events) ?? events.runs;
    if (runs.length > 0) lifetimes.push(runs === events.runs ? events : { ...events, runs });
  }
  return { vector: VersionVector.ofLifetimes(lifetimes), dropped };
}

function lifetimesByInstance({ lifetimes }: VersionVector): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { instance } of lifetimes) counts.set(instance, (counts.get(instance) ?? 0) + 1);
  return counts;
}

/** Not positive when a chain that stays alone takes more room than the run that it stood in. The last lifetime takes its instance along. */
function savedBytes(events: LifetimeEvents, runs: ChainRuns, left: ReadonlyMap<number, number>): number {
  const before = eventsBytes(events);
  if (runs.length > 0) return before - eventsBytes({ ...events, runs });
  return left.get(events.instance) === 1 ? before + INSTANCE_HEADER_BYTES : before;
}

/** Actors of departed instances first, then lifetimes that a later one of their instance has followed, then the rest; each oldest first. */
function inOrderOfRetirement(vector: VersionVector, bound: VectorBound): readonly LifetimeEvents[] {
  const { lifetimes } = vector;
  const rank = (events: LifetimeEvents, i: number): number => {
    if (bound.isCurrentInstance?.(events.instance) === false) return 0;
    return lifetimes[i + 1]?.instance === events.instance ? 1 : 2;
  };
  return lifetimes
    .map((events, i) => ({ events, rank: rank(events, i) }))
    .filter(({ events }) => bound.minting === undefined || compareLifetimes(events, bound.minting) !== 0)
    .sort(
      (a, b) =>
        compareNumbers(a.rank, b.rank) ||
        compareNumbers(a.events.boot, b.events.boot) ||
        compareNumbers(a.events.birth, b.events.birth) ||
        compareNumbers(a.events.instance, b.events.instance),
    )
    .map(({ events }) => events);
}

/** What must stay of a lifetime: the chains that `keep` names. */
function keptRuns(events: LifetimeEvents, keep: readonly Dot[]): ChainRuns {
  let runs = NO_CHAINS;
  for (const { actor } of keep) {
    const n = compareLifetimes(actor, events) === 0 ? counterAt(events.runs, actor.chain) : 0;
    if (n > 0) runs = unionRuns(runs, singleChain(actor.chain, n));
  }
  return runs;
}
