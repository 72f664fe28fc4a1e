/**
 * Who holds a partition now: the one place that everybody asks for the owners *in force* (DESIGN §3). The ring names the target owners;
 * what reads and writes go by may still be on its way there.
 */
import { fallbacksOf } from "../ring/fallbacks.js";
import type { OwnersPhase } from "../ring/owners-record.js";
import type { Ring } from "../ring/ring.js";
import type { NodeContext } from "./context.js";

export interface Placement {
  /** Grows by one with every step: of two placements of a partition the one with the larger epoch is the newer. */
  readonly epoch: number;
  readonly phase: OwnersPhase;
  /** The owners that a read asks. */
  readonly reads: readonly string[];
  /** One or two sets of owners: a write needs W durable replies in each. */
  readonly writes: readonly (readonly string[])[];
  /** All of them, each once. */
  readonly all: readonly string[];
}

/** The placement of a partition at rest: the ring's owners read and write. */
export function placementAtRest(ring: Ring, partition: number): Placement {
  const owners = ring.owners(partition);
  return { epoch: 0, phase: 3, reads: owners, writes: [owners], all: owners };
}

/** All members that do not hold the partition now, in the order in which they stand in for those that do. */
export function fallbacksNow(node: NodeContext, partition: number): readonly string[] {
  const { ring } = node;
  const { all } = node.placement(partition);
  const target = ring.owners(partition);
  const isAtRest = all.length === target.length && all.every((owner) => target.includes(owner));
  return isAtRest ? ring.fallbacks(partition) : fallbacksOf(partition, all, ring.members);
}
