import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedError, Reader, Writer } from "../../src/base/bytes.js";
import { INSTANCE_MAX, compareDots, formatActor, formatDot, parseActor, parseDot } from "../../src/versions/actor.js";
import type { Dot } from "../../src/versions/actor.js";
import { decodeVector, encodeVector, vectorBytes } from "../../src/versions/vector-codec.js";
import { VersionVector, clockJson, orderVectors } from "../../src/versions/version-vector.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";
import { dotAt } from "./support.js";

const runs = { numRuns: count(500, 20_000) };

/** Few actors and small counters, so that vectors meet. */
const dots = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 }), fc.nat(5), fc.integer({ min: 1, max: 2 }))
  .map(([instance, n, chain, birth]) => dotAt(instance, n, chain, 1, birth));
const histories = fc.array(dots, { maxLength: 14 });

/** The dumb vector: a map from the actor's name to its largest counter. */
function dumb(all: readonly Dot[]): Map<string, number> {
  const map = new Map<string, number>();
  for (const { actor, n } of all) map.set(formatActor(actor), Math.max(n, map.get(formatActor(actor)) ?? 0));
  return map;
}

const vectorOf = (all: readonly Dot[]): VersionVector =>
  all.reduce((vector, dot) => vector.with(dot), VersionVector.EMPTY);
const asMap = (vector: VersionVector): Map<string, number> => new Map(Object.entries(clockJson(vector)));
const dominates = (a: Map<string, number>, b: Map<string, number>): boolean =>
  [...b].every(([actor, n]) => (a.get(actor) ?? 0) >= n);

function encode(vector: VersionVector): Uint8Array {
  const writer = new Writer(testPrimitives.text);
  encodeVector(writer, vector);
  return writer.take();
}

function decode(source: Uint8Array): VersionVector {
  const reader = new Reader(testPrimitives.text, source);
  const vector = decodeVector(reader);
  reader.finish();
  return vector;
}

describe("a version vector equals the dumb one", () => {
  it("in what it holds, whatever the order of its events", () => {
    fc.assert(
      fc.property(histories, dots, (all, dot) => {
        const vector = vectorOf(all);
        expect(asMap(vector)).toEqual(dumb(all));
        expect(vectorOf([...all].reverse()).equals(vector)).toBe(true);
        expect(vector.covers(dot)).toBe((dumb(all).get(formatActor(dot.actor)) ?? 0) >= dot.n);
        expect([...vector.entries()].map(([actor]) => formatActor(actor))).toHaveLength(dumb(all).size);
      }),
      runs,
    );
  });

  it("in union, dominance, order and masking", () => {
    fc.assert(
      fc.property(histories, histories, (xs, ys) => {
        const [x, y] = [vectorOf(xs), vectorOf(ys)];
        const [dumbX, dumbY] = [dumb(xs), dumb(ys)];
        expect(asMap(x.union(y))).toEqual(dumb([...xs, ...ys]));
        const [above, below] = [dominates(dumbX, dumbY), dominates(dumbY, dumbX)];
        expect(x.dominates(y)).toBe(above);
        expect(x.compare(y)).toBe(above ? (below ? "equal" : "after") : below ? "before" : "concurrent");
        expect(asMap(x.maskedBy(y))).toEqual(new Map([...dumbX].filter(([actor]) => dumbY.has(actor))));
        if (above) expect(x.union(y)).toBe(x);
        expect(Math.sign(orderVectors(x, y)) + Math.sign(orderVectors(y, x))).toBe(0);
        expect(orderVectors(x, y) === 0).toBe(x.equals(y));
      }),
      runs,
    );
  });

  it("and has one byte string, whose size is known before it is written", () => {
    fc.assert(
      fc.property(histories, histories, (xs, ys) => {
        const vector = vectorOf([...xs, ...ys]);
        const other = vectorOf(ys).union(vectorOf(xs));
        expect(encode(other)).toEqual(encode(vector));
        expect(vectorBytes(vector)).toBe(encode(vector).length);
        expect(decode(encode(vector)).equals(vector)).toBe(true);
      }),
      runs,
    );
  });
});

describe("a vector's bytes", () => {
  it("ten thousand resolved blind puts take a few bytes", () => {
    let vector = VersionVector.EMPTY;
    for (let chain = 0; chain < 10_000; chain++) vector = vector.with(dotAt(1, 1, chain));
    expect(encode(vector).length).toBeLessThan(16);
  });

  it("decoding is total, and what it accepts it writes back byte for byte", () => {
    const mutated = fc
      .tuple(histories, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
      .map(([all, changes]) => {
        const source = encode(vectorOf(all));
        for (const [at, byte] of changes) source[at % source.length] = byte;
        return source;
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 40 })), (source) => {
        try {
          expect(encode(decode(source))).toEqual(source);
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
        }
      }),
      runs,
    );
  });

  it("a few bytes cannot claim more chains than a lifetime may have", () => {
    const writer = new Writer(testPrimitives.text);
    for (const number of [1]) writer.uvarint(number);
    writer.u48(1);
    for (const number of [1, 1, 1, 1, 2 ** 50, 1]) writer.uvarint(number);
    expect(() => decode(writer.take())).toThrow(MalformedError);
  });
});

describe("names of actors and dots", () => {
  it.each([
    [dotAt(0, 1, 0, 0, 0), "000000000000.0.0:1"],
    [dotAt(0x2a, 7, 0, 3, 12), "00000000002a.3.12:7"],
    [dotAt(INSTANCE_MAX, 2, 5, 1, 1), "ffffffffffff.1.1.5:2"],
  ])("%o is %s", (dot, text) => {
    expect(formatDot(dot)).toBe(text);
    expect(compareDots(parseDot(text) as Dot, dot)).toBe(0);
  });

  it.each(["", ":", "0.0.0:1", "000000000000.0.0", "000000000000.0.0:0", "000000000000.0.0:01", "000000000000.00.0:1"])(
    "%j is no dot",
    (text) => expect(parseDot(text)).toBeUndefined(),
  );

  it.each([
    "00000000002A.1.1",
    "000000000000.0.0.0",
    "000000000000.0.9999999999999999",
    "__proto__",
    " 00000000002a.1.1",
  ])("%j is no actor", (text) => expect(parseActor(text)).toBeUndefined());
});
