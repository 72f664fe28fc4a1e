/**
 * What a node of a hash tree holds: an order-free sum over its keys, so that one write changes it in O(1) and any depth can be compared with any
 * other (Dynamo §4.7; the sums are those of set reconciliation rather than the paper's hash of hashes).
 *
 * A key's share mixes its hash with its state's digest. Digests of two keys are hashes of one function under two seeds and need not be independent;
 * the mixing tears apart what their sum could cancel. Sums rather than exclusive or: a key that is counted twice, which is a bug, shows in a
 * sum and vanishes in the other. Two lanes of 32 bits, since whole numbers of that size need no memory of their own.
 */

/** The digest of a key that does not count: there is none, or its tombstone is being reaped. */
export const NO_DIGEST = 0n;

export class Sum {
  constructor(
    public high = 0,
    public low = 0,
  ) {}

  add({ high, low }: Sum): void {
    this.addLanes(high, low);
  }

  addLanes(high: number, low: number): void {
    this.high = (this.high + high) >>> 0;
    this.low = (this.low + low) >>> 0;
  }

  get value(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }
}

/** What a key whose state has this digest adds to every sum above it: the same for everybody, on every machine. */
export function shareOf(hash: bigint, digest: bigint): Sum {
  const words = [highOf(hash), lowOf(hash), highOf(digest), lowOf(digest)];
  return new Sum(absorb(0x9e3779b9, words), absorb(0x85ebca6b, words));
}

function absorb(seed: number, words: readonly number[]): number {
  let lane = seed;
  for (const word of words) lane = avalanche((lane ^ word) + seed);
  return lane >>> 0;
}

/** The finaliser of MurmurHash3: every bit of what comes in changes half of what goes out. */
function avalanche(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function highOf(word: bigint): number {
  return Number(word >> 32n);
}

function lowOf(word: bigint): number {
  return Number(word & 0xffff_ffffn);
}
