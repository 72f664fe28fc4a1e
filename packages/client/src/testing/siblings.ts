/** Siblings out of values, as a cluster would show them. */
import type { Sibling } from "../read-result.js";

const WRITTEN_MS = Date.UTC(2026, 0, 1);
/** The newest is neither the first nor the last by dot, so that a resolver cannot confuse the two orders. */
const AGES_MS = [2, 3, 1, 5, 4];

/** The version that one of several writers wrote, each at a time of its own and none knowing of the others. */
export function siblingOf<T>(value: T, place: number): Sibling<T> {
  const actor = `0000000000${place.toString(16).padStart(2, "0")}`;
  return {
    value,
    dot: `${actor}:1`,
    timestamp: WRITTEN_MS + (AGES_MS[place % AGES_MS.length] as number) + 10 * Math.floor(place / AGES_MS.length),
    contentType: "application/json",
    clock: { [actor]: 1 },
    origin: { node: `n${(place % 3) + 1}`, fallback: false, context: false },
  };
}

/** Siblings for a test of a resolver of your own, in the order of their dots. */
export function siblingsOf<T>(...values: readonly T[]): Sibling<T>[] {
  return values.map((value, place) => siblingOf(value, place));
}
