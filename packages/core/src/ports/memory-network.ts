/**
 * The network port without a wire: endpoints of one process, every frame really encoded and cut apart again. For tests of the node.
 * Nothing moves by itself: delivery runs in what `defer` is handed, so the test decides when, and the same order gives the same run.
 */
import type { Address } from "./network.js";
import { MemoryPipe, type MemoryNetworkOptions } from "./memory-pipe.js";
import { PipedEndpoint, type EndpointIdentity } from "./piped-endpoint.js";
import { Session } from "./session.js";

export type { MemoryNetworkOptions } from "./memory-pipe.js";

/** The hub. Two addresses reach each other unless they are cut. */
export class MemoryNetwork {
  readonly #endpoints = new Map<Address, MemoryEndpoint>();
  readonly #cuts = new Set<string>();

  constructor(readonly options: MemoryNetworkOptions) {}

  /** Opens the door at `address`; a closed endpoint's address may be taken again. */
  endpoint(address: Address, identity: EndpointIdentity): MemoryEndpoint {
    const endpoint = new MemoryEndpoint(this, address, identity);
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

export class MemoryEndpoint extends PipedEndpoint<MemoryPipe> {
  constructor(
    readonly hub: MemoryNetwork,
    readonly address: Address,
    identity: EndpointIdentity,
  ) {
    super(identity);
  }

  /** Breaks everything that connects this endpoint with `address`. */
  drop(address: Address): void {
    for (const session of this.sessions) if (session.address === address) session.pipe.destroy("cut");
  }

  /** Takes a connection that `from` opened. */
  accept(from: Address, opener: MemoryPipe): MemoryPipe {
    const session = this.#open("acceptor", from, () => opener);
    this.sessions.add(session);
    session.pipe.other = opener;
    return session.pipe;
  }

  protected dial(to: Address): MemorySession {
    const session = this.#open("opener", to, (self) => this.hub.reach(this.address, to)?.accept(this.address, self));
    this.keepOutbound(session);
    return session;
  }

  protected afterClose(done: () => void): void {
    this.hub.options.defer(done);
  }

  #open(
    side: "opener" | "acceptor",
    address: Address,
    connect: (self: MemoryPipe) => MemoryPipe | undefined,
  ): MemorySession {
    return new Session(side, address, this, (handler) => new MemoryPipe(this.hub.options, handler, connect));
  }
}
