/**
 * The order of one connection's requests: each begins when the one before it is answered, as RFC 9112 (§9.3.2) asks where one of them changes
 * something. Node's server hands pipelined requests over as soon as it has read them, and sees only to the order of their answers: a GET would overtake
 * the PUT that was sent before it.
 */
import type { Socket } from "node:net";

type Begin = () => void;

export class Turns {
  /** Those that wait on each connection that has a request under way. */
  readonly #waiting = new WeakMap<Socket, Begin[]>();

  /** `waitingMax`: requests that one connection may have sent ahead; with more than that it is cut. */
  constructor(readonly waitingMax: number) {}

  /** Begins now or when its turn comes: whoever began calls {@link end} once. */
  take(socket: Socket, begin: Begin): void {
    const waiting = this.#waiting.get(socket);
    if (waiting === undefined) {
      this.#waiting.set(socket, []);
      return begin();
    }
    if (waiting.length < this.waitingMax) waiting.push(begin);
    else socket.destroy();
  }

  end(socket: Socket): void {
    const next = this.#waiting.get(socket)?.shift();
    if (next === undefined) return void this.#waiting.delete(socket);
    // Not on this stack: what is answered at once would nest as deep as a client cares to send ahead. Nothing begins for a client that is gone.
    queueMicrotask(() => {
      if (!socket.destroyed) next();
    });
  }
}
