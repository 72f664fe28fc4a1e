/**
 * One TCP connection that carries frames: coalesced on the way out, cut apart on the way in, bounded both ways. Used by every side
 * of the peer protocol. Frames that are sent in one turn of the event loop leave in one write, which is what decides the speed of a
 * node (DESIGN §10); they are encoded into a slab at once, so nothing that was sent is looked at again.
 *
 * At most once: what was not taken by the kernel when the connection ends is lost, and its sender is not told.
 */
import type { Socket } from "node:net";
import {
  encodeFrame,
  FrameParser,
  MalformedError,
  type Envelope,
  type Frame,
  type Pipe,
  type PipeHandler,
  type SendResult,
  type Writer,
} from "@kvorum/core";
export type { SendResult } from "@kvorum/core";
import { ProgressWatch, type ProgressLimits } from "./progress-watch.js";
import { SLAB_BYTES_FULL, type SlabPool } from "./slab-pool.js";

export interface FrameConnectionOptions extends ProgressLimits {
  readonly slabs: SlabPool;
  /** Bounds of a frame, either way, and of what waits to be sent: encoded and not yet taken by the kernel. */
  readonly frameBytesMax: number;
  readonly queueBytesMax: number;
  /** Nothing is read while more than this waits to be sent: for the side that answers. */
  readonly queueBytesPause?: number;
}

/** Totals that several connections may share. Bytes count when the kernel has taken them. */
export interface FrameStats {
  bytesSent: number;
  bytesReceived: number;
  framesSent: number;
  framesReceived: number;
}

export function frameStats(): FrameStats {
  return { bytesSent: 0, bytesReceived: 0, framesSent: 0, framesReceived: 0 };
}

export class FrameConnection implements Pipe {
  readonly #parser: FrameParser;
  /** The slab that frames are written into, those that are full, in order, and the one that the socket holds. */
  #filling: Writer | undefined;
  readonly #full: Writer[] = [];
  #flying: Writer | undefined;
  #queuedBytes = 0;
  #takenBytes = 0;
  #flushComes = false;
  #paused = false;
  #state: "open" | "ending" | "closed" = "open";
  #reason = "closed by the other side";
  #reached = false;
  /** The deadline of the first request that was sent since something came; 0 when no reply is awaited. */
  #awaitedMs = 0;
  readonly #watch: ProgressWatch;

