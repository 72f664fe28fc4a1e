/**
 * Who holds a partition now: the one place that everybody asks for the owners *in force* (DESIGN §3). The ring names the target owners;
 * what reads and writes go by is a record for each partition, which may still be on its way there.
 */
import { fallbacksOf } from "../ring/fallbacks.js";
import { readersOf, writersOf, type OwnersPhase, type OwnersRecord, type PlacedBy } from "../ring/owners-record.js";
import type { NodeContext } from "./context.js";
import type { OwnersTable } from "./owners-table.js";

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

interface KnownPlacement {
  readonly record: OwnersRecord;
  readonly placement: Placement;
}

/** The placements of all partitions, each made once for its record and its members. */
export class Placements {
  #known: (KnownPlacement | undefined)[];

  constructor(
    readonly table: OwnersTable,
    readonly isMember: (name: string) => boolean,
  ) {
    this.#known = unknown(table.partitions);
  }

  of(partition: number): Placement {
    const record = this.table.record(partition);
    const known = this.#known[partition];
    if (known?.record === record) return known.placement;
    const placement = placementOf(record, this.isMember);
    this.#known[partition] = { record, placement };
    return placement;
  }

  /** Somebody became a member, or ceased to be one. */
  membersChanged(): void {
    this.#known = unknown(this.table.partitions);
  }
}

function unknown(partitions: number): undefined[] {
  return Array.from({ length: partitions }, () => undefined);
}

export function placementOf(record: OwnersRecord, isMember: (name: string) => boolean): Placement {
  const writes = writersOf(record, isMember);
  const { epoch, phase } = record;
  return { epoch, phase, reads: readersOf(record, isMember), writes, all: [...new Set(writes.flat())] };
}

/** What a request to a replica says of the placement it goes by, so that a replica that knows better can say so. */
export function placedBy(node: NodeContext, partition: number): PlacedBy {
  const { epoch, phase } = node.placement(partition);
  return { epoch, phase };
}

/** All members that do not hold the partition now, in the order in which they stand in for those that do. */
export function fallbacksNow(node: NodeContext, partition: number): readonly string[] {
  const { ring } = node;
  const { all } = node.placement(partition);
  const target = ring.owners(partition);
  const isAtRest = all.length === target.length && all.every((owner) => target.includes(owner));
  return isAtRest ? ring.fallbacks(partition) : fallbacksOf(partition, all, ring.members);
}
