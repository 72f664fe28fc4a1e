/**
 * A node: introduces the rooms to each other and gives each message and request to the part it is for. Everything it needs from the world is a
 * port, so that the very same node runs on Node.js and in the simulator (DESIGN §2).
 */
import { unreachable } from "../base/assert.js";
import { fail, ok } from "../base/failure.js";
import { HybridClock } from "../base/hlc.js";
import { keyIdOf, keyIdOfBytes, type KeyId } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import type { Primitives } from "../base/primitives.js";
import type { Rng } from "../base/rng.js";
import type { Clock } from "../ports/clock.js";
import type { Address, Link, Network, NetworkHandler } from "../ports/network.js";
import { HASH_MAX, type Storage } from "../ports/storage.js";
import { decodeRecord } from "../replication/record.js";
import type { Ring } from "../ring/ring.js";
import type { ConflictMode } from "../versions/key-state.js";
import { operationTag } from "../wire/operation-tag.js";
import type { Envelope, GetCommand, Got, Hello, Message, OperationTag, PutCommand, PutDone } from "../wire/messages.js";
import { Actors, encodeBoot, type BootRecord } from "./actors.js";
import { Admission } from "./admission.js";
import type * as api from "./api.js";
import { Buckets } from "./buckets.js";
import { Calls, type CallDone } from "./calls.js";
import type { Log, NodeContext } from "./context.js";
import { Coordinator } from "./coordinator.js";
import { Deadlines } from "./deadlines.js";
import { explain } from "./explainer.js";
import type { FactStore } from "./fact-store.js";
import { Holdings } from "./holdings.js";
import { clusterIdText, type Identity } from "./identity.js";
import { KeyLister, type KeyQuery } from "./key-lister.js";
import { Membership } from "./membership.js";
import type { Plant } from "./plants.js";
import { Overview, type ConflictQuery } from "./overview.js";
import { Refill } from "./refill.js";
import { Replica } from "./replica.js";
import { ReplicaDoor } from "./replica-door.js";
import type { NodeSettings, Whereabouts } from "./settings.js";
import { States } from "./states.js";

export interface NodeOptions {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly storage: Storage;
  readonly network: Network;
  readonly log: Log;
  readonly plants: ReadonlySet<Plant>;
  readonly settings: NodeSettings;
  readonly identity: Identity;
  /** This start's record, on disk already. */
  readonly boot: BootRecord;
  readonly facts: FactStore;
  /** Partitions that this instance has whole. */
  readonly whole: Set<number>;
  /** The node can't go on; the reason is for people. */
  readonly onFatal: (kind: "storage" | "identity", reason: string) => void;
}

export class Node implements api.NodeApi, NodeContext, NetworkHandler {
  readonly self: string;
  readonly identity: Identity;
  readonly settings: NodeSettings;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly hlc: HybridClock;
  readonly rng: Rng;
  readonly log: Log;
  readonly plants: ReadonlySet<Plant>;
  readonly storage: Storage;
  readonly deadlines: Deadlines;
  readonly actors: Actors;
  readonly states: States;
  readonly holdings: Holdings;
  readonly replica: Replica;
  readonly membership: Membership;
  readonly #options: NodeOptions;
  readonly #calls: Calls;
  readonly #buckets: Buckets;
  readonly #coordinator: Coordinator;
  readonly #door: ReplicaDoor;
  readonly #lister: KeyLister;
  readonly #overview: Overview;
  readonly #refill: Refill;
  readonly #admission: Admission;
  #readRepairs = 0;
  #stopping = false;
  #failed = false;