  /** `socket` may still be connecting: what is sent meanwhile waits in the queue. */
  constructor(
    readonly socket: Socket,
    readonly options: FrameConnectionOptions,
    readonly handler: PipeHandler,
    readonly stats: FrameStats = frameStats(),
  ) {
    this.#parser = new FrameParser(options.slabs.text, options.frameBytesMax);
    this.#watch = new ProgressWatch(options);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => (this.#reason = error.message));
    socket.on("close", () => this.#close(this.#reason));
    if (socket.connecting) socket.once("connect", () => (this.#reached = true));
    else this.#reached = true;
  }

  get open(): boolean {
    return this.#state === "open";
  }

  /** The other side took the connection: what was sent may have arrived. */
  get reached(): boolean {
    return this.#reached;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bounds the frames that come from now on, when it is known who sends them. */
  set receivedFrameBytesMax(bytes: number) {
    this.#parser.frameBytesMax = bytes;
  }

  send(clusterId: bigint, envelope: Envelope): SendResult {
    if (this.#state !== "open") return "closed";
    const slab = (this.#filling ??= this.options.slabs.take());
    const start = slab.length;
    const refusal = this.#encode(slab, clusterId, envelope);
    if (refusal !== undefined) {
      slab.length = start;
      if (start === 0) this.#dropFilling(slab);
      return refusal;
    }
    this.#queuedBytes += slab.length - start;
    this.stats.framesSent++;
    if (this.#awaitedMs === 0) this.#awaitedMs = envelope.deadlineMs;
    if (slab.length >= SLAB_BYTES_FULL) {
      this.#full.push(slab);
      this.#filling = undefined;
    }
    if (!this.#flushComes && this.#flying === undefined) this.#scheduleFlush();
    if (!this.#paused && this.#queuedBytes > (this.options.queueBytesPause ?? Infinity)) this.#pause();
    return "taken";
  }

  /** Sends what waits, then closes. What still comes in is dropped. */
  end(reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#reason = reason;
    this.#watch.ending();
    this.socket.resume();
    if (!this.#flushComes && this.#flying === undefined) this.#scheduleFlush();
  }

  /** Closes now: what waits is lost. The handler hears of it before this returns. */
  destroy(reason: string): void {
    this.#close(reason);
  }

  /** Closes the connection when something takes too long. To be called a few times a second, with a monotonic clock. */
  check(nowMs: number): void {
    if (this.#state === "closed") return;
    const { connecting, bytesRead } = this.socket;
    if (this.#watch.received(bytesRead)) this.#awaitedMs = 0;
    const overdue = this.#watch.check(nowMs, connecting, this.#queuedBytes > 0, this.#takenBytes, this.#awaitedMs);
    if (overdue !== undefined) this.destroy(overdue);
  }

  #encode(slab: Writer, clusterId: bigint, envelope: Envelope): "full" | "too-large" | undefined {
    const { frameBytesMax, queueBytesMax } = this.options;
    if (this.#queuedBytes >= queueBytesMax) return "full";
    const start = slab.length;
    try {
      encodeFrame(slab, clusterId, envelope);
    } catch (error) {
      // Half a frame in the stream would cost the connection, and with it the frames of others.
      slab.length = start;
      throw error;
    }
    const size = slab.length - start;
    if (size > frameBytesMax) return "too-large";
    return this.#queuedBytes + size > queueBytesMax ? "full" : undefined;
  }

  /** A frame that was too large must not leave its room behind. */
  #dropFilling(slab: Writer): void {
    this.#filling = undefined;
    this.options.slabs.giveBack(slab);
  }

  /**
   * After the sockets that are ready were read, not after each: what the replies on two of them cause leaves on a third together. With
   * one connection a flush at the end of each read is quicker; with a node's several this one took a sixth less CPU (null Dynamo, reads).
   */
  #scheduleFlush(): void {
    this.#flushComes = true;
    setImmediate(this.#flush);
  }

  /** Hands one slab to the socket; the next follows when it was taken, and gathers frames until then. */
  readonly #flush = (): void => {
    this.#flushComes = false;
    if (this.#state === "closed" || this.#flying !== undefined) return;
    const slab = this.#full.shift() ?? this.#filling;
    if (slab === undefined || slab.length === 0) {
      if (this.#state === "ending") this.socket.end();
      return;
    }
    if (slab === this.#filling) this.#filling = undefined;
    this.#flying = slab;
    this.socket.write(slab.view(), this.#written);
  };

  readonly #written = (error?: Error | null): void => {
    const slab = this.#flying;
    // After an error the system may still hold the bytes: such a slab is not used again.
    if (error || slab === undefined) return;
    this.#flying = undefined;
    this.#queuedBytes -= slab.length;
    this.#takenBytes += slab.length;
    this.stats.bytesSent += slab.length;
    this.options.slabs.giveBack(slab);
    if (this.#paused && this.#queuedBytes <= (this.options.queueBytesPause ?? Infinity) / 2) this.#resume();
    if (!this.#flushComes) this.#flush();
  };

  #receive(chunk: Buffer): void {
    this.stats.bytesReceived += chunk.length;
    if (this.#state !== "open") return;
    try {
      // A plain view: what is cut out of a Buffer would be Buffers again.
      this.#parser.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length), this.#deliver);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#close(error.message, true);
    }
  }

  readonly #deliver = (frame: Frame): void => {
    if (this.#state !== "open") return;
    this.stats.framesReceived++;
    this.handler.frame(frame);
  };

  #pause(): void {
    this.#paused = true;
    this.socket.pause();
  }

  #resume(): void {
    this.#paused = false;
    this.socket.resume();
  }

  #close(reason: string, malformed = false): void {
    if (this.#state === "closed") return;
    const why = this.#state === "ending" ? this.#reason : reason;
    this.#state = "closed";
    this.socket.destroy();
    this.handler.closed(why, malformed);
  }
}
