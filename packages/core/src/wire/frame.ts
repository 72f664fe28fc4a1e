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

/** The id before a node or client knows its cluster: only greetings and joins may carry it. */
export const NO_CLUSTER = 0n;

/** Appends one frame: magic u16, version u8, kind u8, payload bytes u32, request id u32, deadline ms u32, cluster id u64, payload. */
export function encodeFrame(writer: Writer, clusterId: bigint, envelope: Envelope): void {
  const start = writer.length;
  writer.u16(FRAME_MAGIC);
  writer.u8(PROTOCOL_VERSION);
  writer.u8(0);
  writer.u32(0);
  writer.u32(envelope.requestId);
  writer.u32(envelope.deadlineMs);
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
 * Cuts a byte stream into frames. Values in the messages are slices of the chunks handed in: copy what outlives the handling.
 * Throws {@link MalformedError} for a stream that is not ours; the connection is then of no more use.
 */
export class FrameParser {
  #wanted = FRAME_HEADER_BYTES;
  #parts: Uint8Array[] = [];
  #held = 0;

  constructor(
    readonly text: TextCodec,
    readonly frameBytesMax: number,
  ) {}

  push(chunk: Uint8Array, deliver: (frame: Frame) => void): void {
    let bytes = chunk;
    if (this.#held > 0) {
      this.#parts.push(chunk);
      this.#held += chunk.length;
      if (this.#held < this.#wanted) return;
      bytes = this.#join();
    }
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const size = this.#frameBytes(bytes, at);
      if (bytes.length - at < size) break;
      deliver(this.#decode(bytes, at, size));
      at += size;
    }
    this.#keep(at === 0 ? bytes : bytes.subarray(at));
  }

  #join(): Uint8Array {
    const joined = new Uint8Array(this.#held);
    let at = 0;
    for (const part of this.#parts) {
      joined.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#held = 0;
    return joined;
  }

  #keep(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#parts.push(rest);
    this.#held = rest.length;
    this.#wanted = rest.length >= FRAME_HEADER_BYTES ? this.#frameBytes(rest, 0) : FRAME_HEADER_BYTES;
  }

  #frameBytes(bytes: Uint8Array, at: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEADER_BYTES);
    if (view.getUint16(0) !== FRAME_MAGIC) throw new MalformedError("this is not Kvorum's peer protocol");
    const version = view.getUint8(2);
    if (version !== PROTOCOL_VERSION) {
      throw new MalformedError(`peer protocol version ${version}, this node speaks ${PROTOCOL_VERSION}`);
    }
    const size = view.getUint32(4) + FRAME_HEADER_BYTES;
    if (size > this.frameBytesMax) throw new MalformedError(`a frame of ${size} bytes, at most ${this.frameBytesMax}`);
    return size;
  }

  #decode(bytes: Uint8Array, at: number, size: number): Frame {
    const reader = new Reader(this.text, bytes, at + 3, at + size);
    const kind = reader.u8();
    reader.u32();
    const requestId = reader.u32();
    const deadlineMs = reader.u32();
    const clusterId = reader.u64();
    const message = decodeMessage(kind, reader);
    reader.finish();
    return { clusterId, envelope: { requestId, deadlineMs, message } };
  }
}
