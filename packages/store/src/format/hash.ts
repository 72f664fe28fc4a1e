/** The store's hash: XXH64, handed in, seeded with a number of the store's own, so that records of another store, and those inside values, are none. */
import type { Primitives } from "@kvorum/core";

export type Hash64 = (bytes: Uint8Array) => bigint;

export function seededHash(primitives: Primitives, salt: bigint): Hash64 {
  return (bytes) => primitives.hash64(bytes, salt);
}

export function low32(hash: bigint): number {
  return Number(hash & 0xffff_ffffn);
}

export function high32(hash: bigint): number {
  return Number(hash >> 32n);
}

export function joined(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
