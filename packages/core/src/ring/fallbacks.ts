/** Who stands in for an owner: all other members, in an order of each partition's own, other zones first (Dynamo §4.6). */
import type { Member } from "./members.js";
import { compareTexts } from "./membership-log.js";
import { hashText, stir } from "./table.js";

interface Candidate {
  readonly member: Member;
  /** Low comes early. Near zero, a hash divided by the weight is drawn as often as the weight says. */
  readonly score: number;
}

/**
 * The members that are not `owners`, each once: those of the zones that are used least come first, so that any first few are spread over
 * zones; within a zone by a hash of name and partition, so that each member's load in its absence falls on many. Leaving ones come last.
 */
export function fallbacksOf(
  partition: number,
  owners: readonly string[],
  members: readonly Member[],
): readonly string[] {
  const zoneUses = new Map<string, number>();
  const candidates: Candidate[] = [];
  for (const member of members) {
    if (owners.includes(member.name)) zoneUses.set(member.zone, (zoneUses.get(member.zone) ?? 0) + 1);
    else candidates.push({ member, score: (stir(hashText(member.name, partition + 1)) + 1) / member.weight });
  }
  candidates.sort(byScore);
  const placed = candidates.map((candidate) => {
    const round = zoneUses.get(candidate.member.zone) ?? 0;
    zoneUses.set(candidate.member.zone, round + 1);
    return { ...candidate, round };
  });
  placed.sort((a, b) => leavingLast(a, b) || a.round - b.round || byScore(a, b));
  return placed.map(({ member }) => member.name);
}

function byScore(a: Candidate, b: Candidate): number {
  return leavingLast(a, b) || a.score - b.score || compareTexts(a.member.name, b.member.name);
}

function leavingLast(a: Candidate, b: Candidate): number {
  return Number(a.member.leaving) - Number(b.member.leaving);
}
