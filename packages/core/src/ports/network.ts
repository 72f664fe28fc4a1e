/** The wire as the core sees it: envelopes to an address, envelopes from a link. Every implementation really encodes and decodes. */
import type { Envelope, Hello, Message } from "../wire/messages.js";

/** `host:port` of a peer door. */
export type Address = string;

/** Where an envelope came from, and the way back to it. */
export interface Link {
  readonly hello: Hello;
  /** Answers the request `requestId` on the same connection. Lost in silence when the connection is gone, like any frame. */
  reply(requestId: number, message: Message): void;
}

export interface NetworkHandler {
  /** Looks at the greeting of a new inbound connection: a reason to refuse it, or undefined to take it. */
  admit(hello: Hello): string | undefined;
  receive(envelope: Envelope, link: Link): void;
  /** An outbound connection was refused by the other side with this reason, after it was reached. */
  refused(address: Address, reason: string): void;
  /**
   * Frames to this address are gone. `sent` false: it could not be reached, and none of those waiting left this node; true: the connection
   * broke, and what had been sent on it may or may not have arrived.
   */
  lost(address: Address, sent: boolean): void;
}

/**
 * Sends frames, in order per address and at most once: a frame may be lost, and then everything after it on that connection is too.
 * Frames of one turn of the event loop leave together. What does not fit into the bounded queue of an address is not taken.
 */
export interface Network {
  /** Returns false when the frame was not taken: the queue to that address is full, or the address cannot be. */
  send(to: Address, envelope: Envelope): boolean;
  close(done: () => void): void;
}
