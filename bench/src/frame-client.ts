/**
 * The bare frame client: what the protocol costs a program and nothing else. It sends a get, matches the answer by its number, and sends the
 * next: no ring, no promise, no deadline, no retry, no look into what came.
 */
import { connect } from "node:net";
import { FrameConnection, nodeText, SlabPool } from "@kvorum/client/internal";
import { Handshake, limits, NO_CLUSTER, type Frame, type Message } from "@kvorum/core";

const HELLO = { kind: "hello", role: "client", name: "frames", instance: 0 } as const;
const DEADLINE_MS = 5_000;
const frames = {
  slabs: new SlabPool(nodeText),
  frameBytesMax: limits.frameBytesMax,
  queueBytesMax: limits.peerQueueBytesMax,
};

/** One connection that asks the same thing all the time. */
export class FrameClient {
  readonly #connection: FrameConnection;
  readonly #handshake: Handshake;
  #clusterId = NO_CLUSTER;
  #requestId = 0;
  answered = 0;
  #underWay = 0;
  #drained: (() => void) | undefined;

  /** `next`: what is asked next. */
  constructor(
    address: string,
    readonly next: () => Message,
  ) {
    const [host = "", port = "0"] = address.split(":");
    this.#handshake = new Handshake("opener", { clusterId: () => this.#clusterId, admit: () => undefined });
    this.#connection = new FrameConnection(connect({ host, port: Number(port), noDelay: true }), frames, {
      frame: (frame) => this.#receive(frame),
      closed: () => {},
    });
    this.#connection.send(NO_CLUSTER, { requestId: 0, deadlineMs: 0, message: HELLO });
  }

  /** Keeps so many requests under way. */
  start(inFlight: number): void {
    for (let i = 0; i < inFlight; i++) this.#ask();
  }

  /** Asks nothing any more, and resolves when all has been answered: what is left over would be the next one's load. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = () => {
        this.#drained = undefined;
        resolve();
      };
      if (this.#underWay === 0) this.#drained();
    });
  }

  close(): void {
    this.#connection.end("done");
  }

  #ask(): void {
    this.#underWay++;
    this.#requestId = (this.#requestId + 1) >>> 0 || 1;
    this.#connection.send(this.#clusterId, {
      requestId: this.#requestId,
      deadlineMs: DEADLINE_MS,
      message: this.next(),
    });
  }

  #receive(frame: Frame): void {
    switch (this.#handshake.judge(frame)) {
      case "greeted":
        this.#clusterId = frame.clusterId;
        return;
      case "deliver":
        if (frame.envelope.message.kind === "failed") throw new Error(frame.envelope.message.failure.detail);
        this.answered++;
        this.#underWay--;
        if (this.#drained === undefined) this.#ask();
        else if (this.#underWay === 0) this.#drained();
        return;
      default:
        throw new Error("the frame client was refused");
    }
  }
}
