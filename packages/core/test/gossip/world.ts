/** A cluster of gossip states in lockstep rounds, for the tests of the room: all encode and decode, and messages may be lost. */
import { Reader, Writer } from "../../src/base/bytes.js";
import { Rng } from "../../src/base/rng.js";
import { decodeGossip, encodeGossip } from "../../src/gossip/codec.js";
import type { GossipMessage } from "../../src/gossip/messages.js";
import { choosePeers } from "../../src/gossip/peers.js";
import { GossipState } from "../../src/gossip/state.js";
import type { GossipOptions, News } from "../../src/gossip/state.js";
import { testPrimitives } from "../primitives.js";

const { text } = testPrimitives;

export const bytesOf = (value: string): Uint8Array => {
  const room = new Uint8Array(value.length * 3);
  return room.slice(0, text.encodeInto(value, room, 0));
};
export const textOf = (value: Uint8Array | undefined): string | undefined =>
  value && text.decode(value, 0, value.length);

export function encoded(message: GossipMessage): Uint8Array {
  const writer = new Writer(text);
  encodeGossip(writer, message);
  return writer.take();
}

export const decoded = (bytes: Uint8Array): GossipMessage => decodeGossip(new Reader(text, bytes));

/** Instances are spread over the 48 bits, as random ones are. */
export const instanceOf = (index: number): number => ((index + 1) * 0x9e37_79b9_7f4b) % 0xffff_ffff_ffff;

export const newState = (instance: number, options: Partial<GossipOptions> = {}): GossipState =>
  new GossipState({ instance, boot: 1, rng: new Rng(instance % 1_000_003), ...options });

/** A whole round between two, nothing lost. */
export function exchange(a: GossipState, b: GossipState): { readonly a: News[]; readonly b: News[] } {
  const first = b.receive(decoded(encoded(a.syn())));
  const second = first.reply && a.receive(decoded(encoded(first.reply)));
  const third = second?.reply && b.receive(decoded(encoded(second.reply)));
  return { a: second ? [second] : [], b: third ? [first, third] : [first] };
}

interface Parcel {
  readonly from: GossipState;
  readonly to: GossipState;
  readonly message: GossipMessage;
}

export interface WorldOptions {
  readonly seed?: number;
  readonly lossProbability?: number;
  readonly fanout?: number;
  readonly state?: Partial<GossipOptions>;
  /** Told of all that reaches a node. */
  readonly onNews?: (node: number, news: News) => void;
}

export class World {
  readonly states: GossipState[] = [];
  readonly #rng: Rng;
  readonly #at = new Map<number, number>();
  readonly #options: WorldOptions;
  readonly #dead = new Set<GossipState>();
  rounds = 0;
  longestBytes = 0;
  bytes = 0;
  lost = 0;

  constructor(size: number, options: WorldOptions = {}) {
    this.#options = options;
    this.#rng = new Rng(options.seed ?? 1);
    for (let i = 0; i < size; i++) {
      this.states.push(newState(instanceOf(i), options.state));
      this.#at.set(instanceOf(i), i);
    }
  }

  /** What is sent to it is lost, and it says nothing more. */
  kill(node: number): void {
    this.#dead.add(this.states[node] as GossipState);
  }

  /** Every node knows every other, as after a long calm. */
  acquaint(): void {
    const snapshots = this.states.flatMap((state) => state.snapshot(state.self.instance) ?? []);
    for (const state of this.states) state.restore(snapshots);
  }

  /** Every node beats and has a whole round with a few of the members it knows; all syns first, then all acks, then all ack2s. */
  round(): void {
    this.rounds++;
    let parcels = this.states.flatMap((state) => (this.#dead.has(state) ? [] : this.#syns(state)));
    while (parcels.length > 0) {
      parcels = this.#rng.shuffle(parcels).flatMap((parcel) => this.#deliver(parcel));
    }
  }

  /** How many rounds pass until `done`, or `roundsMax + 1`. */
  roundsUntil(done: () => boolean, roundsMax: number): number {
    for (let rounds = 0; rounds <= roundsMax; rounds++) {
      if (done()) return rounds;
      this.round();
    }
    return roundsMax + 1;
  }

  agree(): boolean {
    const digests = this.states.map((state) =>
      state.origins().map(({ instance, boot, version }) => [instance, boot, version]),
    );
    const first = JSON.stringify(digests[0]);
    return digests.every((each) => each.length === this.states.length && JSON.stringify(each) === first);
  }

  #syns(state: GossipState): Parcel[] {
    state.beat();
    const self = state.self.instance;
    const live = state.origins().flatMap(({ instance }) => (instance === self ? [] : [instance]));
    const seeds = self === instanceOf(0) ? [] : [instanceOf(0)];
    const peers = choosePeers(this.#rng, { live, down: [], seeds }, this.#options.fanout ?? 3);
    return peers.map((peer) => ({ from: state, to: this.#stateOf(peer), message: state.syn() }));
  }

  #deliver({ from, to, message }: Parcel): Parcel[] {
    const bytes = encoded(message);
    this.longestBytes = Math.max(this.longestBytes, bytes.length);
    this.bytes += bytes.length;
    if (this.#dead.has(to) || this.#rng.chance(this.#options.lossProbability ?? 0)) {
      this.lost++;
      return [];
    }
    const received = to.receive(decoded(bytes));
    this.#options.onNews?.(this.#at.get(to.self.instance) as number, received);
    return received.reply ? [{ from: to, to: from, message: received.reply }] : [];
  }

  #stateOf(instance: number): GossipState {
    return this.states[this.#at.get(instance) as number] as GossipState;
  }
}
