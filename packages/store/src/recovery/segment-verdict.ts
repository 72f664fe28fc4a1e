/**
 * What a scan of a segment means: where its end was torn, and what was damaged before that. Pure.
 *
 * Each record says how much of its segment was flushed when it was written. So what is bad below the largest such word was whole once: damage. What is
 * bad behind it was never acknowledged, nor was anything that came after it: the end was torn there, and is cut at the beginning of that batch.
 * A segment of copies that merging did not finish ends with its proven part: what was copied is still where it was.
 */
import { SEGMENT_HEADER_BYTES } from "../format/segment-header.js";
import { kinds } from "../format/record.js";
import type { ScannedRecord, SegmentScan } from "./scan-segment.js";

export interface SegmentVerdict {
  /** Those that count, in their order; those with a damaged value among them. */
  readonly records: readonly ScannedRecord[];
  /** Bytes that were flushed, as far as anything says so. What lies behind may be in memory only. */
  readonly proven: number;
  /** Where the segment ends. */
  readonly end: number;
  /** Bytes behind the end that were cut off. */
  readonly tornBytes: number;
  /** Stretches of lost records that nobody can name. */
  readonly gaps: number;
  /** Facts were among them, or may have been. */
  readonly lostFacts: boolean;
}

/**
 * `closedEnd`: how long the segment was when another one was begun, where that is known. `factsBefore`: the store's count of facts before the
 * segment's first record.
 */
export function judgeSegment(scan: SegmentScan, closedEnd: number | undefined, factsBefore: number): SegmentVerdict {
  const { records, gaps } = scan;
  const proven = closedEnd ?? records.reduce((most, record) => Math.max(most, provenBy(record)), SEGMENT_HEADER_BYTES);
  const end = closedEnd ?? (records.some(({ head }) => head.isMoved) ? proven : cutAt(scan, proven));
  const kept = records.filter(({ offset }) => offset < end);
  // A segment that was closed at a length that it has no more has lost its end.
  const lostEnd = closedEnd !== undefined && scan.end < closedEnd && endOf(kept) < closedEnd;
  const damaged = gaps.filter(({ from }) => from < end);
  const hasGap = lostEnd || damaged.length > 0;
  return {
    records: kept,
    proven: Math.min(proven, end),
    end,
    tornBytes: Math.max(0, scan.end - end),
    gaps: damaged.length + (lostEnd ? 1 : 0),
    lostFacts: hasGap && mayHaveLostFacts(kept, factsBefore, lostEnd || endsInGap(scan, end)),
  };
}

function provenBy({ head, offset, length }: ScannedRecord): number {
  return head.kind === kinds.sealed ? offset + length : head.proven;
}

function endOf(records: readonly ScannedRecord[]): number {
  const last = records.at(-1);
  return last === undefined ? SEGMENT_HEADER_BYTES : last.offset + last.length;
}

function endsInGap({ gaps, records }: SegmentScan, end: number): boolean {
  const last = gaps.at(-1);
  return last !== undefined && last.from < end && !records.some(({ offset }) => offset >= last.to && offset < end);
}

/** The first batch behind the proven part that is not whole: it, and all behind it, never was. */
function cutAt({ records, gaps, end }: SegmentScan, proven: number): number {
  const torn = gaps.find(({ to }) => to > proven)?.from ?? end;
  let batchAt: number | undefined;
  for (const { head, offset, value } of records) {
    if (offset < proven) continue;
    if (offset >= torn) break;
    batchAt ??= offset;
    if (value === undefined) break;
    if (head.isLast) batchAt = undefined;
  }
  return Math.max(proven, batchAt ?? Math.min(torn, end));
}

/** Each record says how many facts were written until then: a gap over which that number grew by more than its end wrote held facts. */
function mayHaveLostFacts(records: readonly ScannedRecord[], factsBefore: number, isEndLost: boolean): boolean {
  // Records that were moved here carry the count of the time of the move, which says nothing of what lay between them.
  if (isEndLost || records.some(({ head }) => head.isMoved)) return true;
  let facts = factsBefore;
  for (const { head } of records) {
    const own = head.kind === kinds.putFact || head.kind === kinds.removeFact ? 1 : 0;
    if (head.facts !== (facts + own) >>> 0) return true;
    facts = head.facts;
  }
  return false;
}
