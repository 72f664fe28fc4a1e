/**
 * The network port without a wire: endpoints of one process, every frame really encoded and cut apart again. For tests of the node.
 * Nothing moves by itself: delivery runs in what `defer` is handed, so the test decides when, and the same order gives the same run.
 */
import type { Envelope, Hello } from "../wire/messages.js";
import type { Address, Network, NetworkHandler } from "./network.js";
import { MemoryPipe, type MemoryNetworkOptions } from "./memory-pipe.js";
import { Session, type SendResult, type SessionOwner } from "./session.js";

export type { MemoryNetworkOptions } from "./memory-pipe.js";

export interface MemoryEndpointOptions {
  readonly hello: () => Hello;
  readonly clusterId: () => bigint;
  readonly handler: NetworkHandler;
}

/** The hub. Two addresses reach each other unless they are cut. */
export class MemoryNetwork {
  readonly #endpoints = new Map<Address, MemoryEndpoint>();
  readonly #cuts = new Set<string>();

  constructor(readonly options: MemoryNetworkOptions) {}

  /** Opens the door at `address`; a closed endpoint's address may be taken again. */
  endpoint(address: Address, options: MemoryEndpointOptions): MemoryEndpoint {
    const endpoint = new MemoryEndpoint(this, address, options);
    this.#endpoints.set(address, endpoint);
    return endpoint;
  }

  /** Breaks what connects the two, with all that is under way, and every dial from now on. */
  cut(a: Address, b: Address): void {
    this.#cuts.add(pairOf(a, b));
    this.#endpoints.get(a)?.drop(b);
    this.#endpoints.get(b)?.drop(a);
  }

  heal(a: Address, b: Address): void {
    this.#cuts.delete(pairOf(a, b));
  }

  /** Who answers at `to`, for `from`. */
  reach(from: Address, to: Address): MemoryEndpoint | undefined {
    const endpoint = this.#endpoints.get(to);
    return endpoint?.isClosed === false && !this.#cuts.has(pairOf(from, to)) ? endpoint : undefined;
  }
}

function pairOf(a: Address, b: Address): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

type MemorySession = Session<MemoryPipe>;

export class MemoryEndpoint implements Network, SessionOwner<MemoryPipe> {
  #closed = false;
  readonly #outbound = new Map<Address, MemorySession>();
  readonly #sessions = new Set<MemorySession>();

  constructor(
    readonly hub: MemoryNetwork,
    readonly address: Address,
    readonly options: MemoryEndpointOptions,
  ) {}

  send(to: Address, envelope: Envelope): boolean {
    if (this.#closed) return false;
    const clusterId = this.clusterId();
    const known = this.#outbound.get(to);
    if (known?.pipe.open === true && known.greetedAs === clusterId) {
      return known.pipe.send(clusterId, envelope) === "taken";
    }
    const session = this.#dial(to);
    // Replaced first: the frames to this address are not lost, the greeting alone has changed.
    known?.pipe.end("greeting anew");
    return session.pipe.send(clusterId, envelope) === "taken";
  }

  /** Drops the connection that this side opened to `address`: the next frame opens another. */
  forget(address: Address): void {
    this.#outbound.get(address)?.pipe.destroy("forgotten");
  }

  /** Breaks everything that connects this endpoint with `address`. */
  drop(address: Address): void {
    for (const session of this.#sessions) if (session.address === address) session.pipe.destroy("cut");
  }

  close(done: () => void): void {
    this.#closed = true;
    for (const session of this.#sessions) session.pipe.end("this node is stopping");
    this.hub.options.defer(done);
  }

  hello(): Hello {
    return this.options.hello();
  }

  clusterId(): bigint {
    return this.options.clusterId();
  }

  admit(hello: Hello): string | undefined {
    return this.options.handler.admit(hello);
  }

  greeted(): void {}

  receive(envelope: Envelope, session: MemorySession): void {
    if (!this.#closed) this.options.handler.receive(envelope, session);
  }

  refused(session: MemorySession, reason: string, byUs: boolean): void {
    if (session.side === "acceptor" || this.#closed) return;
    if (byUs) this.#lose(session);
    else this.options.handler.refused(session.address, reason);
  }

  replyLost(session: MemorySession, why: SendResult): void {
    if (why === "full" && session.side === "acceptor") session.pipe.destroy("replies are not read");
  }

  ended(session: MemorySession): void {
    this.#sessions.delete(session);
    this.#lose(session);
  }

  #lose(session: MemorySession): void {
    if (this.#outbound.get(session.address) !== session) return;
    this.#outbound.delete(session.address);
    if (!this.#closed) this.options.handler.lost(session.address, session.mayHaveArrived);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Takes a connection that `from` opened. */
  accept(from: Address, opener: MemoryPipe): MemoryPipe {
    const { pipe } = this.#open("acceptor", from, () => opener);
    pipe.other = opener;
    return pipe;
  }

  #dial(to: Address): MemorySession {
    const session = this.#open("opener", to, (self) => this.hub.reach(this.address, to)?.accept(this.address, self));
    this.#outbound.set(to, session);
    return session;
  }

  #open(
    side: "opener" | "acceptor",
    address: Address,
    connect: (self: MemoryPipe) => MemoryPipe | undefined,
  ): MemorySession {
    const session: MemorySession = new Session(
      side,
      address,
      this,
      (handler) => new MemoryPipe(this.hub.options, handler, connect),
    );
    this.#sessions.add(session);
    return session;
  }
}
