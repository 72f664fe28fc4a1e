/** Which segments are worth merging, and how much there may be: pure, on numbers. Space stays below twice what is live. */
import { limits as fixed } from "@kvorum/core";

export interface SegmentStats {
  readonly id: number;
  readonly bytes: number;
  readonly liveBytes: number;
  /** Removals and the like, which must stay while an older segment may hold what they remove. */
  readonly pinnedBytes: number;
}

export interface MergeLimits {
  readonly segmentBytes: number;
  /** Of all bytes, as a multiple of the live ones: above this something is merged. */
  readonly spaceTarget: number;
  readonly inputsMax: number;
  /** The disk is full: also what is small is worth merging. */
  readonly isTight: boolean;
}

export interface SpaceBounds {
  /** Of all bytes: above this something is merged. */
  readonly startBytes: number;
  /** No more than this, as long as what is dead can be told from what lives. */
  readonly mostBytes: number;
}

export function spaceBounds(
  liveBytes: number,
  { segmentBytes, spaceTarget, isTight }: Omit<MergeLimits, "inputsMax">,
): SpaceBounds {
  const most = Math.max(fixed.storeSpaceMax, spaceTarget);
  const mostBytes = Math.max(liveBytes * most, isTight ? 0 : segmentBytes * fixed.storeSegmentsLeast);
  return { startBytes: (mostBytes * spaceTarget) / most, mostBytes };
}

/** From 0, where merging may take its time, to 1 half-way to what is too much. */
export function hasteAt(totalBytes: number, { startBytes, mostBytes }: SpaceBounds): number {
  const share = (totalBytes - startBytes) / Math.max(1, (mostBytes - startBytes) / 2);
  return Math.max(0, Math.min(1, share));
}

/** Segments much smaller than they could be, from many short lives, are put together when there are so many. */
const SMALL_SHARE = 0.25;
const SMALL_MAX = 8;
/** What is gained must be worth the copying: at least this share of what is taken in. */
const GAIN_MIN = 0.2;

/** What a merged segment takes beside its records: its header, the record that seals it, and the rest of its index file. Else a small one would be merged for ever. */
const SEGMENT_COSTS = 256;

/**
 * Above this share of what is live, removals are worth the copying of what is older than they: the oldest segments are moved behind them, a few at a
 * time, until nothing is left that they remove.
 */
const PINNED_MAX = 0.25;

/** The closed segments, oldest first; empty where nothing is to be done. `activeBytes`: what lies in segments that can't be merged yet. */
export function planMerge(
  closed: readonly SegmentStats[],
  active: Pick<SegmentStats, "bytes" | "liveBytes">,
  limits: MergeLimits,
): readonly number[] {
  const empty = closed.filter(({ liveBytes, pinnedBytes }) => liveBytes === 0 && pinnedBytes === 0);
  if (empty.length > 0) return empty.slice(0, limits.inputsMax).map(({ id }) => id);
  const total = closed.reduce((sum, { bytes }) => sum + bytes, active.bytes);
  const live = closed.reduce((sum, { liveBytes }) => sum + liveBytes, active.liveBytes);
  const { startBytes, mostBytes } = spaceBounds(live, limits);
  if (total > startBytes) {
    const picked = pick(closed, mostBytes - total, limits);
    if (picked.length > 0) return picked;
    const pinned = closed.reduce((sum, { pinnedBytes }) => sum + pinnedBytes, 0);
    if (pinned > live * PINNED_MAX) return fitting(closed, limits).map(({ id }) => id);
  }
  const small = closed.filter(({ bytes }) => bytes < limits.segmentBytes * SMALL_SHARE);
  return small.length > SMALL_MAX ? fitting(small, limits).map(({ id }) => id) : [];
}

function pick(closed: readonly SegmentStats[], roomBytes: number, limits: MergeLimits): readonly number[] {
  // Removals can only go along with every segment that is older: from the oldest on, up to where they weigh most.
  const prefixes = closed.map((_, count) => closed.slice(0, count + 1)).slice(0, limits.inputsMax);
  // The copies and what is written meanwhile lie beside what is merged until all is done. Copying a little gains more than it takes, also without room.
  const copiesMost = Math.max(limits.segmentBytes / 4, Math.min(limits.segmentBytes, roomBytes / 2));
  const lightest = deadest(closed, copiesMost, limits);
  const candidates = [...prefixes.map((prefix) => score(prefix, true)), score(lightest, false)];
  const worthwhile = candidates.filter(({ worth }) => worth >= GAIN_MIN);
  const fit = worthwhile.filter(({ kept }) => kept <= copiesMost);
  const best = bestOf(fit, limits) ?? worthwhile.toSorted((a, b) => a.kept - b.kept)[0];
  return best === undefined ? [] : best.segments.map(({ id }) => id).toSorted((a, b) => a - b);
}

/** Each merge begins a segment anew: of those that gain a good part of one the cheapest, else what gains most. */
function bestOf(candidates: readonly Score[], { segmentBytes }: MergeLimits): Score | undefined {
  const byWorth = candidates.toSorted((a, b) => b.worth - a.worth);
  const byGain = candidates.toSorted((a, b) => b.gained - a.gained);
  return byWorth.find(({ gained }) => gained >= segmentBytes / 2) ?? byGain[0];
}

/** Those with the most in them that is dead, as many as leave no more than `mostBytes` to copy. */
function deadest(closed: readonly SegmentStats[], mostBytes: number, limits: MergeLimits): readonly SegmentStats[] {
  const share = ({ liveBytes, pinnedBytes, bytes }: SegmentStats): number =>
    (liveBytes + pinnedBytes) / Math.max(1, bytes);
  const wasteful = closed.filter((segment) => share(segment) < 1 - GAIN_MIN);
  const sorted = wasteful.toSorted((a, b) => share(a) - share(b));
  return fitting(sorted, { ...limits, segmentBytes: mostBytes });
}

function fitting(segments: readonly SegmentStats[], { segmentBytes, inputsMax }: MergeLimits): readonly SegmentStats[] {
  const taken: SegmentStats[] = [];
  let bytes = 0;
  for (const segment of segments) {
    bytes += segment.liveBytes + segment.pinnedBytes;
    if (taken.length > 0 && (bytes > segmentBytes || taken.length >= inputsMax)) break;
    taken.push(segment);
  }
  return taken;
}

interface Score {
  readonly segments: readonly SegmentStats[];
  readonly kept: number;
  readonly gained: number;
  /** What is gained, as a share of what is read. */
  readonly worth: number;
}

function score(segments: readonly SegmentStats[], isOldest: boolean): Score {
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const copied = segments.reduce(
    (sum, { liveBytes, pinnedBytes }) => sum + liveBytes + (isOldest ? 0 : pinnedBytes),
    0,
  );
  const kept = copied === 0 ? 0 : copied + SEGMENT_COSTS;
  return { segments, kept, gained: bytes - kept, worth: bytes === 0 ? 0 : (bytes - kept) / bytes };
}
