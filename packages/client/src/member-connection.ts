/** One connection of a client to a member, from its greeting to its end: replies are matched with requests by id. */
import { connect } from "node:net";
import {
  Handshake,
  limits,
  NO_CLUSTER,
  WaitingRoom,
  type Address,
  type Clock,
  type Frame,
  type Hello,
  type Message,
} from "@kvorum/core";
import { parseAddress } from "./address.js";
import { FrameConnection, type FrameConnectionOptions, type SendResult } from "./frame-connection.js";

/** What all connections of one client share. */
export interface ClientPeer {
  readonly hello: Hello;
  readonly clock: Clock;
  readonly frames: FrameConnectionOptions;
  /** {@link NO_CLUSTER} until the first member greeted: from then on members of another cluster are refused. */
  clusterId: bigint;
}

/** Who waits for a reply. Exactly one of the three is called, once. */
export interface Waiter {
  /** On the monotonic clock. */
  readonly expiresAtMs: number;
  answered(message: Message): void;
  /** The connection ended. `sent`: the request may have reached the member. */
  lost(reason: string, sent: boolean): void;
  expired(): void;
}

/** `reached`: the member may have looked at what was sent. `waiting`: requests were under way. Called once. */
export type Ended = (reached: boolean, waiting: boolean) => void;

/** A request that timed out while nothing at all came for this long takes the connection with it. */
const SILENCE_MS = 500;

export class MemberConnection {
  readonly #waiters = new WaitingRoom<Waiter>();
  readonly #frames: FrameConnection;
  readonly #handshake: Handshake;
  #connected = false;
  #refused = false;
  #bytesSeen = 0;
  #quietSinceMs: number | undefined;

  constructor(
    readonly address: Address,
    readonly peer: ClientPeer,
    readonly ended: Ended,
  ) {
    const socket = connect({ ...parseAddress(address), noDelay: true, keepAlive: true });
    socket.once("connect", () => (this.#connected = true));
    this.#handshake = new Handshake("opener", { clusterId: () => peer.clusterId, admit: () => undefined });
    this.#frames = new FrameConnection(socket, peer.frames, {
      frame: (frame) => this.#receive(frame),
      closed: (reason) => this.#closed(reason),
    });
    // What members send may be larger than what they take from a client: many siblings of one key.
    this.#frames.receivedFrameBytesMax = limits.frameBytesMax;
    this.#frames.send(peer.clusterId, { requestId: 0, deadlineMs: 0, message: peer.hello });
  }

  get open(): boolean {
    return this.#frames.open;
  }

  get pending(): number {
    return this.#waiters.size;
  }

  /** Sends, and remembers who waits. Anything but `taken`: nothing was sent, and the waiter will not be called. */
  request(message: Message, deadlineMs: number, waiter: Waiter): SendResult {
    const requestId = this.#waiters.nextId();
    const result = this.#frames.send(this.peer.clusterId, { requestId, deadlineMs, message });
    if (result !== "taken") return result;
    // Silence before the first request means nothing.
    if (this.#waiters.size === 0) this.#quietSinceMs = undefined;
    this.#waiters.enter(requestId, waiter);
    return result;
  }

  /**
   * To be called a few times a second while requests wait: ends those whose time is over, and the connection when it has stopped
   * moving. A new one is quicker than waiting for TCP to find out (DESIGN §9).
   */
  check(nowMs: number): void {
    const { bytesReceived } = this.#frames.stats;
    if (this.#quietSinceMs === undefined || bytesReceived !== this.#bytesSeen) this.#quietSinceMs = nowMs;
    this.#bytesSeen = bytesReceived;
    const expired = this.#waiters.those((waiter) => waiter.expiresAtMs <= nowMs);
    for (const [requestId] of expired) this.#waiters.leave(requestId)?.expired();
    if (expired.length > 0 && nowMs - this.#quietSinceMs >= SILENCE_MS)
      this.destroy("requests time out and nothing comes");
    else this.#frames.check(nowMs);
  }

  /** Whoever waits is told `reason`. */
  destroy(reason: string): void {
    this.#frames.destroy(reason);
  }

  #receive(frame: Frame): void {
    switch (this.#handshake.judge(frame)) {
      case "greeted":
        if (this.peer.clusterId === NO_CLUSTER) this.peer.clusterId = frame.clusterId;
        return;
      case "deliver":
        return this.#answer(frame.envelope.requestId, frame.envelope.message);
      case "refuse":
      case "refused":
        // In place of a greeting: nothing that was sent behind ours was looked at.
        this.#refused = this.#handshake.hello === undefined;
        return this.destroy(this.#handshake.reason);
    }
  }

  #answer(requestId: number, message: Message): void {
    // Undefined: its time was over, and nobody waits any more.
    this.#waiters.leave(requestId)?.answered(message);
  }

  #closed(reason: string): void {
    const waiters = this.#waiters.those(() => true);
    const reached = this.#connected && !this.#refused;
    this.ended(reached, waiters.length > 0);
    for (const [requestId] of waiters) this.#waiters.leave(requestId)?.lost(`${this.address}: ${reason}`, reached);
  }
}
