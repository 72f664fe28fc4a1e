/** The primitives that production hands to the core, for tests of the rooms. */
import { createHash } from "node:crypto";
import xxhash from "xxhash-wasm";
import type { Primitives } from "../src/base/primitives.js";

const hashes = await xxhash();
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const testPrimitives: Primitives = {
  text: {
    encodeInto: (text, target, offset) => encoder.encodeInto(text, target.subarray(offset)).written,
    decode: (source, start, end) => decoder.decode(source.subarray(start, end)),
  },
  hash64: (bytes, seed = 0n) => hashes.h64Raw(bytes, seed),
  keyedHash: (key, bytes) => createHash("sha256").update(key).update(bytes).digest().subarray(0, 16),
};
