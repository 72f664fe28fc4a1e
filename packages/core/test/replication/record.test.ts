/** A torn or flipped record is never served as truth, nor one that lies in another's place (TRAPS 28; DESIGN §8). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRecord, digestOf, encodeRecord, RECORD_HEADER_BYTES } from "../../src/replication/record.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";

const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const record = fc.record({
  body: fc.uint8Array({ minLength: 1, maxLength: 60 }),
  inDoubt: fc.boolean(),
  lifetime: fc.option(
    fc.record({ boot: fc.integer({ min: 0, max: 2 ** 32 - 1 }), birth: fc.integer({ min: 0, max: 2 ** 48 - 1 }) }),
    { nil: undefined },
  ),
});

const encode = (keyHash: bigint, parts: typeof record extends fc.Arbitrary<infer T> ? T : never): Uint8Array =>
  encodeRecord(testPrimitives, keyHash, { ...parts, digest: digestOf(testPrimitives, keyHash, parts.body) });

describe("a replica's record", () => {
  it("comes back as it was kept", () => {
    fc.assert(
      fc.property(hash, record, (keyHash, parts) => {
        const decoded = decodeRecord(testPrimitives, keyHash, encode(keyHash, parts));
        expect(decoded).toEqual({ ...parts, digest: digestOf(testPrimitives, keyHash, parts.body) });
      }),
      { numRuns: count(200, 5_000) },
    );
  });

  it("shows every flipped bit", () => {
    fc.assert(
      fc.property(hash, record, (keyHash, parts) => {
        const bytes = encode(keyHash, parts);
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const flipped = bytes.slice();
          flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
          if (decodeRecord(testPrimitives, keyHash, flipped) !== undefined) throw new Error(`bit ${bit} went unseen`);
        }
      }),
      { numRuns: count(20, 500) },
    );
  });

  it("shows every cut", () => {
    const bytes = encode(7n, { body: new Uint8Array(40).fill(3), inDoubt: false, lifetime: { boot: 1, birth: 2 } });
    for (let size = 0; size < bytes.length; size++) {
      expect(decodeRecord(testPrimitives, 7n, bytes.subarray(0, size))).toBe(undefined);
    }
    expect(decodeRecord(testPrimitives, 7n, Uint8Array.of(...bytes, 0))).toBe(undefined);
  });

  it("is seen to be misplaced under any other key", () => {
    fc.assert(
      fc.property(hash, hash, record, (keyHash, otherHash, parts) => {
        fc.pre(keyHash !== otherHash);
        expect(decodeRecord(testPrimitives, otherHash, encode(keyHash, parts))).toBe(undefined);
      }),
      { numRuns: count(200, 5_000) },
    );
  });

  it("has the digest that every replica with this state has, whatever only this one knows", () => {
    const body = new Uint8Array(10).fill(1);
    const [plain, doubtful] = [
      encode(5n, { body, inDoubt: false, lifetime: undefined }),
      encode(5n, { body, inDoubt: true, lifetime: { boot: 3, birth: 4 } }),
    ];
    expect(plain).not.toEqual(doubtful);
    expect(plain.subarray(RECORD_HEADER_BYTES)).toEqual(doubtful.subarray(RECORD_HEADER_BYTES));
    expect(decodeRecord(testPrimitives, 5n, plain)?.digest).toBe(decodeRecord(testPrimitives, 5n, doubtful)?.digest);
  });
});
