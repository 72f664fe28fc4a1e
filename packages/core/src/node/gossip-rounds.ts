/** The rounds of gossip: once an interval this node lives audibly and reconciles with a few peers (Dynamo §4.8.1, "every second"). */
import { MalformedError, Reader, Writer } from "../base/bytes.js";
import { limits } from "../base/limits.js";
import type { Primitives } from "../base/primitives.js";
import type { Rng } from "../base/rng.js";
import { decodeGossip, encodeGossip } from "../gossip/codec.js";
import type { GossipMessage } from "../gossip/messages.js";
import { choosePeers } from "../gossip/peers.js";
import type { Received } from "../gossip/state.js";
import type { Clock } from "../ports/clock.js";
import type { Address, Link } from "../ports/network.js";
import type { Message } from "../wire/messages.js";
import type { Calls } from "./calls.js";
import type { FactStore } from "./fact-store.js";

/** News that members wait for (who is one, who holds what) does not wait for the next round, and does not flood either. */
const SPREAD_DELAY_MS = 20;
const SPREAD_FANOUT = 6;

export interface RoundsOptions {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly calls: Calls;
  readonly facts: FactStore;
  readonly intervalMs: number;
  readonly peers: () => { readonly live: Address[]; readonly down: Address[]; readonly seeds: Address[] };
  /** A round begins, `lateMs` after its time. */
  readonly onRound: (nowMs: number, lateMs: number) => void;
}

export class GossipRounds {
  readonly #options: RoundsOptions;
  readonly #writer: Writer;
  #lastMs: number | undefined;
  #cancel: (() => void) | undefined;
  #spreading: (() => void) | undefined;
  #stopped = false;
  bytesSent = 0;

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#writer = new Writer(options.primitives.text);
  }

  /** Seeds are greeted at once: one of another cluster is found out before anything is served. */
  begin(): void {
    if (this.#stopped || this.#cancel !== undefined) return;
    const { calls, facts, peers } = this.#options;
    for (const seed of peers().seeds) calls.tell(seed, this.#encode(facts.gossip.syn()));
    this.#round();
  }

  /** A round out of turn, with a few more peers: soon, and once for all that asked for it meanwhile. No sign of life. */
  spread(): void {
    if (this.#stopped || this.#cancel === undefined) return;
    this.#spreading ??= this.#options.clock.after(SPREAD_DELAY_MS, () => {
      this.#spreading = undefined;
      if (this.#stopped) return;
      const { calls, facts, rng, peers } = this.#options;
      for (const peer of choosePeers(rng, peers(), SPREAD_FANOUT)) {
        calls.tell(peer, this.#encode(facts.gossip.syn()));
      }
    });
  }

  stop(): void {
    this.#spreading?.();
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Takes one message and answers on its link; `act` comes when its durable facts are on disk. */
  receive(payload: Uint8Array, link: Link, act: (received: Received) => void): void {
    const message = this.#decode(payload);
    if (message === undefined) return;
    const reply = this.#options.facts.receive(message, act);
    if (reply !== undefined) link.reply(0, this.#encode(reply));
  }

  #round(): void {
    const { clock, facts, rng, calls, intervalMs, peers, onRound } = this.#options;
    const now = clock.monotonicMs();
    onRound(now, this.#lastMs === undefined ? 0 : now - this.#lastMs - intervalMs);
    this.#lastMs = now;
    facts.gossip.beat();
    for (const peer of choosePeers(rng, peers(), limits.gossipFanout)) {
      calls.tell(peer, this.#encode(facts.gossip.syn()));
    }
    this.#cancel = clock.after(intervalMs, () => this.#round());
  }

  #encode(message: GossipMessage): Message {
    this.#writer.reset();
    encodeGossip(this.#writer, message);
    const payload = this.#writer.take();
    this.bytesSent += payload.length;
    return { kind: "gossip", payload };
  }

  #decode(payload: Uint8Array): GossipMessage | undefined {
    try {
      return decodeGossip(new Reader(this.#options.primitives.text, payload));
    } catch (error) {
      if (error instanceof MalformedError) return undefined;
      throw error;
    }
  }
}
