/** Which segments are worth merging: pure, on numbers. Space is to stay below twice what is live. */

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
}

/** Segments much smaller than they could be, from many short lives, are put together when there are so many. */
const SMALL_SHARE = 0.25;
const SMALL_MAX = 8;
/** What is gained must be worth the copying: at least this share of what is taken in. */
const GAIN_MIN = 0.2;

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
  if (total > live * limits.spaceTarget + limits.segmentBytes / 4) {
    const picked = pick(closed, limits);
    if (picked.length > 0) return picked;
    const pinned = closed.reduce((sum, { pinnedBytes }) => sum + pinnedBytes, 0);
    if (pinned > live * PINNED_MAX) return fitting(closed, limits).map(({ id }) => id);
  }
  const small = closed.filter(({ bytes }) => bytes < limits.segmentBytes * SMALL_SHARE);
  return small.length > SMALL_MAX ? fitting(small, limits).map(({ id }) => id) : [];
}

function pick(closed: readonly SegmentStats[], limits: MergeLimits): readonly number[] {
  // Removals can only go along with every segment that is older: from the oldest on, up to where they weigh most.
  const prefixes = closed.map((_, count) => closed.slice(0, count + 1)).slice(0, limits.inputsMax);
  const candidates = [...prefixes.map((prefix) => score(prefix, true)), score(lightest(closed, limits), false)];
  const best = candidates.toSorted((a, b) => b.worth - a.worth)[0];
  return best === undefined || best.worth < GAIN_MIN ? [] : best.segments.map(({ id }) => id).toSorted((a, b) => a - b);
}

/** Those with the least in them that is live, as many as fill one segment. */
function lightest(closed: readonly SegmentStats[], limits: MergeLimits): readonly SegmentStats[] {
  const share = ({ liveBytes, pinnedBytes, bytes }: SegmentStats): number =>
    (liveBytes + pinnedBytes) / Math.max(1, bytes);
  const wasteful = closed.filter((segment) => share(segment) < 1 - GAIN_MIN);
  return fitting(
    wasteful.toSorted((a, b) => share(a) - share(b)),
    limits,
  );
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

/** What is gained, as a share of what is read. */
function score(
  segments: readonly SegmentStats[],
  isOldest: boolean,
): { segments: readonly SegmentStats[]; worth: number } {
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const kept = segments.reduce((sum, { liveBytes, pinnedBytes }) => sum + liveBytes + (isOldest ? 0 : pinnedBytes), 0);
  return { segments, worth: bytes === 0 ? 0 : (bytes - kept) / bytes };
}
