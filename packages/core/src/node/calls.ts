/** Requests to other nodes that wait for their reply: each is answered once, by a message or by the word that none will come. */
import { WaitingRoom } from "../base/waiting-room.js";
import type { Clock } from "../ports/clock.js";
import type { Address, Network } from "../ports/network.js";
import type { Tide, Tides } from "../replication/tides.js";
import type { Hello, Message, MessageKind } from "../wire/messages.js";

/** `unsent`: the request never left this node. `lost`: it may have arrived and been acted on; no reply will come. */
export type NoReply = { readonly kind: "unsent" } | { readonly kind: "lost" };

export type CallDone = (reply: Message | NoReply) => void;

/** Who is asked, and where it was last known to be reached. */
export interface Callee {
  readonly instance: number;
  readonly address: Address;
}

interface Pending {
  readonly callee: Callee;
  readonly done: CallDone;
  /** For a message that carries a state: nobody knows that it is over before its reply is here. */
  readonly tide: Tide | undefined;
}

/** Messages without a state of a key in them. All others count as under way until they are answered, and for a while after they are given up. */
const STATELESS: ReadonlySet<MessageKind> = new Set<MessageKind>([
  ...(["fetch", "digest", "get", "put", "gossip", "join", "list", "inventory", "conflicts", "pull"] as const),
  ...([
    "ring",
    "peek",
    "owners",
    "owners-sync",
    "owners-seen",
    "index",
    "weigh",
    "compare",
    "branch",
    "recheck",
    "repair",
    "reap",
    "fence",
    "risk",
    "start",
  ] as const),
]);

export class Calls {
  readonly #pending = new WaitingRoom<Pending>();

  constructor(
    readonly network: Network,
    readonly clock: Clock,
    readonly tides: Tides,
  ) {}

  get pending(): number {
    return this.#pending.size;
  }

  /** Sends and waits; the caller ends the wait with `abandon`. Returns the request's id, or 0 when `done` was called already. */
  ask(callee: Callee, message: Message, deadlineMs: number, done: CallDone): number {
    const requestId = this.#pending.nextId();
    const tide = STATELESS.has(message.kind) ? undefined : this.tides.enter();
    this.#pending.enter(requestId, { callee, done, tide });
    const isTaken = this.network.send(callee.address, {
      requestId,
      deadlineMs: Math.max(1, Math.ceil(deadlineMs)),
      message,
    });
    // A network may say while sending that the connection is gone, and then this request was told so already.
    if (!this.#pending.has(requestId)) return 0;
    if (isTaken) return requestId;
    this.#pending.leave(requestId);
    if (tide !== undefined) this.tides.leave(tide);
    done({ kind: "unsent" });
    return 0;
  }

  /** Sends without waiting for anything. */
  tell(to: Address, message: Message): boolean {
    if (!STATELESS.has(message.kind)) this.#giveUp(this.tides.enter());
    return this.network.send(to, { requestId: 0, deadlineMs: 0, message });
  }

  /**
   * Hands a reply to whoever asked; false when nobody waits for it any more. An address may have changed hands: what another instance says
   * there is not the word of the one that was asked, or one node would count twice in a quorum (TRAPS 11).
   */
  answer(requestId: number, message: Message, from: Hello): boolean {
    const pending = this.#pending.leave(requestId);
    if (pending === undefined) return false;
    if (pending.tide !== undefined) this.tides.leave(pending.tide);
    pending.done(from.instance === pending.callee.instance ? message : { kind: "lost" });
    return true;
  }

  /** Stops waiting: `done` is not called. */
  abandon(requestId: number): void {
    this.#giveUp(this.#pending.leave(requestId)?.tide);
  }

  /** The connection to `address` is gone: nothing that was asked there will be answered. `sent`: whether it may have arrived. */
  lost(address: Address, sent: boolean): void {
    // What is asked there from now on, by those who are told here, goes over another connection.
    for (const [requestId, { done, tide }] of this.#pending.those(({ callee }) => callee.address === address)) {
      if (this.#pending.leave(requestId) === undefined) continue;
      this.#giveUp(tide);
      done({ kind: sent ? "lost" : "unsent" });
    }
  }

  #giveUp(tide: Tide | undefined): void {
    if (tide !== undefined) this.tides.giveUp(tide, this.clock.monotonicMs());
  }
}
