/** What a change of the membership would move: from the owners in force to those of the ring that it would give (Dynamo §4.9, looked at before it is made). */
import type { Ring } from "./ring.js";

/** How much is held of a partition. */
export interface PartitionWeight {
  readonly keys: number;
  readonly bytes: number;
}

/** What one member would be sent. */
export interface Arrival extends PartitionWeight {
  readonly to: string;
  readonly partitions: number;
}

export interface Moves extends PartitionWeight {
  /** Partitions whose owners would be others. */
  readonly partitions: number;
  /** Copies of partitions that would be made. */
  readonly replicas: number;
  readonly arrivals: readonly Arrival[];
  /** The fewest members that would hold some partition until the change is complete. */
  readonly fewestReplicas: number;
  /** The fewest that would hold some partition from then on: below N where too few members would be left. */
  readonly fewestAfter: number;
}

const NOTHING: PartitionWeight = { keys: 0, bytes: 0 };

/**
 * `before`: the owners in force. `lost`: a member whose copies are gone from the first moment; one that leaves in peace keeps its own until others have
 * them.
 */
export function movesTo(
  after: Ring,
  before: (partition: number) => readonly string[],
  weights: ReadonlyMap<number, PartitionWeight>,
  lost?: string,
): Moves {
  const arrivals = new Map<string, Arrival>();
  let partitions = 0;
  let replicas = 0;
  let fewestReplicas = Infinity;
  let fewestAfter = Infinity;
  for (let partition = 0; partition < after.partitions; partition++) {
    const holders = before(partition).filter((name) => name !== lost);
    fewestReplicas = Math.min(fewestReplicas, holders.length);
    const target = after.owners(partition);
    fewestAfter = Math.min(fewestAfter, target.length);
    const arriving = target.filter((name) => !holders.includes(name));
    if (arriving.length > 0 || before(partition).some((name) => !target.includes(name))) partitions++;
    const { keys, bytes } = weights.get(partition) ?? NOTHING;
    for (const to of arriving) {
      replicas++;
      const known = arrivals.get(to) ?? { to, partitions: 0, ...NOTHING };
      arrivals.set(to, {
        to,
        partitions: known.partitions + 1,
        keys: known.keys + keys,
        bytes: known.bytes + bytes,
      });
    }
  }
  const all = [...arrivals.values()];
  const sum = (of: (arrival: Arrival) => number): number => all.reduce((total, arrival) => total + of(arrival), 0);
  return {
    ...{ partitions, replicas, fewestReplicas, fewestAfter, arrivals: all },
    ...{ keys: sum(({ keys }) => keys), bytes: sum(({ bytes }) => bytes) },
  };
}
