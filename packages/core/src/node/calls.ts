/** Requests to other nodes that wait for their reply: each is answered once, by a message or by the word that none will come. */
import type { Address, Network } from "../ports/network.js";
import type { Message } from "../wire/messages.js";

/** `unsent`: the request never left this node. `lost`: it may have arrived and been acted on; no reply will come. */
export type NoReply = { readonly kind: "unsent" } | { readonly kind: "lost" };

export type CallDone = (reply: Message | NoReply) => void;

interface Pending {
  readonly to: Address;
  readonly done: CallDone;
}

const REQUEST_ID_END = 0xffff_ffff;

export class Calls {
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(readonly network: Network) {}

  get pending(): number {
    return this.#pending.size;
  }

  /** Sends and waits; the caller ends the wait with `abandon`. Returns the request's id, or 0 when `done` was called already. */
  ask(to: Address, message: Message, deadlineMs: number, done: CallDone): number {
    const requestId = this.#nextId();
    this.#pending.set(requestId, { to, done });
    if (this.network.send(to, { requestId, deadlineMs: Math.max(1, Math.ceil(deadlineMs)), message })) return requestId;
    this.#pending.delete(requestId);
    done({ kind: "unsent" });
    return 0;
  }

  /** Sends without waiting for anything. */
  tell(to: Address, message: Message): boolean {
    return this.network.send(to, { requestId: 0, deadlineMs: 0, message });
  }

  /** Hands a reply to whoever asked; false when nobody waits for it any more. */
  answer(requestId: number, message: Message): boolean {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) return false;
    this.#pending.delete(requestId);
    pending.done(message);
    return true;
  }

  /** Stops waiting: `done` is not called. */
  abandon(requestId: number): void {
    this.#pending.delete(requestId);
  }

  /** The connection to `address` is gone: nothing that was asked there will be answered. `sent`: whether it may have arrived. */
  lost(address: Address, sent: boolean): void {
    for (const [requestId, pending] of this.#pending) {
      if (pending.to !== address) continue;
      this.#pending.delete(requestId);
      pending.done({ kind: sent ? "lost" : "unsent" });
    }
  }

  #nextId(): number {
    do this.#lastId = this.#lastId === REQUEST_ID_END ? 1 : this.#lastId + 1;
    while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }
}
