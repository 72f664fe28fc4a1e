/** A second hash of a key, of the store's own: with the first one it names a key in the index. Nobody who does not know the salt can choose it. */
import type { Primitives } from "@kvorum/core";
import { low32 } from "./hash.js";

const APART = 0x9e37_79b9_7f4a_7c15n;

export function fingerprintOf(primitives: Primitives, salt: bigint): (key: Uint8Array) => number {
  const seed = salt ^ APART;
  return (key) => low32(primitives.hash64(key, seed));
}
