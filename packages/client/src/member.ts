/** One member as a client reaches it: dialled when a request wants to go there, and avoided for a while after that failed. */
import type { Address, Message } from "@kvorum/core";
import type { SendResult } from "./frame-connection.js";
import { MemberConnection, type ClientPeer, type Waiter } from "./member-connection.js";

const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 1_000;
/** One that refuses does so at once, has little under way for that, and would draw all requests: it counts as loaded for a while. */
const REFUSED_LOAD = 1_000;
const REFUSED_MS = 100;

export class Member {
  #connection: MemberConnection | undefined;
  #closed = (): void => {};
  #failures = 0;
  #avoidUntilMs = 0;
  /** When the router chose it last, in its turns. */
  lastTurn = 0;
  #refusedUntilMs = 0;

  constructor(
    readonly address: Address,
    readonly peer: ClientPeer,
  ) {}

  get pending(): number {
    return this.#connection?.pending ?? 0;
  }

  /** Requests under way; more for a while after it refused one. */
  get load(): number {
    return this.#refusedUntilMs === 0 ? this.pending : this.pending + this.#refusedLoad();
  }

  /** It answered that it can't, just now: others are to be asked first. */
  refused(): void {
    this.#refusedUntilMs = this.peer.clock.monotonicMs() + REFUSED_MS;
  }

  /** False for a while after a connection failed: others are to be asked first. A request that comes all the same dials at once. */
  get healthy(): boolean {
    if (this.#avoidUntilMs === 0) return true;
    if (this.peer.clock.monotonicMs() < this.#avoidUntilMs) return false;
    this.#avoidUntilMs = 0;
    return true;
  }

  /** As {@link MemberConnection.request}, on a connection that is dialled when there is none. */
  request(message: Message, deadlineMs: number, waiter: Waiter): SendResult {
    if (this.#connection === undefined || !this.#connection.open) this.#connection = this.#dial();
    return this.#connection.request(message, deadlineMs, waiter);
  }

  check(nowMs: number): void {
    this.#connection?.check(nowMs);
  }

  /** Ends the connection, if there is one, and resolves when it has ended. Whoever waits on it is told `reason`. */
  close(reason: string): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closed = resolve;
      connection.destroy(reason);
    });
  }

  #refusedLoad(): number {
    if (this.peer.clock.monotonicMs() < this.#refusedUntilMs) return REFUSED_LOAD;
    this.#refusedUntilMs = 0;
    return 0;
  }

  #dial(): MemberConnection {
    const connection: MemberConnection = new MemberConnection(this.address, this.peer, (reached, waiting) => {
      if (this.#connection === connection) this.#connection = undefined;
      this.#closed();
      // One that ended with nothing under way was idle: that says nothing about the member.
      if (reached && !waiting) return;
      this.#failures = reached ? 1 : this.#failures + 1;
      const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (this.#failures - 1));
      this.#avoidUntilMs = this.peer.clock.monotonicMs() + backoffMs;
    });
    return connection;
  }
}
