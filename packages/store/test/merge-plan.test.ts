/** What is merged, on numbers: when it begins, what goes first, and how much is copied at once where room is short. */
import { describe, expect, it } from "vitest";
import { hasteAt, planMerge, spaceBounds, type SegmentStats } from "../src/merge-plan.js";

const LIMITS = { segmentBytes: 100_000, spaceTarget: 1.6, inputsMax: 16, isTight: false };
const NO_BYTES = { bytes: 0, liveBytes: 0 };

const segments = (...live: readonly number[]): readonly SegmentStats[] =>
  live.map((liveBytes, i) => ({ id: i + 1, bytes: 100_000, liveBytes: liveBytes * 1_000, pinnedBytes: 0 }));

describe("space bounds", () => {
  it("are twice what lives and eight tenths of that, but no less than a few segments, save on a full disk", () => {
    expect(spaceBounds(1_000_000, LIMITS)).toEqual({ startBytes: 1_600_000, mostBytes: 2_000_000 });
    expect(spaceBounds(10, LIMITS)).toEqual({ startBytes: 320_000, mostBytes: 400_000 });
    expect(spaceBounds(10, { ...LIMITS, isTight: true })).toEqual({ startBytes: 16, mostBytes: 20 });
  });

  it("make merging hurry the more is dead", () => {
    const bounds = spaceBounds(1_000_000, LIMITS);
    expect([1_500_000, 1_700_000, 1_800_000, 2_500_000].map((total) => hasteAt(total, bounds))).toEqual([0, 0.5, 1, 1]);
  });
});

describe("a plan", () => {
  it("does nothing below the target, and takes the deadest above it", () => {
    expect(planMerge(segments(90, 60, 90, 90), NO_BYTES, LIMITS)).toEqual([]);
    expect(planMerge(segments(70, 60, 20, 60, 70), NO_BYTES, LIMITS)).toEqual([3]);
  });

  it("takes several where the deadest are small", () => {
    const small = [1, 2, 3].map((id) => ({ id, bytes: 20_000, liveBytes: 4_000, pinnedBytes: 0 }));
    const others = segments(50, 50, 50, 50, 50).map((segment) => ({ ...segment, id: segment.id + 3 }));
    const plan = planMerge([...small, ...others], NO_BYTES, LIMITS);
    expect(plan).toEqual([1, 2, 3]);
  });

  it("copies little at once where there is no room for much", () => {
    const full = segments(48, 49, 47, 48, 48, 49, 20, 48, 48);
    expect(planMerge(full, NO_BYTES, LIMITS)).toEqual([7]);
  });

  it("leaves alone what merging would not make smaller", () => {
    const tiny = { id: 1, bytes: 600, liveBytes: 300, pinnedBytes: 0 };
    expect(planMerge([tiny], { bytes: 500_000, liveBytes: 100 }, LIMITS)).toEqual([]);
  });

  it("takes what is wholly dead before all else", () => {
    expect(planMerge(segments(90, 0, 90, 0), NO_BYTES, LIMITS)).toEqual([2, 4]);
  });
});
