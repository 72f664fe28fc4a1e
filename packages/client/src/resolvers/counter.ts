/** A counter that loses no increment: who counts keeps a tally of his own, and merging takes the higher of each (a PN-counter; Shapiro et al. 2011, §3.1.3). */
import { randomUUID } from "node:crypto";

/** Counted up and down by each counting party. Plain JSON: any codec carries it. */
export interface Counter {
  readonly up: Readonly<Record<string, number>>;
  readonly down: Readonly<Record<string, number>>;
}

/** Its own tally for each process: two that counted under one name could not be told apart. */
const processName = randomUUID().slice(0, 13);

export const counter = {
  /** What it stands at; 0 for one that was never written. */
  value(of: Counter | undefined): number {
    return of === undefined ? 0 : sum(of.up) - sum(of.down);
  },

  /**
   * The counter, `by` further (negative: back). For `update`: `stock.update("pen", (c) => counter.add(c, -1))`. `who` counts: by default this
   * process, in which the updates of one key take turns. Give a name only if nobody else counts under it. A party must see its own last
   * count: with sloppy quorums a read during a partition may miss it, so count through a session there.
   */
  add(to: Counter | undefined, by: number, who: string = processName): Counter {
    if (!Number.isSafeInteger(by)) throw new RangeError(`a counter counts whole numbers, not ${by}`);
    const { up, down } = to ?? { up: {}, down: {} };
    return by >= 0 ? { up: counted(up, who, by), down } : { up, down: counted(down, who, -by) };
  },

  /** Of each party the higher tally: commutative, associative, idempotent. */
  merge(a: Counter, b: Counter): Counter {
    return { up: higher(a.up, b.up), down: higher(a.down, b.down) };
  },
} as const;

type Tallies = Counter["up"];

function counted(tallies: Tallies, who: string, by: number): Tallies {
  return fromEntries(new Map(Object.entries(tallies)).set(who, (ownTally(tallies, who) ?? 0) + by));
}

function higher(a: Tallies, b: Tallies): Tallies {
  const merged = new Map(Object.entries(a));
  for (const [who, tally] of Object.entries(b)) merged.set(who, Math.max(tally, merged.get(who) ?? 0));
  return fromEntries(merged);
}

/** Sorted, so that equal counters are equal bytes; defined rather than assigned, so that one who is called `__proto__` is a name as any. */
function fromEntries(tallies: ReadonlyMap<string, number>): Tallies {
  return Object.fromEntries([...tallies].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function ownTally(tallies: Tallies, who: string): number | undefined {
  return Object.hasOwn(tallies, who) ? tallies[who] : undefined;
}

function sum(tallies: Tallies): number {
  return Object.values(tallies).reduce((total, tally) => total + tally, 0);
}
