import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedError, Reader, Writer } from "../../src/base/bytes.js";
import { decodeGossip, decodeOrigin, encodeOrigin } from "../../src/gossip/codec.js";
import type { Delta, Digest, Entry, GossipMessage, OriginSnapshot } from "../../src/gossip/messages.js";
import { INSTANCE_MAX } from "../../src/gossip/messages.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";
import { decoded, encoded } from "./world.js";

const { text } = testPrimitives;
const runs = { numRuns: count(300, 10_000) };

const instance = fc.maxSafeNat().map((n) => n % (INSTANCE_MAX + 1));
const counter = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat().map((n) => Math.floor(n / 4)),
);
const digest: fc.Arbitrary<Digest> = fc.record({ instance, boot: counter, heartbeat: counter, version: counter });
const key = fc.stringMatching(/^[\x21-\x7e]{1,60}$/);
const entriesAfter = (after: number): fc.Arbitrary<Entry[]> =>
  fc
    .uniqueArray(fc.record({ key, value: fc.uint8Array({ maxLength: 80 }), step: fc.integer({ min: 1, max: 500 }) }), {
      maxLength: 6,
      selector: (entry) => entry.key,
    })
    .map((all) => {
      let version = after;
      return all.map(({ step, ...entry }) => ({ ...entry, version: (version += step) }));
    });
const delta: fc.Arbitrary<Delta> = counter.chain((after) =>
  fc.tuple(digest, counter, entriesAfter(after)).map(([{ instance: of, boot, heartbeat }, base, entries]) => ({
    instance: of,
    boot: boot + 1,
    heartbeat,
    base,
    after,
    entries,
  })),
);
const message: fc.Arbitrary<GossipMessage> = fc.oneof(
  fc.tuple(digest, instance, instance, fc.array(digest)).map(([self, from, to, digests]) => ({
    kind: "syn" as const,
    self: { ...self, boot: self.boot + 1 },
    from,
    to,
    digests,
  })),
  fc.record({
    kind: fc.constant("ack" as const),
    digests: fc.array(digest),
    deltas: fc.array(delta, { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant("ack2" as const), deltas: fc.array(delta, { maxLength: 4 }) }),
);

/** Bytes from outside are refused as malformed, or they are the one form of what they say. */
function demandOneForm(bytes: Uint8Array): void {
  let read: GossipMessage;
  try {
    read = decodeGossip(new Reader(text, bytes));
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError);
    return;
  }
  expect(encoded(read)).toEqual(bytes.slice());
}

describe("gossip's bytes", () => {
  test("what is decoded is what was encoded", () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(decoded(encoded(one))).toEqual(one);
      }),
      runs,
    );
  });

  test("rubbish is refused as malformed and nothing else is thrown", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3), fc.uint8Array({ maxLength: 60 }), (kind, rest) => {
        demandOneForm(rest);
        demandOneForm(Uint8Array.of(1, kind, ...rest));
      }),
      runs,
    );
  });

  test("a message with a byte changed, cut or added is refused, or is another message in its one form", () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
        const bytes = encoded(one);
        const bent = bytes.slice();
        bent[at % bent.length]! ^= flip;
        demandOneForm(bent);
        expect(() => decoded(bytes.subarray(0, at % bytes.length))).toThrow(MalformedError);
        expect(() => decoded(Uint8Array.of(...bytes, flip))).toThrow(MalformedError);
      }),
      runs,
    );
  });

  test("an unknown format, a key twice, a version that does not rise, an origin without a boot: refused", () => {
    const entry = (name: string, version: number): Entry => ({ key: name, value: Uint8Array.of(1), version });
    const ack2 = (boot: number, ...entries: Entry[]): Uint8Array =>
      encoded({ kind: "ack2", deltas: [{ instance: 1, boot, heartbeat: 0, base: 0, after: 0, entries }] });
    expect(() => decoded(Uint8Array.of(2, 3, 0))).toThrow(MalformedError);
    expect(() => decoded(ack2(1, entry("a", 1), entry("a", 2)))).toThrow(MalformedError);
    expect(() => decoded(ack2(1, entry("a", 1), entry("b", 1)))).toThrow(MalformedError);
    expect(() => decoded(ack2(1, entry("a", 0)))).toThrow(MalformedError);
    expect(() => decoded(ack2(1, entry("a\n", 1)))).toThrow(MalformedError);
    expect(() => decoded(ack2(1, { ...entry("a", 1), value: new Uint8Array(4097) }))).toThrow(MalformedError);
    expect(() => decoded(ack2(0, entry("a", 1)))).toThrow(MalformedError);
    expect(decoded(ack2(1, entry("a", 1), entry("b", 2))).kind).toBe("ack2");
  });

  test("a snapshot comes back from the disk as it went, inherited entries included", () => {
    const snapshot = (inherited: readonly Entry[], own: readonly Entry[]): OriginSnapshot => {
      const entries = [...inherited.map((one) => ({ ...one, key: `old/${one.key}`, version: 0 })), ...own];
      return { instance: 5, boot: 2, heartbeat: 7, base: 9, version: own.at(-1)?.version ?? 0, entries };
    };
    fc.assert(
      fc.property(entriesAfter(0), entriesAfter(0), (inherited, own) => {
        const writer = new Writer(text);
        encodeOrigin(writer, snapshot(inherited, own));
        expect(decodeOrigin(new Reader(text, writer.view()))).toEqual(snapshot(inherited, own));
        expect(() => decodeOrigin(new Reader(text, writer.view().subarray(1)))).toThrow(MalformedError);
      }),
      runs,
    );
  });
});
