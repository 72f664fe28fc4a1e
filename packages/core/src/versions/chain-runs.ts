/**
 * The counters of one lifetime's chains, run-length coded: a thousand blind puts are a thousand chains with the counter 1, and one run
 * (why there are chains: docs/decisions/0004).
 */

/**
 * `[length, counter, length, counter, …]` for the chains 0, 1, 2, … Canonical: lengths are positive, neighbours differ, and the last counter
 * is not zero. A chain beyond the end, or with the counter zero, has no event.
 */
export type ChainRuns = readonly number[];

export const NO_CHAINS: ChainRuns = [];

/** The runs that hold one chain only. */
export function singleChain(chain: number, counter: number): ChainRuns {
  return chain === 0 ? [1, counter] : [chain, 0, 1, counter];
}

export function counterAt(runs: ChainRuns, chain: number): number {
  let end = 0;
  for (let i = 0; i < runs.length; i += 2) {
    end += runs[i] as number;
    if (chain < end) return runs[i + 1] as number;
  }
  return 0;
}

/** One more than the highest chain with an event. */
export function chainCount(runs: ChainRuns): number {
  let count = 0;
  for (let i = 0; i < runs.length; i += 2) count += runs[i] as number;
  return count;
}

/** How many chains have events. */
export function eventfulChains(runs: ChainRuns): number {
  let count = 0;
  for (let i = 0; i < runs.length; i += 2) if (runs[i + 1] !== 0) count += runs[i] as number;
  return count;
}

/**
 * Walks two lists of runs side by side, in stretches where both counters stay the same, to the end of the longer one. Stops early, and
 * returns false, when `visit` returns false.
 */
function walk(a: ChainRuns, b: ChainRuns, visit: (length: number, x: number, y: number) => boolean): boolean {
  let i = 0;
  let j = 0;
  let leftA = a[0] ?? Infinity;
  let leftB = b[0] ?? Infinity;
  while (i < a.length || j < b.length) {
    const length = Math.min(leftA, leftB);
    if (!visit(length, a[i + 1] ?? 0, b[j + 1] ?? 0)) return false;
    leftA -= length;
    leftB -= length;
    if (leftA === 0) leftA = a[(i += 2)] ?? Infinity;
    if (leftB === 0) leftB = b[(j += 2)] ?? Infinity;
  }
  return true;
}

function append(runs: number[], length: number, counter: number): void {
  const last = runs.length - 1;
  if (last > 0 && runs[last] === counter) runs[last - 1] = (runs[last - 1] as number) + length;
  else runs.push(length, counter);
}

function trimmed(runs: number[]): ChainRuns {
  if (runs.at(-1) === 0) runs.length -= 2;
  return runs;
}

export function runsDominate(a: ChainRuns, b: ChainRuns): boolean {
  if (a === b) return true;
  return walk(a, b, (_length, x, y) => x >= y);
}

/** The larger counter of each chain. Returns `a` itself when `b` adds nothing. */
export function unionRuns(a: ChainRuns, b: ChainRuns): ChainRuns {
  if (runsDominate(a, b)) return a;
  if (runsDominate(b, a)) return b;
  const union: number[] = [];
  walk(a, b, (length, x, y) => {
    append(union, length, Math.max(x, y));
    return true;
  });
  return union;
}

/** `runs` without the chains that have no event in `mask`. */
export function maskRuns(runs: ChainRuns, mask: ChainRuns): ChainRuns {
  const masked: number[] = [];
  walk(runs, mask, (length, x, y) => {
    append(masked, length, y === 0 ? 0 : x);
    return true;
  });
  return trimmed(masked);
}

/** The lowest chain of `held` whose events `context` covers all; the number of chains when there is none: that is where the next one starts. */
export function lowestCoveredChain(held: ChainRuns, context: ChainRuns): number {
  let chain = 0;
  walk(held, context, (length, x, y) => {
    if (y >= x) return false;
    chain += length;
    return true;
  });
  return chain;
}
