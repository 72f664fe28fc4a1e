/** A word of warning when a cluster outgrows its partitions: with few places a member, loads cannot be even (Dynamo §6.2). */
import type { Placed } from "./targets.js";
import { targetsOf } from "./targets.js";
import { PARTITIONS_MAX } from "./ring.js";

/** Below this many replica places one place more or less is felt: loads are within 5% of each other from here on. */
export const REPLICAS_PER_MEMBER_MIN = 60;

export interface TooFewReplicas {
  /** The places that the member with the fewest should hold. */
  readonly replicasPerMember: number;
  /** Q of a cluster that would give everyone {@link REPLICAS_PER_MEMBER_MIN}, or the largest Q when none does. */
  readonly foundWith: number;
}

/** Whether these members have too few places each in a ring of Q partitions and N replicas, and the Q that they should be founded with. */
export function warnTooFewReplicas(
  members: readonly Placed[],
  partitions: number,
  replicas: number,
): TooFewReplicas | undefined {
  if (members.length === 0) return undefined;
  const fewest = Math.min(...targetsOf(members, partitions, replicas).ideal);
  if (fewest >= REPLICAS_PER_MEMBER_MIN) return undefined;
  let foundWith = partitions;
  while (foundWith < PARTITIONS_MAX && (fewest * foundWith) / partitions < REPLICAS_PER_MEMBER_MIN) foundWith *= 2;
  return { replicasPerMember: fewest, foundWith };
}
