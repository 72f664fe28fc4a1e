/** One end of a connection in memory: frames are encoded when sent, and parsed by the other end when the deferred delivery runs. */
import { MalformedError, Writer, type TextCodec } from "../base/bytes.js";
import { limits } from "../base/limits.js";
import { encodeFrame, FrameParser } from "../wire/frame.js";
import type { Envelope } from "../wire/messages.js";
import type { Pipe, PipeHandler, SendResult } from "./session.js";

export interface MemoryNetworkOptions {
  readonly text: TextCodec;
  /** Runs `run` later, in the order of the calls: never before it returns. */
  readonly defer: (run: () => void) => void;
  readonly frameBytesMax?: number;
  readonly queueBytesMax?: number;
}

export class MemoryPipe implements Pipe {
  other: MemoryPipe | undefined;
  readonly #writer: Writer;
  readonly #parser: FrameParser;
  #flushComes = false;
  #state: "open" | "ending" | "closed" = "open";

  constructor(
    readonly options: MemoryNetworkOptions,
    readonly handler: PipeHandler,
    /** Finds the other end when the first frames leave; undefined when nobody answers. */
    readonly connect: (self: MemoryPipe) => MemoryPipe | undefined,
  ) {
    this.#writer = new Writer(options.text);
    this.#parser = new FrameParser(options.text, options.frameBytesMax ?? limits.frameBytesMax);
  }

  get open(): boolean {
    return this.#state === "open";
  }

  get reached(): boolean {
    return this.other !== undefined;
  }

  send(clusterId: bigint, envelope: Envelope): SendResult {
    if (this.#state !== "open") return "closed";
    const { frameBytesMax = limits.frameBytesMax, queueBytesMax = limits.peerQueueBytesMax } = this.options;
    const start = this.#writer.length;
    encodeFrame(this.#writer, clusterId, envelope);
    const tooLarge = this.#writer.length - start > frameBytesMax;
    if (tooLarge || this.#writer.length > queueBytesMax) {
      this.#writer.length = start;
      return tooLarge ? "too-large" : "full";
    }
    this.#scheduleFlush();
    return "taken";
  }

  end(reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#scheduleFlush();
    this.options.defer(() => this.destroy(reason));
  }

  destroy(reason: string, malformed = false): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.handler.closed(reason, malformed);
    // The other side learns of it as it would of frames: later.
    this.options.defer(() => this.other?.destroy("closed by the other side"));
  }

  #scheduleFlush(): void {
    if (this.#flushComes) return;
    this.#flushComes = true;
    this.options.defer(() => this.#flush());
  }

  #flush(): void {
    this.#flushComes = false;
    if (this.#state === "closed") return;
    const bytes = this.#writer.take();
    this.#writer.reset();
    this.other ??= this.connect(this);
    if (this.other === undefined) this.destroy("nobody answers");
    else this.other.#receive(bytes);
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#parser.push(bytes, (frame) => {
        if (this.#state === "open") this.handler.frame(frame);
      });
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.destroy(error.message, true);
    }
  }
}
