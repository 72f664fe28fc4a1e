/** What is in force for one partition while its owners change: the place of the three-phase hand-over (the design's §3; cf. Dynamo §4.9). */
import { compareTexts } from "./membership-log.js";

/**
 * 1: write to the old and the new owners with W in each set, read the old. 2: the same writes, read the new. 3: the new owners only.
 * Adjacent phases overlap in a quorum, so members may be one phase apart.
 */
export type OwnersPhase = 1 | 2 | 3;

/**
 * The fold of the membership log gives only the *target* owners of a partition. What reads and writes go by is this record, durable and
 * gossiped: one named owner (the first of `to`, else of `from`) advances it, and an open record is completed or taken back before a newer
 * target is looked at. At rest `phase` is 3, `to` is in force and `from` is empty.
 */
export interface OwnersRecord {
  /** Grows by one with each change of owners or phase: two records are one phase apart when their epochs differ by one. */
  readonly epoch: number;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly phase: OwnersPhase;
}

/** The record of one partition. */
export interface PlacedRecord {
  readonly partition: number;
  readonly record: OwnersRecord;
}

/** By which record a request was made. */
export interface PlacedBy {
  readonly epoch: number;
  readonly phase: OwnersPhase;
}

/** Nothing is known of the partition here yet: nobody owns it, and every record of anybody's is newer. */
export const UNKNOWN_RECORD: OwnersRecord = { epoch: 0, from: [], to: [], phase: 3 };

/** Who is a member now: named in the log and not removed. */
export type IsMember = (name: string) => boolean;

export function isOpen(record: OwnersRecord): boolean {
  return record.phase !== 3;
}

/** Which of two records is the newer. Epochs decide; should one epoch have two records, all members still agree on one of them. */
export function compareRecords(a: OwnersRecord, b: OwnersRecord): number {
  const difference = a.epoch - b.epoch || a.phase - b.phase;
  if (difference !== 0 || (isSameList(a.from, b.from) && isSameList(a.to, b.to))) return difference;
  return compareTexts(textOf(a), textOf(b));
}

/** The same names in the same order. */
export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function textOf({ from, to }: OwnersRecord): string {
  return JSON.stringify([from, to]);
}

/** Who alone may write the record that follows this one: the first of the new owners that is a member, else of the old, else of the target. */
export function authorOf(record: OwnersRecord, target: readonly string[], isMember: IsMember): string | undefined {
  return record.to.find(isMember) ?? record.from.find(isMember) ?? target.find(isMember);
}

/** The owners that a read asks. Those that were removed hold nothing any more, and count in no quorum. */
export function readersOf(record: OwnersRecord, isMember: IsMember): readonly string[] {
  return (record.phase === 1 ? record.from : record.to).filter(isMember);
}

/** One set of owners at rest, two while the partition changes hands; W are needed in each. */
export function writersOf(record: OwnersRecord, isMember: IsMember): readonly (readonly string[])[] {
  const sets = record.phase === 3 ? [record.to] : [record.from, record.to];
  return sets.map((set) => set.filter(isMember)).filter((set) => set.length > 0);
}

/**
 * What a replica makes of a request by its place: `serve` when it was made by this record or an adjacent one; `asker-behind` and
 * `replica-behind` when one of the two has missed a phase, and a quorum of the one need not meet a quorum of the other any more.
 */
export function fence(own: OwnersRecord, by: PlacedBy): "serve" | "asker-behind" | "replica-behind" {
  const ahead = by.epoch - own.epoch;
  if (ahead === 0) return by.phase === own.phase ? "serve" : by.phase < own.phase ? "asker-behind" : "replica-behind";
  if (ahead === 1 || ahead === -1) return "serve";
  return ahead < 0 ? "asker-behind" : "replica-behind";
}
