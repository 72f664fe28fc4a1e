/** Where a key lives: `bucket/key` as UTF-8, its 64-bit hash, and the partition that the hash's top bits name (Dynamo §4.2, §6.2). */
import type { Primitives } from "./primitives.js";

/** The address of one key. `id` is the UTF-8 of `bucket/key`; a bucket's name has no slash, so the first one ends it. */
export interface KeyId {
  readonly id: Uint8Array;
  readonly hash: bigint;
  readonly partition: number;
}

const SLASH = 0x2f;
/** Nothing of it outlives a call: an array for each key would cost more than its hash. */
const scratch = new Uint8Array(4096);

/** The top bits of `hash` for a ring of `partitions` (a power of two) parts. */
export function partitionOf(hash: bigint, partitions: number): number {
  return Number(hash >> 32n) >>> (32 - Math.log2(partitions));
}

export function keyIdOf(primitives: Primitives, partitions: number, bucket: string, key: string): KeyId {
  const text = `${bucket}/${key}`;
  const room = text.length * 3 <= scratch.length ? scratch : new Uint8Array(text.length * 3);
  return keyIdOfBytes(primitives, partitions, room.slice(0, primitives.text.encodeInto(text, room, 0)));
}

export function keyIdOfBytes(primitives: Primitives, partitions: number, id: Uint8Array): KeyId {
  const hash = primitives.hash64(id);
  return { id, hash, partition: partitionOf(hash, partitions) };
}

export function namesOf(primitives: Primitives, id: Uint8Array): { bucket: string; key: string } {
  const slash = id.indexOf(SLASH);
  return {
    bucket: primitives.text.decode(id, 0, slash),
    key: primitives.text.decode(id, slash + 1, id.length),
  };
}
