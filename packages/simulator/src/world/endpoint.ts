/** The network port of one process, member or client, over simulated connections. It greets, refuses and answers as every transport does. */
import { Session, type Envelope, type Hello, type Network, type NetworkHandler } from "@kvorum/core";
import type { SendResult, SessionOwner } from "@kvorum/core";
import type { SimNetwork } from "./network.js";
import { SimPipe } from "./pipe.js";
import type { Process } from "./process.js";

export interface EndpointOptions {
  /** Of the host; paths are named by it. */
  readonly name: string;
  readonly address: string;
  readonly process: Process;
  readonly hello: () => Hello;
  readonly clusterId: () => bigint;
  readonly handler: NetworkHandler;
}

export type SimSession = Session<SimPipe>;

export class Endpoint implements Network, SessionOwner<SimPipe> {
  readonly #outbound = new Map<string, SimSession>();
  readonly #sessions = new Set<SimSession>();
  #closed = false;
  #silent = false;

  constructor(
    readonly network: SimNetwork,
    readonly options: EndpointOptions,
  ) {}

  get name(): string {
    return this.options.name;
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  /** Its machine lost power: not even its kernel says that nobody is there. */
  get isSilent(): boolean {
    return this.#silent;
  }

  /** Runs what came from outside inside the process. */
  run(task: () => void): void {
    this.options.process.run(task);
  }

  send(to: string, envelope: Envelope): boolean {
    if (this.#closed) return false;
    const clusterId = this.clusterId();
    const known = this.#outbound.get(to);
    if (known?.pipe.open === true && known.greetedAs === clusterId) {
      return known.pipe.send(clusterId, envelope) === "taken";
    }
    const session = this.#dial(to);
    if (session === undefined) return false;
    // Replaced first: the frames to this address are not lost, the greeting alone has changed.
    known?.pipe.end("greeting anew");
    return session.pipe.send(clusterId, envelope) === "taken";
  }

  /** Drops the connection that this side opened to `address`: the next frame opens another. */
  forget(address: string): void {
    this.#outbound.get(address)?.pipe.destroy("forgotten");
  }

  close(done: () => void): void {
    this.#closed = true;
    for (const session of this.#sessions) session.pipe.end("this node is stopping");
    this.options.process.clock.after(0, done);
  }

  /** The process is gone, and its connections with it. */
  vanish(isSilent: boolean): void {
    this.#closed = true;
    this.#silent = isSilent;
    for (const session of this.#sessions) session.pipe.vanish(isSilent);
    this.#sessions.clear();
  }

  /** Takes a connection that `from` opened. */
  accept(from: Endpoint, opener: SimPipe): SimPipe {
    const path = this.network.path(this.name, from.name);
    const session: SimSession = new Session("acceptor", from.options.address, this, (handler) => {
      return new SimPipe(this, path, handler);
    });
    this.#sessions.add(session);
    session.pipe.connected(opener);
    return session.pipe;
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

  receive(envelope: Envelope, session: SimSession): void {
    if (!this.#closed) this.options.handler.receive(envelope, session);
  }

  refused(session: SimSession, reason: string, byUs: boolean): void {
    if (session.side === "acceptor" || this.#closed) return;
    if (byUs) this.#lose(session);
    else this.options.handler.refused(session.address, reason);
  }

  replyLost(session: SimSession, why: SendResult): void {
    if (why === "full" && session.side === "acceptor") session.pipe.destroy("replies are not read");
  }

  ended(session: SimSession): void {
    this.#sessions.delete(session);
    this.#lose(session);
  }

  #lose(session: SimSession): void {
    if (this.#outbound.get(session.address) !== session) return;
    this.#outbound.delete(session.address);
    if (!this.#closed) this.options.handler.lost(session.address, session.mayHaveArrived);
  }

  #dial(to: string): SimSession | undefined {
    const host = this.network.hostAt(to);
    if (host === undefined) return undefined;
    const session: SimSession = new Session("opener", to, this, (handler) => {
      return new SimPipe(this, this.network.path(this.name, host), handler);
    });
    this.#sessions.add(session);
    this.#outbound.set(to, session);
    this.network.connect(session.pipe, to);
    return session;
  }
}
