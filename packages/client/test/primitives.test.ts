/** The primitives agree with their definitions: UTF-8 as the platform's codecs have it, XXH64's own vectors, SHA-256. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPrimitives } from "../src/primitives.js";

const primitives = await createPrimitives();
const { text } = primitives;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

describe("UTF-8", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary", maxLength: 80 }),
    fc.string({ unit: "binary-ascii", maxLength: 80 }),
    fc.constantFrom("\ufeff", "\ud800", "a\udc00b", "😀", ""),
  );

  test("any text is written as TextEncoder writes it, at its offset and nowhere else", () => {
    fc.assert(
      fc.property(anyText, fc.nat(20), (value, offset) => {
        const target = new Uint8Array(offset + value.length * 3 + 4).fill(0xee);
        const size = text.encodeInto(value, target, offset);
        const expected = encoder.encode(value);
        expect(target.subarray(offset, offset + size)).toEqual(expected);
        expect(target.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
      }),
    );
  });

  test("any bytes are read as TextDecoder reads them, a byte order mark included", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(10), (bytes, start) => {
        const source = Uint8Array.of(...new Uint8Array(start), ...bytes, 0x41);
        expect(text.decode(source, start, start + bytes.length)).toBe(decoder.decode(bytes));
      }),
    );
    const mark = encoder.encode("\ufeffx");
    expect(text.decode(mark, 0, mark.length)).toBe("\ufeffx");
  });
});

describe("the hashes", () => {
  test("hash64 is XXH64, by its published vectors", () => {
    expect(primitives.hash64(new Uint8Array(0))).toBe(0xef46db3751d8e999n);
    expect(primitives.hash64(encoder.encode("abc"))).toBe(0x44bc2cf5ad770999n);
    expect(primitives.hash64(encoder.encode("abc"), 1n)).not.toBe(primitives.hash64(encoder.encode("abc")));
  });

  test("the keyed hash is SHA-256 of key, bytes and key, its first 16 bytes, in an array of its own", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 500 }), (key, bytes) => {
        const expected = createHash("sha256").update(key).update(bytes).update(key).digest().subarray(0, 16);
        const hash = primitives.keyedHash(key, bytes);
        expect(Buffer.from(hash).equals(expected)).toBe(true);
        expect(hash.buffer.byteLength).toBe(16);
      }),
    );
  });
});
