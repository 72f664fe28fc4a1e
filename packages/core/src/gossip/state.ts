/** What one node knows of all origins, and the three-message round that reconciles it with a peer's (Dynamo §4.8.1; Scuttlebutt, van Renesse et al. 2008). */
import { assert, unreachable } from "../base/assert.js";
import { limits } from "../base/limits.js";
import type { Rng } from "../base/rng.js";
import { HEAD_BYTES_MAX, digestBytes, entryBytesMax } from "./codec.js";
import { fillDeltas, fillDigests, rotated } from "./fill.js";
import type { Lack } from "./fill.js";
import { INSTANCE_MAX, inRange, isAhead, isEntryKey } from "./messages.js";
import type { Ack, Ack2, Delta, Digest, GossipMessage, OriginSnapshot, Syn } from "./messages.js";
import { Origin } from "./origin.js";
import type { Change } from "./origin.js";

export interface GossipOptions {
  /** This node's instance, a 48-bit number that no other data folder has. */
  readonly instance: number;
  /** Its incarnation: from 1, higher at every start, on disk before it is used here. */
  readonly boot: number;
  /** Decides what goes first when not all fits. */
  readonly rng: Rng;
  /** What this instance keeps across its starts, and says again now. It stays unseen by others until all of it has reached them. */
  readonly republish?: ReadonlyMap<string, Uint8Array>;
  /** No encoded message is longer. */
  readonly messageBytesMax?: number;
  readonly valueBytesMax?: number;
}

/** What a message brought. Keep durable entries of `changes` (`snapshot` of their instance) before acting on them. */
export interface News {
  readonly changes: readonly Change[];
  /** Instances that have lived since they were last heard of, each once: for the failure detector. */
  readonly heard: readonly number[];
  /** Somebody else speaks as this instance (a cloned or restored data folder), or this one's `boot` went back: it must stop. */
  readonly rival: boolean;
}

export interface Received extends News {
  /** To be sent to where the message came from. */
  readonly reply: GossipMessage | undefined;
}

interface Gathering {
  readonly changes: Change[];
  readonly heard: Set<number>;
  rival: boolean;
}

export interface PublishedEntry {
  readonly instance: number;
  readonly key: string;
  readonly value: Uint8Array;
}

export class GossipState {
  readonly #self: Origin;
  readonly #rng: Rng;
  readonly #messageBytesMax: number;
  readonly #valueBytesMax: number;
  readonly #origins = new Map<number, Origin>();
  /** The known instances in rising order. */
  readonly #order: number[] = [];

