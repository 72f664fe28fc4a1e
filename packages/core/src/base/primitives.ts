/** The synchronous functions that the core needs and plain ES2023 does not have: handed to it when it is composed. */
import type { TextCodec } from "./bytes.js";

export interface Primitives {
  readonly text: TextCodec;
  /** XXH64. The value is an unsigned 64-bit whole number. */
  hash64(bytes: Uint8Array, seed?: bigint): bigint;
  /** A keyed hash of 16 bytes that cannot be made without the key. */
  keyedHash(key: Uint8Array, bytes: Uint8Array): Uint8Array;
}
