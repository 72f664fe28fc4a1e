/**
 * The network port over pipes that are there as soon as somebody dials: what an endpoint in memory and a simulated one have in common. One
 * connection leads to each address that was dialled; a reply goes back on the connection that its request came on.
 */
import type { Envelope, Hello } from "../wire/messages.js";
import type { Address, Network, NetworkHandler } from "./network.js";
import type { Pipe, SendResult, Session, SessionOwner } from "./session.js";

/** What an endpoint says of itself, and who hears what comes in. */
export interface EndpointIdentity {
  readonly hello: () => Hello;
  readonly clusterId: () => bigint;
  readonly handler: NetworkHandler;
}

export abstract class PipedEndpoint<P extends Pipe> implements Network, SessionOwner<P> {
  readonly #identity: EndpointIdentity;
  readonly #outbound = new Map<Address, Session<P>>();
  protected readonly sessions = new Set<Session<P>>();
  #closed = false;

  constructor(identity: EndpointIdentity) {
    this.#identity = identity;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Opens a connection and hands it to {@link keepOutbound}; undefined where nobody can be dialled. */
  protected abstract dial(to: Address): Session<P> | undefined;

  /** Runs `done` in a turn of its own, now that the connections are told to end. */
  protected abstract afterClose(done: () => void): void;

  send(to: Address, envelope: Envelope): boolean {
    if (this.#closed) return false;
    const clusterId = this.clusterId();
    const known = this.#outbound.get(to);
    if (known?.pipe.open === true && known.greetedAs === clusterId) {
      return known.pipe.send(clusterId, envelope) === "taken";
    }
    const session = this.dial(to);
    if (session === undefined) return false;
    // Replaced first: the frames to this address are not lost, the greeting alone has changed.
    known?.pipe.end("greeting anew");
    return session.pipe.send(clusterId, envelope) === "taken";
  }

  /** Drops the connection that this side opened to `address`: the next frame opens another. */
  forget(address: Address): void {
    this.#outbound.get(address)?.pipe.destroy("forgotten");
  }

  close(done: () => void): void {
    this.#closed = true;
    for (const session of this.sessions) session.pipe.end("this node is stopping");
    this.afterClose(done);
  }

  hello(): Hello {
    return this.#identity.hello();
  }

  clusterId(): bigint {
    return this.#identity.clusterId();
  }

  admit(hello: Hello): string | undefined {
    return this.#identity.handler.admit(hello);
  }

  greeted(): void {}

  receive(envelope: Envelope, session: Session<P>): void {
    if (!this.#closed) this.#identity.handler.receive(envelope, session);
  }

  refused(session: Session<P>, reason: string, byUs: boolean): void {
    if (session.side === "acceptor" || this.#closed) return;
    if (byUs) this.#lose(session);
    else this.#identity.handler.refused(session.address, reason);
  }

  replyLost(session: Session<P>, why: SendResult): void {
    if (why === "full" && session.side === "acceptor") session.pipe.destroy("replies are not read");
  }

  ended(session: Session<P>): void {
    this.sessions.delete(session);
    this.#lose(session);
  }

  /** From now on frames to that address go this way. */
  protected keepOutbound(session: Session<P>): void {
    this.sessions.add(session);
    this.#outbound.set(session.address, session);
  }

  /** Nothing is delivered any more. */
  protected shut(): void {
    this.#closed = true;
  }

  #lose(session: Session<P>): void {
    if (this.#outbound.get(session.address) !== session) return;
    this.#outbound.delete(session.address);
    if (!this.#closed) this.#identity.handler.lost(session.address, session.mayHaveArrived);
  }
}
