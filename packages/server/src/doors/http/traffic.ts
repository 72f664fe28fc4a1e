/** What the door has under way: requests in flight, bytes of bodies held, open connections, and how all of it comes to an end (DESIGN §9). */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "@kvorum/core";

const POLL_MS = 10;

export class Traffic {
  #requests = 0;
  #bodyBytes = 0;
  #stopping = false;
  readonly #connections = new Set<Socket>();

  /** `bodyBytesMax`: bytes of request bodies held at once. They live outside the heap, so the heap's limit does not bound them. */
  constructor(readonly bodyBytesMax: number) {}

  /** True from the moment a stop was asked for: requests that come now are refused. */
  get stopping(): boolean {
    return this.#stopping;
  }

  enter(): void {
    this.#requests++;
  }

  leave(): void {
    this.#requests--;
  }

  /** Takes room for `bytes` of a body; false when there is none. */
  reserve(bytes: number): boolean {
    if (this.#bodyBytes + bytes > this.bodyBytesMax) return false;
    this.#bodyBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bodyBytes -= bytes;
  }

  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
  }

  /** Refuses new requests, and resolves when those in flight are answered and their answers are with the kernel, or after `graceMs`. */
  drain(clock: Clock, graceMs: number): Promise<void> {
    this.#stopping = true;
    const endMs = clock.monotonicMs() + graceMs;
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#isQuiet() || clock.monotonicMs() >= endMs) resolve();
        else clock.after(POLL_MS, look);
      };
      look();
    });
  }

  #isQuiet(): boolean {
    if (this.#requests > 0) return false;
    for (const socket of this.#connections) if (socket.writableLength > 0) return false;
    return true;
  }
}