  constructor(options: NodeOptions) {
    const { identity, settings, primitives, clock, storage, facts } = options;
    this.#options = options;
    this.self = identity.name;
    this.identity = identity;
    this.settings = settings;
    this.primitives = primitives;
    this.clock = clock;
    this.rng = options.rng;
    this.log = options.log;
    this.plants = options.plants;
    this.storage = storage;
    this.hlc = new HybridClock(limits.clockSkewMaxMs);
    this.deadlines = new Deadlines(clock);
    this.actors = new Actors(identity.instance, options.boot.boot, options.boot.floor, options.plants);
    this.states = new States(primitives, identity.secret);
    this.holdings = new Holdings(primitives);
    this.#calls = new Calls(options.network);
    this.#buckets = new Buckets(primitives, facts, identity.replicas);
    this.replica = new Replica({
      primitives,
      storage,
      states: this.states,
      actors: this.actors,
      holdings: this.holdings,
      plants: options.plants,
      inDoubt: (partition) => this.isInDoubt(partition),
      modeOf: (id) => this.modeOf(id),
      onDamage: (key) => this.#foundDamage(key),
      onFull: () => {},
      onFailed: () => this.#storageFailed(),
    });
    this.membership = new Membership({
      ...{ primitives, clock, hlc: this.hlc, rng: options.rng.fork("membership"), identity, settings, facts },
      calls: this.#calls,
      onRing: (ring) => this.#ringChanged(ring),
      onFacts: () => this.#buckets.refresh(),
      onRival: () => this.#rivalFound(),
    });
    this.#door = new ReplicaDoor(this);
    this.#coordinator = new Coordinator(this);
    this.#admission = new Admission(this);
    this.#lister = new KeyLister(this, this.#door, (id, deadlineAtMs, done) => this.#isLive(id, deadlineAtMs, done));
    this.#overview = new Overview(this, this.#door, () => this.#buckets.configured());
    this.#refill = new Refill(this, options.whole, () => this.membership.setInDoubt(this.#refill.partitionsInDoubt));
  }

  /** Takes up its place: says where it is reached, gossips, fills what it lacks, counts what it has. */
  start(whereabouts: Whereabouts): void {
    this.#ringChanged(this.membership.ring);
    this.membership.start(whereabouts);
    this.#countFrom(0);
  }