  constructor(options: GossipOptions) {
    const { instance, boot, rng, republish = new Map<string, Uint8Array>() } = options;
    assert(Number.isInteger(instance) && instance >= 0 && instance <= INSTANCE_MAX, "an instance is a 48-bit number");
    assert(Number.isSafeInteger(boot) && boot >= 1, "a boot counts from 1");
    this.#rng = rng;
    this.#messageBytesMax = options.messageBytesMax ?? limits.gossipMessageBytesMax;
    this.#valueBytesMax = options.valueBytesMax ?? limits.gossipValueBytesMax;
    // Deltas get at least half of a message, and any one entry must fit there, or it would never be passed on.
    const entryBytes = entryBytesMax(limits.gossipKeyBytesMax, this.#valueBytesMax);
    assert(HEAD_BYTES_MAX + 2 * entryBytes <= this.#messageBytesMax, "the longest entry fits in half a message");
    for (const [key, value] of republish) this.#demandEntry(key, value);
    this.#self = Origin.start(instance, boot, republish);
    this.#add(this.#self);
  }

  /** This node's own digest. */
  get self(): Digest {
    return this.#self.digest();
  }

  /** Publishes `value` under `key`; false when that is already what this node says. @throws RangeError beyond the limits. */
  set(key: string, value: Uint8Array): boolean {
    this.#demandEntry(key, value);
    if (!this.#self.has(key) && this.#self.size >= limits.gossipEntriesMax)
      throw new RangeError("too many gossiped entries");
    return this.#self.publish(key, value);
  }

  /** Once a round: the sign of life. */
  beat(): void {
    this.#self.hear(this.#self.heartbeat + 1);
  }

  /** What `instance` says under `key`. Not to be changed. */
  get(instance: number, key: string): Uint8Array | undefined {
    return this.#origins.get(instance)?.get(key);
  }

  /** The latest start of the instance that this node has heard of. */
  bootOf(instance: number): number | undefined {
    return this.#origins.get(instance)?.boot;
  }

  /** A digest of each known instance, this one included, in rising order. */
  origins(): Digest[] {
    return this.#order.map((instance) => this.#origin(instance).digest());
  }

  /** Every entry whose key starts with `prefix`, by rising instance. The order of one instance's entries means nothing. */
  entriesWithPrefix(prefix: string): PublishedEntry[] {
    const found: PublishedEntry[] = [];
    for (const instance of this.#order) {
      for (const { key, value } of this.#origin(instance).entries()) {
        if (key.startsWith(prefix)) found.push({ instance, key, value });
      }
    }
    return found;
  }

  /** All that is known of an origin, for the disk: whole, since part of it could not say up to which version it is true. */
  snapshot(instance: number): OriginSnapshot | undefined {
    return this.#origins.get(instance)?.snapshot();
  }

  /** Takes back what was on disk. This instance's own is skipped (see `republish`), and so is what is known better already. */
  restore(snapshots: Iterable<OriginSnapshot>): void {
    for (const snapshot of snapshots) {
      const known = this.#origins.get(snapshot.instance);
      if (snapshot.instance === this.#self.instance || (known !== undefined && !isAhead(snapshot, known))) continue;
      this.#add(Origin.restored(snapshot));
    }
  }

  /** Opens a round with a peer. */
  syn(): Syn {
    const self = this.self;
    const budget = this.#messageBytesMax - HEAD_BYTES_MAX - digestBytes(self);
    const others = this.#order.filter((instance) => instance !== self.instance);
    const turn = rotated(others, this.#rng);
    const { items } = fillDigests(this.#digests(turn), budget);
    const next = turn[items.length];
    const from = next === undefined ? 0 : (turn[0] ?? 0);
    // Up to just before the next one: what lies between two digests is unknown to this node, and the range says so.
    const to = next === undefined ? INSTANCE_MAX : (next + INSTANCE_MAX) % (INSTANCE_MAX + 1);
    return { kind: "syn", self, from, to, digests: items };
  }

  /** Takes any message of a round in any order, twice or not at all: a round that breaks off has done no harm. */
  receive(message: GossipMessage): Received {
    const news: Gathering = { changes: [], heard: new Set(), rival: false };
    const reply = this.#answer(message, news);
    return { reply, changes: news.changes, heard: [...news.heard], rival: news.rival };
  }

  #answer(message: GossipMessage, news: Gathering): Ack | Ack2 | undefined {
    switch (message.kind) {
      case "syn":
        return this.#answerSyn(message, news);
      case "ack": {
        for (const delta of message.deltas) this.#apply(delta, news);
        const lacks: Lack[] = [];
        for (const digest of message.digests) this.#compare(digest, news, lacks);
        if (lacks.length === 0) return undefined;
        return { kind: "ack2", deltas: fillDeltas(lacks, this.#messageBytesMax - HEAD_BYTES_MAX, this.#rng).items };
      }
      case "ack2":
        for (const delta of message.deltas) this.#apply(delta, news);
        return undefined;
      default:
        return unreachable(message);
    }
  }

  #answerSyn(syn: Syn, news: Gathering): Ack {
    const lacks: Lack[] = [];
    const wanted: Digest[] = [];
    const livelier: Digest[] = [];
    const mentioned = new Set<number>();
    for (const digest of [syn.self, ...syn.digests]) {
      mentioned.add(digest.instance);
      const mine = this.#compare(digest, news, lacks);
      if (isAhead(digest, mine)) wanted.push(mine);
      else if (mine.boot === digest.boot && mine.heartbeat > digest.heartbeat) livelier.push(mine);
    }
    for (const instance of this.#order) {
      if (mentioned.has(instance) || !inRange(instance, syn.from, syn.to)) continue;
      lacks.push({ origin: this.#origin(instance), after: 0 });
    }
    // Entries get what digests leave, and at least half: heartbeats, which always move, must not crowd out what was said.
    const digests = [...rotated(wanted, this.#rng), ...rotated(livelier, this.#rng)];
    const budget = this.#messageBytesMax - HEAD_BYTES_MAX;
    const reserved = fillDigests(digests, Math.floor(budget / 2)).bytes;
    const deltas = fillDeltas(lacks, budget - reserved, this.#rng);
    return { kind: "ack", digests: fillDigests(digests, budget - deltas.bytes).items, deltas: deltas.items };
  }

  /** Notes the heartbeat in a peer's digest and what the peer lacks; returns this node's own digest of that origin. */
  #compare(digest: Digest, news: Gathering, lacks: Lack[]): Digest {
    const { instance, boot, heartbeat, version } = digest;
    const origin = this.#origins.get(instance);
    if (origin === undefined) return { instance, boot: 0, heartbeat: 0, version: 0 };
    if (origin === this.#self)
      news.rival ||= isAhead(digest, origin) || (boot === origin.boot && heartbeat > origin.heartbeat);
    else if (boot === origin.boot && origin.hear(heartbeat)) news.heard.add(instance);
    if (isAhead(origin, digest)) lacks.push({ origin, after: boot === origin.boot ? version : 0 });
    return origin.digest();
  }

  #apply(delta: Delta, news: Gathering): void {
    const known = this.#origins.get(delta.instance);
    if (known === this.#self) {
      const version = delta.entries.at(-1)?.version ?? delta.after;
      news.rival ||= isAhead({ boot: delta.boot, version }, known);
      return;
    }
    let origin = known;
    if (origin === undefined || delta.boot > origin.boot) {
      // Without its first entries a new incarnation cannot be begun: the next round brings them.
      if (delta.after > 0) return;
      origin = Origin.succeeding(known, delta);
      this.#add(origin);
      news.heard.add(delta.instance);
    }
    if (delta.boot < origin.boot) return;
    if (origin.hear(delta.heartbeat)) news.heard.add(delta.instance);
    origin.extend(delta, news.changes);
  }

  #origin(instance: number): Origin {
    const origin = this.#origins.get(instance);
    assert(origin !== undefined, "every instance in the order has its origin");
    return origin;
  }

  #add(origin: Origin): void {
    if (!this.#origins.has(origin.instance)) {
      let at = this.#order.length;
      while (at > 0 && (this.#order[at - 1] as number) > origin.instance) at--;
      this.#order.splice(at, 0, origin.instance);
    }
    this.#origins.set(origin.instance, origin);
  }

  *#digests(instances: Iterable<number>): Iterable<Digest> {
    for (const instance of instances) yield this.#origin(instance).digest();
  }

  #demandEntry(key: string, value: Uint8Array): void {
    if (!isEntryKey(key, limits.gossipKeyBytesMax)) throw new RangeError(`not a key of a gossiped entry: ${key}`);
    if (value.length > this.#valueBytesMax) throw new RangeError(`a gossiped value of ${value.length} bytes`);
  }
}
