/** What is in force for one partition while its owners change: the place of the three-phase hand-over (the design's §3; cf. Dynamo §4.9). */

/**
 * 1: write to the old and the new owners with W in each set, read the old. 2: the same writes, read the new. 3: the new owners only.
 * Adjacent phases overlap in a quorum, so members may be one phase apart.
 */
export type OwnersPhase = 1 | 2 | 3;

/**
 * The fold of the membership log gives only the *target* owners of a partition. What reads and writes go by is this record, durable and
 * gossiped: one named owner (the first of `to`, else of `from`) advances it, and an open record is completed or taken back before a newer
 * target is looked at. At rest `phase` is 3 and `to` is in force.
 */
export interface OwnersRecord {
  /** Grows by one with each change of owners or phase. */
  readonly epoch: number;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly phase: OwnersPhase;
}
