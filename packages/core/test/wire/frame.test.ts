/** Frames come out of any cutting of the stream as they went in, and a stream that is not ours is refused before it is held. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedError, Writer } from "../../src/base/bytes.js";
import { encodeFrame, FRAME_HEADER_BYTES, FrameParser, type Frame } from "../../src/wire/frame.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";
import { anyClusterId, anyEnvelope } from "./arbitrary-messages.js";

const { text } = testPrimitives;
const FRAME_BYTES_MAX = 100_000;

const anyFrame: fc.Arbitrary<Frame> = fc.record({ clusterId: anyClusterId, envelope: anyEnvelope });

function encode(frames: readonly Frame[]): Uint8Array {
  const writer = new Writer(text);
  for (const frame of frames) encodeFrame(writer, frame.clusterId, frame.envelope);
  return writer.take();
}

function parse(chunks: readonly Uint8Array[], frameBytesMax = FRAME_BYTES_MAX): Frame[] {
  const parser = new FrameParser(text, frameBytesMax);
  const frames: Frame[] = [];
  for (const chunk of chunks) parser.push(chunk, (frame) => frames.push(frame));
  return frames;
}

function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, i) => bytes.slice(cuts[i], end));
}

describe("a stream of frames", () => {
  test("gives the frames it was made of, cut anywhere", () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 8 }), (frames, places) => {
        expect(parse(cutAt(encode(frames), places))).toEqual(frames);
      }),
      { numRuns: count(500, 20_000) },
    );
  });

  test("gives the same cut at every byte, and byte by byte", () => {
    const frames = fc.sample(anyFrame, { numRuns: count(6, 40), seed: 7 });
    const bytes = encode(frames);
    for (let at = 0; at <= bytes.length; at++)
      expect(parse([bytes.slice(0, at), bytes.slice(at)]).length).toBe(frames.length);
    expect(parse(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(frames);
  });

  test("delivers each frame with its last byte, not later", () => {
    const bytes = encode(fc.sample(anyFrame, { numRuns: 1, seed: 3 }));
    const parser = new FrameParser(text, FRAME_BYTES_MAX);
    let delivered = 0;
    for (const [at, byte] of bytes.entries()) {
      expect(delivered).toBe(0);
      parser.push(Uint8Array.of(byte), () => delivered++);
      if (at === bytes.length - 1) expect(delivered).toBe(1);
    }
  });

  test("changed anywhere gives frames or MalformedError, never another failure", () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), (frames, at, byte) => {
        const bytes = encode(frames);
        bytes[at % bytes.length] = byte;
        expectOnlyMalformed(() => parse([bytes]));
      }),
      { numRuns: count(1_000, 100_000) },
    );
  });

  test("of random bytes is MalformedError with its first header", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: FRAME_HEADER_BYTES, maxLength: 300 }), (bytes) => {
        bytes[0] = 0x47;
        expect(() => parse([bytes])).toThrow(MalformedError);
      }),
      { numRuns: count(300, 10_000) },
    );
  });
});

function expectOnlyMalformed(run: () => void): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError);
  }
}

describe("the frame's bounds", () => {
  const ping: Frame = { clusterId: 1n, envelope: { requestId: 1, deadlineMs: 0, message: { kind: "ring" } } };

  test("a frame that announces more than is allowed is refused with its header, whole or cut", () => {
    const header = encode([ping]).slice(0, FRAME_HEADER_BYTES);
    new DataView(header.buffer).setUint32(4, FRAME_BYTES_MAX - FRAME_HEADER_BYTES + 1);
    expect(() => parse([header])).toThrow(/at most/);
    expect(() => parse([header.slice(0, 10), header.slice(10)])).toThrow(/at most/);
    new DataView(header.buffer).setUint32(4, FRAME_BYTES_MAX - FRAME_HEADER_BYTES);
    expect(parse([header])).toEqual([]);
  });

  test("another version is refused by name", () => {
    const bytes = encode([ping]);
    bytes[2] = 2;
    expect(() => parse([bytes])).toThrow(/version 2/);
  });

  test("a deadline's last fraction of a millisecond stays a deadline, and a far one does not wrap", () => {
    const deadline = (deadlineMs: number): number | undefined =>
      parse([encode([{ ...ping, envelope: { ...ping.envelope, deadlineMs } }])])[0]?.envelope.deadlineMs;
    expect(deadline(0.2)).toBe(1);
    expect(deadline(0)).toBe(0);
    expect(deadline(2 ** 32 + 5)).toBe(0xffff_ffff);
  });

  test("a frame that crossed two chunks pins neither: its blobs are slices of a copy of itself", () => {
    const message = { kind: "fetch", id: new Uint8Array(100).fill(7), epoch: 1, phase: 3 } as const;
    const bytes = encode([{ clusterId: 1n, envelope: { requestId: 1, deadlineMs: 0, message } }]);
    const [frame] = parse([bytes.slice(0, 50), new Uint8Array([...bytes.slice(50), ...encode([ping])])]);
    const got = frame?.envelope.message;
    expect(got?.kind === "fetch" && got.id.buffer.byteLength).toBe(bytes.length);
  });
});
