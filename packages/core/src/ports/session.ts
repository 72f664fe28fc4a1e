/**
 * One connection between two nodes, from either side: greeting first, then messages, then the end. What carries the frames (TCP,
 * memory, a simulated wire) is handed in, so every implementation of the network port greets, refuses and answers alike.
 */
import { assert } from "../base/assert.js";
import type { Frame } from "../wire/frame.js";
import { Handshake, type Host } from "../wire/handshake.js";
import type { Envelope, Hello, Message } from "../wire/messages.js";
import type { Address, Link } from "./network.js";

/** `full`: the queue's bound. `too-large`: more than the other side would take. `closed`: the connection is of no more use. */
export type SendResult = "taken" | "full" | "too-large" | "closed";

/** What carries the frames of one connection. */
export interface Pipe {
  readonly open: boolean;
  /** Something was handed over to the other side: what was sent may have arrived. */
  readonly reached: boolean;
  send(clusterId: bigint, envelope: Envelope): SendResult;
  /** Sends what waits, then closes; what still comes in is dropped. */
  end(reason: string): void;
  /** Closes now: what waits is lost. The handler hears of it before this returns. */
  destroy(reason: string): void;
}

/** Who hears what a pipe brings. */
export interface PipeHandler {
  /** Blobs in the frame are slices of the received bytes: see FrameParser. A MalformedError thrown here ends the connection. */
  frame(frame: Frame): void;
  /** Called once, after the last frame. `reason` says why, for people; `malformed`: it was for the other side's bytes. */
  closed(reason: string, malformed: boolean): void;
}

/** The network as its sessions see it. */
export interface SessionOwner<P extends Pipe> extends Host {
  hello(): Hello;
  /** The other side is known and was taken. */
  greeted(session: Session<P>): void;
  receive(envelope: Envelope, session: Session<P>): void;
  /** One side did not take the other; `byUs` says which. */
  refused(session: Session<P>, reason: string, byUs: boolean): void;
  /** A reply found the queue full, or was too large for a frame. */
  replyLost(session: Session<P>, why: SendResult): void;
  ended(session: Session<P>, reason: string, malformed: boolean): void;
}

export class Session<P extends Pipe> implements Link, PipeHandler {
  readonly pipe: P;
  readonly handshake: Handshake;
  /** The cluster that this side's greeting was sent with. */
  readonly greetedAs: bigint;
  #refused = false;

  constructor(
    readonly side: "opener" | "acceptor",
    /** Of the other side: what was dialled, or where the connection came from. */
    readonly address: Address,
    readonly owner: SessionOwner<P>,
    open: (handler: PipeHandler) => P,
  ) {
    this.handshake = new Handshake(side, owner);
    this.greetedAs = owner.clusterId();
    this.pipe = open(this);
    if (side === "opener") this.#say(owner.hello());
  }

  /** Whether a message may have been acted on: a side that refuses the greeting has looked at nothing behind it. */
  get mayHaveArrived(): boolean {
    return this.pipe.reached && (this.isGreeted || !this.#refused);
  }

  get isGreeted(): boolean {
    return this.handshake.hello !== undefined;
  }

  get hello(): Hello {
    const { hello } = this.handshake;
    assert(hello !== undefined, "a link is handed out after its greeting");
    return hello;
  }

  reply(requestId: number, message: Message): void {
    const result = this.pipe.send(this.owner.clusterId(), { requestId, deadlineMs: 0, message });
    if (result === "full" || result === "too-large") this.owner.replyLost(this, result);
  }

  /** Says why, then closes. */
  refuse(reason: string): void {
    this.owner.refused(this, reason, true);
    this.#say({ kind: "refused", reason });
    this.pipe.end(reason);
  }

  frame(frame: Frame): void {
    switch (this.handshake.judge(frame)) {
      case "deliver":
        return this.owner.receive(frame.envelope, this);
      case "greeted":
        if (this.side === "acceptor") this.#say(this.owner.hello());
        return this.owner.greeted(this);
      case "refuse":
        return this.refuse(this.handshake.reason);
      case "refused":
        this.#refused = true;
        this.owner.refused(this, this.handshake.reason, false);
        return this.pipe.destroy(`refused: ${this.handshake.reason}`);
    }
  }

  closed(reason: string, malformed: boolean): void {
    this.owner.ended(this, reason, malformed);
  }

  #say(message: Message): void {
    this.pipe.send(this.owner.clusterId(), { requestId: 0, deadlineMs: 0, message });
  }
}
