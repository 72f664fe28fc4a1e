/**
 * The network port over TCP: one outbound connection per address, any number (within bounds) inbound, frames of one turn together.
 *
 * Requests leave on the connection that this node dialled and their replies come back on it; what the other node asks comes on the
 * one that it dialled. So each side alone decides when its way is dead, and redials rather than wait for TCP (DESIGN §9): see
 * {@session TcpNetwork.forget}.
 *
 * Blobs in a delivered message are slices of what the socket read (64 KiB at most, or a copy of the frame where it crossed two
 * reads). Holding one for the moment of a flush costs nothing; what is kept longer is to be copied. Measured: the alternative, a
 * copy of each frame on arrival, costs every frame for the sake of the few that are kept.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import {
  FrameConnection,
  frameStats,
  SlabPool,
  systemClock,
  type FrameConnectionOptions,
} from "@kvorum/client/internal";
import {
  limits as defaultLimits,
  Session,
  type Address,
  type Clock,
  type Envelope,
  type Hello,
  type Network,
  type SendResult,
  type SessionOwner,
} from "@kvorum/core";
import { formatAddress, parseAddress } from "../config/address.js";
import type { TcpNetworkOptions, TcpStats, TransportLimits } from "./tcp-options.js";
import { TcpPeer, type TcpSession } from "./tcp-peer.js";

const SWEEP_INTERVAL_MS = 250;
const KEEP_ALIVE_MS = 10_000;
const REFUSALS_AT_ONCE = 64;

export class TcpNetwork implements Network, SessionOwner<FrameConnection> {
  readonly #options: TcpNetworkOptions;
  readonly #limits: TransportLimits;
  readonly #clock: Clock;
  readonly #outboundOptions: FrameConnectionOptions;
  readonly #inboundOptions: FrameConnectionOptions;
  readonly #peers = new Map<Address, TcpPeer>();
  /** Every open connection, and since when: those that do not greet are cut by it. */
  readonly #sessions = new Map<TcpSession, number>();
  readonly #frames = frameStats();
  readonly #counts = { inbound: 0, framesRefused: 0, malformed: 0, refused: 0 };
  #server: Server | undefined;
  #cancelSweep: (() => void) | undefined;
  #whenClosed: (() => void)[] | undefined;

  constructor(options: TcpNetworkOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    const { frameBytesMax, peerQueueBytesMax, replyQueueBytesMax, replyQueueBytesPause } = this.#limits;
    const common = { ...this.#limits, slabs: new SlabPool(options.text), frameBytesMax };
    this.#outboundOptions = { ...common, queueBytesMax: peerQueueBytesMax };
    this.#inboundOptions = { ...common, queueBytesMax: replyQueueBytesMax, queueBytesPause: replyQueueBytesPause };
    this.#sweep();
  }

  /** Opens the peer door. Port 0 takes a free one. Rejects with the system's error when the door cannot be opened. */
  listen(host: string, port: number): Promise<{ readonly port: number }> {
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) =>
      this.#accept(socket),
    );
    // Room above the limit to tell those beyond it why; past that, the system's door stays shut.
    server.maxConnections = this.#limits.peerConnectionsMax + REFUSALS_AT_ONCE;
    this.#server = server;
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        // A door that never opened never says that it has closed: who closes this network would wait for it for ever.
        this.#server = undefined;
        reject(error);
      };
      server.once("error", failed);
      server.listen({ host, port }, () => {
        const bound = server.address();
        server.off("error", failed);
        // An accept that fails (out of descriptors) costs that connection, not the node.
        server.on("error", () => {});
        resolve({ port: typeof bound === "object" && bound !== null ? bound.port : port });
      });
    });
  }

  send(to: Address, envelope: Envelope): boolean {
    if (this.#whenClosed !== undefined) return false;
    const clusterId = this.clusterId();
    const session = this.#sessionTo(to, clusterId);
    const taken = session !== undefined && session.pipe.send(clusterId, envelope) === "taken";
    if (!taken) this.#counts.framesRefused++;
    return taken;
  }

  /** Drops the connection to this address, so that the next frame dials anew: for when requests time out in a row. */
  forget(address: Address): void {
    const peer = this.#peers.get(address);
    peer?.session?.pipe.destroy("forgotten");
    peer?.forgive();
  }

  get stats(): TcpStats {
    const { inbound } = this.#counts;
    return { ...this.#frames, ...this.#counts, inbound, outbound: this.#sessions.size - inbound };
  }

  /** Sends what waits, for `lingerMs` at most; nothing is delivered any more. */
  close(done: () => void): void {
    if (this.#whenClosed !== undefined) {
      this.#whenClosed.push(done);
      return this.#finishClose();
    }
    this.#whenClosed = [done];
    for (const session of this.#sessions.keys()) session.pipe.end("this node is stopping");
    const server = this.#server;
    if (server?.listening !== true) return this.#finishClose();
    server.close(() => {
      this.#server = undefined;
      this.#finishClose();
    });
  }

  // What the links ask of their network.

  hello(): Hello {
    return this.#options.hello();
  }

  clusterId(): bigint {
    return this.#options.clusterId();
  }

  admit(hello: Hello): string | undefined {
    return this.#options.handler.admit(hello);
  }

  greeted(session: TcpSession): void {
    if (session.side === "opener") return this.#peers.get(session.address)?.reached();
    const { frameBytesMax, clientFrameBytesMax } = this.#limits;
    const isMember = session.hello.role === "member";
    session.pipe.receivedFrameBytesMax = isMember ? frameBytesMax : clientFrameBytesMax;
    // A member that comes up greets those it knows: whoever could not be reached a moment ago may be there now.
    if (isMember) for (const peer of this.#peers.values()) peer.endPause(this.#clock.monotonicMs());
  }

  receive(envelope: Envelope, session: TcpSession): void {
    this.#options.handler.receive(envelope, session);
  }

  refused(session: TcpSession, reason: string, byUs: boolean): void {
    this.#counts.refused++;
    if (session.side === "acceptor" || this.#whenClosed !== undefined) return;
    if (byUs) this.#lose(session);
    else this.#options.handler.refused(session.address, reason);
  }

  replyLost(session: TcpSession, why: SendResult): void {
    this.#counts.framesRefused++;
    // Whoever asks and does not read the answers is cut: it must not hold this node's memory.
    if (why === "full" && session.side === "acceptor") session.pipe.destroy("replies are not read");
  }

  ended(session: TcpSession, _reason: string, malformed: boolean): void {
    this.#sessions.delete(session);
    if (malformed) this.#counts.malformed++;
    if (session.side === "acceptor") this.#counts.inbound--;
    else this.#lose(session);
    this.#finishClose();
  }

  /** Says so at once, before another connection to this address can take frames: the handler must not take those for lost. */
  #lose(session: TcpSession): void {
    const isCurrent = this.#peers.get(session.address)?.leave(session, this.#clock.monotonicMs()) === true;
    if (isCurrent && this.#whenClosed === undefined) {
      this.#options.handler.lost(session.address, session.mayHaveArrived);
    }
  }

  #sessionTo(address: Address, clusterId: bigint): TcpSession | undefined {
    const peer = this.#peers.get(address) ?? this.#meet(address);
    const session = peer?.session;
    if (session?.pipe.open === true && session.greetedAs === clusterId) return session;
    if (peer === undefined || !peer.mayDial(this.#clock.monotonicMs())) return undefined;
    const next = this.#dial(peer);
    // Replaced, not lost: it greeted as somebody who knew no cluster, which is not true any more.
    session?.pipe.end("greeting anew");
    return next;
  }

  #meet(address: Address): TcpPeer | undefined {
    const target = parseAddress(address);
    if (target === undefined || target.port === 0) return undefined;
    const peer = new TcpPeer(address, target, this.#limits);
    this.#peers.set(address, peer);
    return peer;
  }

  #dial(peer: TcpPeer): TcpSession {
    const socket = connect({ ...peer.target, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    peer.session = this.#open("opener", peer.address, socket, this.#outboundOptions);
    return peer.session;
  }

  #accept(socket: Socket): void {
    const from = formatAddress({ host: socket.remoteAddress ?? "unknown", port: socket.remotePort ?? 0 });
    this.#counts.inbound++;
    const session = this.#open("acceptor", from, socket, this.#inboundOptions);
    session.pipe.receivedFrameBytesMax = this.#limits.helloBytesMax;
    if (this.#counts.inbound > this.#limits.peerConnectionsMax)
      session.refuse("too many connections: try another node");
  }

  #open(side: TcpSession["side"], address: Address, socket: Socket, options: FrameConnectionOptions): TcpSession {
    const session: TcpSession = new Session(
      side,
      address,
      this,
      (handler) => new FrameConnection(socket, options, handler, this.#frames),
    );
    this.#sessions.set(session, this.#clock.monotonicMs());
    return session;
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [session, sinceMs] of this.#sessions) {
      if (!session.isGreeted && nowMs - sinceMs >= this.#limits.helloTimeoutMs) {
        session.pipe.destroy("no greeting came");
      } else session.pipe.check(nowMs);
    }
    for (const peer of this.#peers.values()) if (peer.isForgettable(nowMs)) this.#peers.delete(peer.address);
    this.#cancelSweep = this.#clock.after(SWEEP_INTERVAL_MS, () => this.#sweep());
  }

  #finishClose(): void {
    if (this.#whenClosed === undefined || this.#sessions.size > 0 || this.#server !== undefined) return;
    this.#cancelSweep?.();
    for (const done of this.#whenClosed.splice(0)) done();
  }
}
