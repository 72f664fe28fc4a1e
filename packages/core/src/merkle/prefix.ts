/**
 * Places in the tree over the whole space of key hashes: every four bits of a hash are one step down (Dynamo §4.7). The first steps lead to a
 * partition, the others into it; so "one hash over all shared partitions" is the tree's root.
 */
import { assert } from "../base/assert.js";

export const BITS_PER_LEVEL = 4;
export const FANOUT = 16;
/** No tree is deeper: 32 bits of a hash tell its leaf, which is one number. */
export const LEVEL_MAX = 8;

/** All keys whose hash begins with these `level` × 4 bits, read as a number. */
export interface Prefix {
  readonly level: number;
  readonly path: number;
}

export const ROOT: Prefix = { level: 0, path: 0 };

export function childOf({ level, path }: Prefix, index: number): Prefix {
  assert(level < LEVEL_MAX && index >= 0 && index < FANOUT, "a step down stays in the tree");
  return { level: level + 1, path: path * FANOUT + index };
}

/** The first level whose nodes lie within one partition each. */
export function topLevel(partitionBits: number): number {
  return Math.ceil(partitionBits / BITS_PER_LEVEL);
}

/** The partitions that a prefix spans, the last one included; one, from {@link topLevel} down. */
export function partitionsUnder({ level, path }: Prefix, partitionBits: number): { from: number; to: number } {
  const missing = partitionBits - level * BITS_PER_LEVEL;
  if (missing <= 0) {
    const partition = Math.floor(path / 2 ** -missing);
    return { from: partition, to: partition };
  }
  const from = path * 2 ** missing;
  return { from, to: from + 2 ** missing - 1 };
}

/** The hashes that begin with a prefix, the last one included. */
export function hashesUnder({ level, path }: Prefix): { from: bigint; to: bigint } {
  const shift = BigInt(64 - level * BITS_PER_LEVEL);
  const from = BigInt(path) << shift;
  return { from, to: from + (1n << shift) - 1n };
}

export function isPrefix({ level, path }: Prefix): boolean {
  return level >= 0 && level <= LEVEL_MAX && path >= 0 && path < 2 ** (level * BITS_PER_LEVEL);
}
