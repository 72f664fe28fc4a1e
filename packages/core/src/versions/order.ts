/** The order of plain values, for the canonical orders of this room (one state, one byte string: docs/formats/key-state.md). */

export function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By UTF-16 units: any total order does, as long as every node has the same. */
export function compareStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareBooleans(a: boolean, b: boolean): number {
  return Number(a) - Number(b);
}

/** Merges two lists that are sorted by `compare` into one; of two equal items the first list's stays. */
export function mergeSorted<T>(a: readonly T[], b: readonly T[], compare: (x: T, y: T) => number): T[] {
  const merged: T[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const order = compare(a[i] as T, b[j] as T);
    merged.push((order <= 0 ? a[i] : b[j]) as T);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  while (i < a.length) merged.push(a[i++] as T);
  while (j < b.length) merged.push(b[j++] as T);
  return merged;
}

export function sameItems<T>(a: readonly T[], b: readonly T[], compare: (x: T, y: T) => number): boolean {
  return a === b || (a.length === b.length && a.every((item, i) => compare(item, b[i] as T) === 0));
}
