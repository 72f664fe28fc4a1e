/**
 * Which key comes next: the scrambled Zipfian of YCSB (Cooper et al., "Benchmarking Cloud Serving Systems with YCSB", 2010),
 * drawn as in Gray et al., "Quickly Generating Billion-Record Synthetic Databases" (1994).
 *
 * As in YCSB, ranks are drawn from ten billion items and hashed onto the keys, so that the popular keys lie scattered and the shape
 * does not change with the number of keys: at theta 0.99 the most popular key takes about 1 request in 26.
 */
import type { Rng } from "@kvorum/core";

const THETA = 0.99;
const ITEMS = 10_000_000_000;
/** The sum of 1/i^0.99 for i from 1 to ITEMS; YCSB carries the same constant, for the sum takes minutes. */
const ZETA_ITEMS = 26.46902820178302;
const ZETA_TWO = 1 + 0.5 ** THETA;
const ALPHA = 1 / (1 - THETA);
const ETA = (1 - (2 / ITEMS) ** (1 - THETA)) / (1 - ZETA_TWO / ZETA_ITEMS);

/** A rank from 0 (the most popular) to ten billion, for `u` uniform in [0, 1). */
export function zipfianRank(u: number): number {
  const scaled = u * ZETA_ITEMS;
  if (scaled < 1) return 0;
  if (scaled < ZETA_TWO) return 1;
  return Math.floor(ITEMS * (ETA * u - ETA + 1) ** ALPHA);
}

/** Spreads ranks over 32 bits, neighbours far apart (the finaliser of MurmurHash3 over both halves). */
function scatter(rank: number): number {
  return mix(mix(Math.floor(rank / 0x1_0000_0000)) ^ (rank >>> 0));
}

function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Numbers of keys, from 0 up to `keys`, popular ones scattered over the whole range. The same seed draws the same keys. */
export class ScrambledZipfian {
  constructor(
    readonly keys: number,
    readonly rng: Rng,
  ) {}

  next(): number {
    return scatter(zipfianRank(this.rng.float())) % this.keys;
  }
}
