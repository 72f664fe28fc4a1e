/** The network port of one process, member or client, over simulated connections. It greets, refuses and answers as every transport does. */
import { PipedEndpoint, Session, type EndpointIdentity } from "@kvorum/core";
import type { SimNetwork } from "./network.js";
import { SimPipe } from "./pipe.js";
import type { Process } from "./process.js";

export interface EndpointOptions extends EndpointIdentity {
  /** Of the host; paths are named by it. */
  readonly name: string;
  readonly address: string;
  readonly process: Process;
}

export type SimSession = Session<SimPipe>;

export class Endpoint extends PipedEndpoint<SimPipe> {
  #silent = false;

  constructor(
    readonly network: SimNetwork,
    readonly options: EndpointOptions,
  ) {
    super(options);
  }

  get name(): string {
    return this.options.name;
  }

  /** Its machine lost power: not even its kernel says that nobody is there. */
  get isSilent(): boolean {
    return this.#silent;
  }

  /** Runs what came from outside inside the process. */
  run(task: () => void): void {
    this.options.process.run(task);
  }

  /** The process is gone, and its connections with it. */
  vanish(isSilent: boolean): void {
    this.shut();
    this.#silent = isSilent;
    for (const session of this.sessions) session.pipe.vanish(isSilent);
    this.sessions.clear();
  }

  /** Takes a connection that `from` opened. */
  accept(from: Endpoint, opener: SimPipe): SimPipe {
    const session = this.#open("acceptor", from.options.address, from.name);
    this.sessions.add(session);
    session.pipe.connected(opener);
    return session.pipe;
  }

  protected dial(to: string): SimSession | undefined {
    const host = this.network.hostAt(to);
    if (host === undefined) return undefined;
    const session = this.#open("opener", to, host);
    this.keepOutbound(session);
    this.network.connect(session.pipe, to);
    return session;
  }

  protected afterClose(done: () => void): void {
    this.options.process.clock.after(0, done);
  }

  #open(side: "opener" | "acceptor", address: string, host: string): SimSession {
    return new Session(side, address, this, (handler) => {
      return new SimPipe(this, this.network.path(this.name, host), handler);
    });
  }
}
