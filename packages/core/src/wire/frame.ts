/**
 * Frames of the peer protocol: a fixed header, then one encoded message. Layout in docs/formats/frame.md.
 *
 * The header carries the cluster's id, so that two clusters never mix, the id that pairs a reply with its request, and the
 * milliseconds that are left for it, so that no work is done for a request that nobody waits for.
 */
import { MalformedError, Reader, type TextCodec, type Writer } from "../base/bytes.js";
import { decodeMessage, encodeMessage } from "./message-codecs.js";
import type { Envelope } from "./messages.js";

export const FRAME_MAGIC = 0x4b56; // "KV"
export const PROTOCOL_VERSION = 1;
export const FRAME_HEADER_BYTES = 24;
const U32_MAX = 0xffff_ffff;
const PARTIAL_BYTES = 16 * 1024;
const NOTHING = new Uint8Array(0);

/** The id before a node or client knows its cluster: only joiners and clients may carry it. */
export const NO_CLUSTER = 0n;

/** Appends one frame: magic u16, version u8, kind u8, payload bytes u32, request id u32, deadline ms u32, cluster id u64, payload. */
export function encodeFrame(writer: Writer, clusterId: bigint, envelope: Envelope): void {
  const start = writer.length;
  writer.u16(FRAME_MAGIC);
  writer.u8(PROTOCOL_VERSION);
  writer.u8(0);
  writer.u32(0);
  writer.u32(envelope.requestId);
  // Rounded up: the last fraction of a millisecond must not become the 0 that says "no reply is awaited".
  writer.u32(Math.min(Math.ceil(envelope.deadlineMs), U32_MAX));
  writer.u64(clusterId);
  const kind = encodeMessage(writer, envelope.message);
  writer.patchU8(start + 3, kind);
  writer.patchU32(start + 4, writer.length - start - FRAME_HEADER_BYTES);
}

export interface Frame {
  readonly clusterId: bigint;
  readonly envelope: Envelope;
}

/**
 * Cuts a byte stream into frames.
 *
 * Blobs in the messages are slices of the chunks handed in, or of a copy of their own frame where it crossed two chunks. A slice
 * keeps its whole chunk alive (up to 64 KiB from a socket), so what is kept beyond the handling of the frame, other than for the moment
 * that a flush takes, is to be copied. The chunks must not be written to again.
 *
 * Throws {@link MalformedError} for a stream that is not ours; the connection is then of no more use.
 */
export class FrameParser {
  /** The beginning of a frame (or of its header) that is not whole yet, how much of it is there and how much it needs to be. */
  #partial = NOTHING;
  #held = 0;
  #wanted = 0;

  /** `frameBytesMax`, header included, may be raised once the other side is known. */
  constructor(
    readonly text: TextCodec,
    public frameBytesMax: number,
  ) {}

  /** Calls `deliver` for each frame that `chunk` completes, in order. */
  push(chunk: Uint8Array, deliver: (frame: Frame) => void): void {
    let at = this.#held === 0 ? 0 : this.#complete(chunk, deliver);
    const reader = new Reader(this.text, chunk);
    while (chunk.length - at >= FRAME_HEADER_BYTES) {
      const size = this.#frameBytes(chunk, at);
      if (chunk.length - at < size) return this.#begin(chunk, at, size);
      deliver(this.#decode(reader, at, size));
      at += size;
    }
    if (at < chunk.length) this.#begin(chunk, at, FRAME_HEADER_BYTES);
  }

  /** Takes from `chunk` only what the frame begun still lacks: the frames after it are decoded in place. Returns where they start. */
  #complete(chunk: Uint8Array, deliver: (frame: Frame) => void): number {
    let at = this.#hold(chunk, 0);
    if (this.#wanted === FRAME_HEADER_BYTES && this.#held === FRAME_HEADER_BYTES) {
      this.#wanted = this.#frameBytes(this.#partial, 0);
      at = this.#hold(chunk, at);
    }
    if (this.#held < this.#wanted) return chunk.length;
    const whole = this.#partial;
    this.#partial = NOTHING;
    this.#held = 0;
    deliver(this.#decode(new Reader(this.text, whole), 0, whole.length));
    return at;
  }

  #begin(chunk: Uint8Array, at: number, wanted: number): void {
    this.#wanted = wanted;
    this.#hold(chunk, at);
  }

  /** Copies what is wanted from `at` on. Room is made as bytes come, not as a header announces them. Returns the end of what it took. */
  #hold(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#wanted - this.#held);
    const held = this.#held + end - at;
    if (held > this.#partial.length) {
      const grown = new Uint8Array(Math.min(this.#wanted, Math.max(PARTIAL_BYTES, held * 2)));
      grown.set(this.#partial.subarray(0, this.#held));
      this.#partial = grown;
    }
    this.#partial.set(chunk.subarray(at, end), this.#held);
    this.#held = held;
    return end;
  }

  #frameBytes(bytes: Uint8Array, at: number): number {
    const magic = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    if (magic !== FRAME_MAGIC) throw new MalformedError("this is not Kvorum's peer protocol");
    const version = bytes[at + 2] as number;
    if (version !== PROTOCOL_VERSION) {
      throw new MalformedError(`peer protocol version ${version}, this node speaks ${PROTOCOL_VERSION}`);
    }
    const size = readU32(bytes, at + 4) + FRAME_HEADER_BYTES;
    if (size > this.frameBytesMax) throw new MalformedError(`a frame of ${size} bytes, at most ${this.frameBytesMax}`);
    return size;
  }

  #decode(reader: Reader, at: number, size: number): Frame {
    reader.moveTo(at + 8, at + size);
    const requestId = reader.u32();
    const deadlineMs = reader.u32();
    const clusterId = reader.u64();
    const message = decodeMessage(reader.bytes[at + 3] as number, reader);
    reader.finish();
    return { clusterId, envelope: { requestId, deadlineMs, message } };
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  const view = (bytes[at] as number) * 0x100_0000;
  return view + (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}
