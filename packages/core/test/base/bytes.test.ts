/** Numbers as bytes: what the writer writes is what a `DataView` would, and the reader reads it back from anywhere in a larger buffer. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedError, Reader, Writer } from "../../src/base/bytes.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";

const { text } = testPrimitives;

type Item =
  | { readonly [Kind in "u8" | "u16" | "u32" | "u48"]: { readonly kind: Kind; readonly value: number } }[
      "u8" | "u16" | "u32" | "u48"]
  | { readonly kind: "u64"; readonly value: bigint };

const below = (bits: number): fc.Arbitrary<number> => fc.maxSafeNat().map((value) => value % 2 ** bits);
const anyItem: fc.Arbitrary<Item> = fc.oneof(
  below(8).map((value) => ({ kind: "u8" as const, value })),
  below(16).map((value) => ({ kind: "u16" as const, value })),
  below(32).map((value) => ({ kind: "u32" as const, value })),
  below(48).map((value) => ({ kind: "u48" as const, value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => ({ kind: "u64" as const, value })),
);

function write(writer: Writer, item: Item): void {
  if (item.kind === "u64") writer.u64(item.value);
  else writer[item.kind](item.value);
}

/** The same by other means. */
function view(items: readonly Item[]): Uint8Array {
  const sizes = { u8: 1, u16: 2, u32: 4, u48: 6, u64: 8 };
  const bytes = new Uint8Array(items.reduce((sum, { kind }) => sum + sizes[kind], 0));
  const to = new DataView(bytes.buffer);
  let at = 0;
  for (const item of items) {
    if (item.kind === "u8") to.setUint8(at, item.value);
    if (item.kind === "u16") to.setUint16(at, item.value);
    if (item.kind === "u32") to.setUint32(at, item.value);
    if (item.kind === "u64") to.setBigUint64(at, item.value);
    if (item.kind === "u48") {
      to.setUint16(at, Math.floor(item.value / 2 ** 32));
      to.setUint32(at + 2, item.value % 2 ** 32);
    }
    at += sizes[item.kind];
  }
  return bytes;
}

describe("numbers of a fixed size", () => {
  test("are written as a view writes them, and read back from the middle of a buffer", () => {
    fc.assert(
      fc.property(fc.array(anyItem), fc.nat({ max: 9 }), (items, before) => {
        const writer = new Writer(text, 1);
        for (const item of items) write(writer, item);
        expect(writer.take()).toEqual(view(items));
        const inside = new Uint8Array(before + writer.length + 3).fill(0xee);
        inside.set(writer.view(), before);
        const reader = new Reader(text, inside.subarray(before), 0, writer.length);
        for (const { kind, value } of items) expect(reader[kind]()).toBe(value);
        reader.finish();
        expect(() => reader.u8()).toThrow(MalformedError);
      }),
      { numRuns: count(300, 20_000) },
    );
  });

  test("can be written over later", () => {
    fc.assert(
      fc.property(below(32), (value) => {
        const writer = new Writer(text);
        writer.u32(0xdead_beef);
        writer.u8(7);
        writer.patchU32(0, value);
        const reader = new Reader(text, writer.take());
        expect([reader.u32(), reader.u8()]).toEqual([value, 7]);
      }),
    );
  });
});
