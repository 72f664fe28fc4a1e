/** Every message survives its bytes, and bytes that are no message are refused as such and in no other way. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedError, Reader, Writer } from "../../src/base/bytes.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message-codecs.js";
import type { Message } from "../../src/wire/messages.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";
import { anyMessage, messagesByKind } from "./arbitrary-messages.js";

const { text } = testPrimitives;

function encode(message: Message): { readonly number: number; readonly bytes: Uint8Array } {
  const writer = new Writer(text);
  const number = encodeMessage(writer, message);
  return { number, bytes: writer.take() };
}

function decode(number: number, bytes: Uint8Array): Message {
  const reader = new Reader(text, bytes);
  const message = decodeMessage(number, reader);
  reader.finish();
  return message;
}

/** What decoding gives: a message, or undefined when the bytes were refused. Anything else thrown fails the test. */
function decodeOrRefuse(number: number, bytes: Uint8Array): Message | undefined {
  try {
    return decode(number, bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

describe("every kind of message", () => {
  const numbers = new Set<number>();
  for (const [kind, messages] of Object.entries<fc.Arbitrary<Message>>(messagesByKind)) {
    test(`${kind} is the same after its bytes`, () => {
      fc.assert(
        fc.property(messages, (message) => {
          const { number, bytes } = encode(message);
          expect(decode(number, bytes)).toEqual(message);
        }),
        { numRuns: count(60, 2_000) },
      );
    });

    test(`${kind} has a number of its own`, () => {
      const [message] = fc.sample(messages, 1);
      if (message === undefined) throw new Error("no sample");
      const { number } = encode(message);
      expect(numbers.has(number)).toBe(false);
      numbers.add(number);
    });
  }
});

describe("bytes that are not what they claim to be", () => {
  test("random bytes under any number are refused as malformed, never otherwise", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 200 }), (number, bytes) => {
        decodeOrRefuse(number, bytes);
      }),
      { numRuns: count(3_000, 300_000) },
    );
  });

  test("a message with a byte changed is another message or malformed, never an accident", () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.integer({ min: 1, max: 255 }), (message, at, change) => {
        const { number, bytes } = encode(message);
        if (bytes.length === 0) return;
        const place = at % bytes.length;
        bytes[place] = (bytes[place] as number) ^ change;
        decodeOrRefuse(number, bytes);
      }),
      { numRuns: count(3_000, 300_000) },
    );
  });

  test("a message cut short or with a byte behind it is malformed", () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), (message, at) => {
        const { number, bytes } = encode(message);
        if (bytes.length > 0) {
          expect(decodeOrRefuse(number, bytes.subarray(0, at % bytes.length))).toBeUndefined();
        }
        expect(decodeOrRefuse(number, Uint8Array.of(...bytes, 0))).toBeUndefined();
      }),
      { numRuns: count(1_000, 100_000) },
    );
  });

  test("a kind, a word or a flag of a later version is refused rather than misread", () => {
    expect(() => decode(255, new Uint8Array(0))).toThrow(MalformedError);
    const { number, bytes } = encode({ kind: "stored", status: "refused" });
    expect(() => decode(number, Uint8Array.of((bytes[0] as number) + 1))).toThrow(MalformedError);
    const get = encode({ kind: "get", id: new Uint8Array(0), r: undefined, sloppy: true, local: true, hops: 0 });
    get.bytes[2] = 0b111;
    expect(() => decode(get.number, get.bytes)).toThrow(MalformedError);
  });

  test("a count of more items than there are bytes is refused before room is made for them", () => {
    const writer = new Writer(text);
    writer.u8(0);
    writer.uvarint(Number.MAX_SAFE_INTEGER);
    const { number } = encode({ kind: "pulled", states: [], more: false });
    expect(() => decode(number, writer.take())).toThrow(MalformedError);
  });

  test("a fetched state has a body and an absent one has none: absence is never said by half", () => {
    const { number } = encode({ kind: "fetched", status: "absent", body: undefined });
    expect(() => decode(number, Uint8Array.of(0, 0))).toThrow(MalformedError);
    expect(() => decode(number, Uint8Array.of(1, 1, 0))).toThrow(MalformedError);
  });
});