  /** Stops taking requests and waits for those under way; then the stop is written down as clean, or as one that was not. */
  stop(done: () => void): void {
    this.#stopping = true;
    const wait = (): void => {
      if (this.#coordinator.inFlight > 0 && !this.#failed) {
        this.clock.after(5, wait);
        return;
      }
      this.membership.stop();
      this.#refill.stop();
      const boot = encodeBoot(this.primitives, this.actors.closing(!this.#failed));
      this.storage.apply({ meta: [boot] }, () => done());
    };
    wait();
  }

  // ── What other parts ask (NodeContext) ──

  get ring(): Ring {
    return this.membership.ring;
  }

  keyOf(bucket: string, key: string): KeyId {
    return keyIdOf(this.primitives, this.identity.partitions, bucket, key);
  }

  keyOfId(id: Uint8Array): KeyId {
    return keyIdOfBytes(this.primitives, this.identity.partitions, id);
  }

  ownsPartition(partition: number): boolean {
    return this.ring.owners(partition).includes(this.self);
  }

  isInDoubt(partition: number): boolean {
    return this.#refill.isInDoubt(partition);
  }

  bucketConfig(bucket: string): api.BucketConfig {
    return this.#buckets.config(bucket);
  }

  modeOf(id: Uint8Array): ConflictMode {
    return this.#buckets.modeOf(id);
  }

  seemsAlive(name: string): boolean {
    return this.membership.seemsAlive(name);
  }

  ask(name: string, message: Message, deadlineMs: number, done: CallDone): number {
    const callee = this.membership.callee(name);
    if (callee !== undefined) return this.#calls.ask(callee, message, deadlineMs, done);
    done({ kind: "unsent" });
    return 0;
  }

  abandon(requestId: number): void {
    this.#calls.abandon(requestId);
  }

  repair(name: string, key: KeyId, body: Uint8Array, whole: boolean): void {
    this.#readRepairs++;
    if (name === this.self) {
      this.replica.merge(key, this.states.parse(body), whole, () => {});
      return;
    }
    const address = this.membership.addressOf(name)?.address;
    if (address !== undefined) this.#calls.tell(address, { kind: "store", id: key.id, body, whole });
  }

  // ── What doors ask (NodeApi) ──

  operationOf(idempotencyKey: string, write: Omit<PutCommand, "operation" | "kind">, attempt?: number): OperationTag {
    return operationTag(this.primitives, idempotencyKey, write, attempt);
  }

  get(command: GetCommand, timeoutMs: number, reply: api.Reply<Got>): void {
    if (this.#refuses(reply)) return;
    this.#coordinator.get(command, timeoutMs, reply);
  }

  put(command: PutCommand, timeoutMs: number, reply: api.Reply<PutDone>): void {
    if (this.#refuses(reply)) return;
    this.#coordinator.put(command, timeoutMs, reply);
  }

  listKeys(query: KeyQuery, timeoutMs: number, reply: api.Reply<api.KeyPage>): void {
    if (this.#refuses(reply)) return;
    this.#lister.list(query, timeoutMs, reply);
  }

  listConflicts(query: ConflictQuery, timeoutMs: number, reply: api.Reply<api.ConflictPage>): void {
    this.#overview.listConflicts(query, timeoutMs, reply);
  }

  listBuckets(timeoutMs: number, reply: api.Reply<readonly { readonly name: string; readonly keys: number }[]>): void {
    this.#overview.listBuckets(timeoutMs, reply);
  }

  setBucketConfig(
    bucket: string,
    config: Partial<Omit<api.BucketConfig, "n">>,
    reply: api.Reply<api.BucketConfig>,
  ): void {
    if (this.#refuses(reply)) return;
    const stamp = this.hlc.next(this.clock.wallMs(), this.#buckets.stampOf(bucket));
    if (stamp === undefined) return reply(fail("clock-skew", "this node's clock is too far behind; mend the clocks"));
    this.#buckets.set(bucket, config, stamp, reply);
  }

  explain(id: Uint8Array, timeoutMs: number, reply: api.Reply<api.Explanation>): void {
    explain(this, this.#door, id, timeoutMs, reply);
  }

  place(id: Uint8Array): api.PlaceView {
    const { partition } = this.keyOfId(id);
    return { partition, preferenceList: this.ring.owners(partition), fallbacks: this.ring.fallbacks(partition) };
  }

  ringView(): api.RingView {
    const partitions = Array.from({ length: this.ring.partitions }, (_, partition) => ({
      partition,
      owners: this.ring.owners(partition),
    }));
    return { version: this.ring.version, partitions };
  }

  cluster(): api.ClusterView {
    const { membership, ring, identity } = this;
    return {
      cluster: clusterIdText(identity.clusterId),
      node: this.self,
      partitions: identity.partitions,
      replicas: identity.replicas,
      settled: membership.settled(),
      underReplicated: membership.members().length < identity.replicas,
      members: membership.members().map(({ name, zone }) => ({
        name,
        address: membership.addressOf(name)?.address ?? "",
        http: membership.addressOf(name)?.http ?? "",
        zone,
        status: membership.status(name),
        ownership: ring.ownership(name),
        hints: 0,
      })),
      transfers: this.#refill.transfers(),
    };
  }

  ready(): boolean {
    return !this.#stopping && !this.#failed && this.membership.isMember(this.self);
  }

  stats(): api.NodeStats {
    const owned = (partition: number): boolean => this.ownsPartition(partition);
    return {
      readRepairs: this.#readRepairs,
      gossipBytesSent: this.membership.gossipBytesSent,
      damagedRecords: this.replica.damagedRecords,
      divergentStates: this.states.divergent,
      siblingWarnings: this.#coordinator.siblingWarnings,
      retiredActors: this.#coordinator.retiredActors,
      conflicts: this.holdings.conflictCount(owned),
      liveKeys: this.holdings.liveKeys(owned),
      transferKeys: this.#refill.keysReceived,
      requestsInFlight: this.#coordinator.inFlight,
    };
  }

  // ── What the network brings (NetworkHandler) ──

  admit(hello: Hello): string | undefined {
    return this.#stopping ? "this node is stopping" : this.membership.admit(hello);
  }

  refused(address: Address, reason: string): void {
    this.log("warn", "refused by a peer", { address, reason });
    const isWrongCluster = reason.startsWith("cluster ");
    if (isWrongCluster && this.settings.seeds.includes(address)) {
      this.#options.onFatal("identity", `the seed ${address} is of another cluster than this data folder: ${reason}`);
    }
    if (reason.includes("was taken by a new instance")) this.#options.onFatal("identity", reason);
  }

  lost(address: Address, sent: boolean): void {
    this.#calls.lost(address, sent);
  }

  receive(envelope: Envelope, link: Link): void {
    const { requestId, deadlineMs, message } = envelope;
    const answer = (reply: Message): void => {
      if (requestId !== 0) link.reply(requestId, reply);
    };
    switch (message.kind) {
      case "fetch":
      case "digest":
      case "store":
      case "list":
      case "inventory":
      case "conflicts":
      case "pull":
        if (link.hello.role === "member" && !this.#failed) this.#door.handle(message, answer);
        return;
      case "get":
        return this.get(message, deadlineMs, (outcome) => answer(messageOf(outcome)));
      case "put":
        return this.put(message, deadlineMs, (outcome) => answer(messageOf(outcome)));
      case "gossip":
        if (link.hello.role === "member") this.membership.receive(message.payload, link);
        return;
      case "join":
        return this.#admission.admit(message, answer);
      case "ring":
        return answer(this.#ringTable());
      case "hello":
      case "refused":
        return;
      case "fetched":
      case "digested":
      case "stored":
      case "got":
      case "put-done":
      case "failed":
      case "welcome":
      case "listed":
      case "inventoried":
      case "conflicts-listed":
      case "pulled":
      case "ring-table":
        // Only members are asked, so only they answer: a client must not be able to say "durable".
        if (link.hello.role === "member") this.#calls.answer(requestId, message, link.hello);
        return;
      default:
        unreachable(message);
    }
  }

  // ── What happens inside ──

  #refuses(reply: api.Reply<never>): boolean {
    if (this.#failed) reply(fail("storage-failed", "this node's store has failed; ask another node"));
    else if (this.#stopping) reply(fail("stopping", "this node is stopping; ask another node"));
    else return false;
    return true;
  }

  #ringChanged(ring: Ring): void {
    const mine = ring.members.find((member) => member.name === this.self);
    if (mine !== undefined && mine.instance !== this.identity.instance) {
      this.#options.onFatal(
        "identity",
        `the place of ${this.self} was taken by another instance; start with an empty folder or another name`,
      );
      return;
    }
    this.log("info", "ring", { version: ring.version, members: ring.members.length });
    this.#refill.ringChanged(ring);
  }

  /** Something was lost here and nobody knows what else: no actor that lived until now mints again (DESIGN §4). */
  #foundDamage(key: KeyId): void {
    this.log("error", "damaged record", { partition: key.partition });
    this.actors.retireAll();
    this.storage.apply({ meta: [encodeBoot(this.primitives, this.actors.closing(false))] }, () => {});
  }

  #storageFailed(): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFatal(
      "storage",
      "a flush failed; the store takes nothing more until a restart has found what is proven on disk",
    );
  }

  #rivalFound(): void {
    const reason = `another process speaks as this instance of ${this.self}: the data folder was copied or restored; start the copy with an empty folder`;
    this.#options.onFatal("identity", reason);
  }

  #isLive(id: Uint8Array, deadlineAtMs: number, done: Parameters<KeyLister["isLive"]>[2]): void {
    const leftMs = Math.max(1, deadlineAtMs - this.clock.monotonicMs());
    const command: GetCommand = { kind: "get", id, r: "quorum", sloppy: false, local: false, hops: 0 };
    this.#coordinator.get(command, leftMs, (outcome) => {
      if (!outcome.ok) return done(outcome);
      const { body } = outcome.value;
      done(ok(body.length > 0 && this.states.liveCount(body) > 0));
    });
  }

  /** Counts what is held, a partition at a time, so that requests are served between. */
  #countFrom(partition: number): void {
    if (partition >= this.identity.partitions || this.#stopping) return;
    const counted: { id: Uint8Array; outline: ReturnType<States["outline"]> }[] = [];
    this.storage.scan(
      partition,
      0n,
      HASH_MAX,
      (record) => {
        const local = decodeRecord(this.primitives, record.hash, record.value);
        if (local !== undefined) counted.push({ id: record.key, outline: this.states.outline(local.body) });
        return true;
      },
      () => {
        this.holdings.count(partition, counted);
        const next = partition + 1;
        // An empty partition costs next to nothing: only what took work lets others have their turn.
        if (counted.length === 0 && next % 64 !== 0) this.#countFrom(next);
        else this.clock.after(0, () => this.#countFrom(next));
      },
    );
  }

  #ringTable(): Message {
    const members = this.membership.members().map(({ name }) => ({
      name,
      address: this.membership.addressOf(name)?.address ?? "",
    }));
    const places = new Map(members.map(({ name }, index) => [name, index]));
    const owners = Array.from({ length: this.ring.partitions }, (_, partition) =>
      this.ring.owners(partition).map((name) => places.get(name) ?? 0),
    );
    return { kind: "ring-table", version: this.ring.version, members, owners };
  }
}

function messageOf(outcome: Parameters<api.Reply<Message>>[0]): Message {
  return outcome.ok ? outcome.value : { kind: "failed", failure: outcome.failure };
}
