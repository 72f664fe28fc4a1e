/** The synchronous functions that the pure core is composed with, on Node: XXH64 in WebAssembly, a keyed SHA-256, UTF-8. */
import * as crypto from "node:crypto";
import xxhash from "xxhash-wasm";
import type { Primitives, TextCodec } from "@kvorum/core";

/** Up to this many units a loop over ASCII is quicker than the way into Node's own code (measured). */
const SHORT_TEXT = 24;
const KEYED_HASH_BYTES = 16;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** UTF-8 as `TextEncoder` and `TextDecoder` define it, a byte order mark being a character like any other. */
export const nodeText: TextCodec = {
  encodeInto(text, target, offset) {
    const size = text.length;
    if (size > SHORT_TEXT) return encoder.encodeInto(text, target.subarray(offset)).written;
    for (let i = 0; i < size; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return encoder.encodeInto(text, target.subarray(offset)).written;
      target[offset + i] = unit;
    }
    return size;
  },
  decode(source, start, end) {
    const size = end - start;
    if (size > SHORT_TEXT) return decoder.decode(source.subarray(start, end));
    const units = new Array<number>(size);
    for (let i = 0; i < size; i++) {
      const byte = source[start + i] as number;
      if (byte >= 0x80) return decoder.decode(source.subarray(start, end));
      units[i] = byte;
    }
    return String.fromCharCode(...units);
  },
};

/** One call into the crypto library (Node 20.12 and later) costs a fifth of a hash object. */
const sha256: (bytes: Uint8Array) => Uint8Array =
  typeof crypto.hash === "function"
    ? (bytes) => crypto.hash("sha256", bytes, "buffer")
    : (bytes) => crypto.createHash("sha256").update(bytes).digest();

/** SHA-256 of key, bytes, key: with the key on both sides neither end can be extended, and 16 of its 32 bytes are given away. */
function keyedHash(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const joined = new Uint8Array(key.length * 2 + bytes.length);
  joined.set(key, 0);
  joined.set(bytes, key.length);
  joined.set(key, key.length + bytes.length);
  return new Uint8Array(sha256(joined).subarray(0, KEYED_HASH_BYTES));
}

/** Compiles the WebAssembly of the hash, hence the promise; everything in the result is synchronous. */
export async function createPrimitives(): Promise<Primitives> {
  const hashes = await xxhash();
  return { text: nodeText, hash64: (bytes, seed = 0n) => hashes.h64Raw(bytes, seed), keyedHash };
}
