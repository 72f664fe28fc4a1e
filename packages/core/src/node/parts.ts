/** The parts of a node, each made once and introduced to the others: the composition behind NodeContext. */
import { HybridClock, NO_STAMP, type Stamp } from "../base/hlc.js";
import { keyIdOfBytes, type KeyId } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import type { Primitives } from "../base/primitives.js";
import type { Rng } from "../base/rng.js";
import type { Clock } from "../ports/clock.js";
import { Forest } from "../merkle/forest.js";
import type { Network } from "../ports/network.js";
import type { QueuedHint } from "../replication/hint-queue.js";
import type { Ring } from "../ring/ring.js";
import type { ConflictMode } from "../versions/key-state.js";
import type { Message } from "../wire/messages.js";
import { Actors, type BootRecord } from "./actors.js";
import { AntiEntropy } from "./anti-entropy.js";
import type { BucketConfig } from "./api.js";
import { Buckets } from "./buckets.js";
import type { BucketTags } from "./bucket-tags.js";
import { Budget } from "./budget.js";
import { Calls, type CallDone } from "./calls.js";
import { Census } from "./census.js";
import type { Checkpoints } from "./checkpoints.js";
import type { Log, NodeContext } from "./context.js";
import { Deadlines } from "./deadlines.js";
import type { Owed } from "./debt-report.js";
import type { FactStore } from "./fact-store.js";
import { Handoff } from "./handoff.js";
import { Departure } from "./departure.js";
import { Handover } from "./handover.js";
import type { Hearing } from "./hearing.js";
import { Hints } from "./hints.js";
import { Healer } from "./healer.js";
import { Holdings } from "./holdings.js";
import type { Identity } from "./identity.js";
import { IndexCheck } from "./index-check.js";
import { Membership } from "./membership.js";
import { placedBy, type Placement } from "./placement.js";
import { OwnStart } from "./own-start.js";
import type { OwnersTable } from "./owners-table.js";
import type { Plant } from "./plants.js";
import { refusals } from "./refusals.js";
import { RepairWaits } from "./repair-waits.js";
import { ReapDoor } from "./reap-door.js";
import { Reaper } from "./reaper.js";
import { Replica } from "./replica.js";
import { Tides } from "../replication/tides.js";
import { Scrub } from "./scrub.js";
import type { NodeSettings } from "./settings.js";
import { States } from "./states.js";
import type { WatchedStorage } from "./watched-storage.js";
import { TreeKeeper } from "./tree-keeper.js";

export interface NodeOptions {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly storage: WatchedStorage;
  readonly network: Network;
  readonly log: Log;
  readonly plants: ReadonlySet<Plant>;
  readonly settings: NodeSettings;
  readonly identity: Identity;
  /** This start's record, on disk already; and what it drew, by which it is told from one of a copy of the folder that is counted alike. */
  readonly boot: BootRecord;
  readonly start: number;
  readonly facts: FactStore;
  /** Partitions that this instance has whole. */
  readonly whole: Set<number>;
  readonly owners: OwnersTable;
  readonly checkpoints: Checkpoints;
  readonly tags: BucketTags;
  /** Hints on disk. */
  readonly hints: readonly QueuedHint[];
  /** The node has left the cluster: nothing is left to do for it. */
  readonly onDeparted: () => void;
  /** The node can't go on; the reason is for people. */
  readonly onFatal: (kind: "storage" | "identity", reason: string) => void;
}

export class NodeParts implements NodeContext {
  readonly self: string;
  readonly identity: Identity;
  readonly settings: NodeSettings;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly hlc = new HybridClock(limits.clockSkewMaxMs);
  readonly rng: Rng;
  readonly log: Log;
  readonly plants: ReadonlySet<Plant>;
  readonly storage: WatchedStorage;
  readonly deadlines: Deadlines;
  readonly budget: Budget;
  readonly actors: Actors;
  readonly states: States;
  readonly holdings: Holdings;
  readonly forest: Forest;
  readonly trees: TreeKeeper;
  readonly replica: Replica;
  readonly membership: Membership;
  readonly repairWaits = new RepairWaits(limits.readRepairBytesMax);
  readonly hints: Hints;
  readonly handoff: Handoff;
  readonly calls: Calls;
  readonly buckets: Buckets;
  readonly handover: Handover;
  readonly departure: Departure;
  readonly antiEntropy: AntiEntropy;
  readonly healer: Healer;
  readonly census: Census;
  readonly scrub: Scrub;
  readonly indexCheck: IndexCheck;
  readonly ownStart: OwnStart;
  readonly tides: Tides;
  readonly reapDoor: ReapDoor;
  readonly reaper: Reaper;
  readonly #options: NodeOptions;
  readRepairs = 0;
  /** A flush failed: nothing is taken any more. */
  failed = false;
  /** The node was told to end, and why is on its way to the operator. */
  ended = false;

  constructor(options: NodeOptions) {
    const { identity, settings, primitives, clock, rng, log, plants, storage, facts, boot } = options;
    this.#options = options;
    this.self = identity.name;
    this.identity = identity;
    this.settings = settings;
    this.primitives = primitives;
    this.clock = clock;
    this.rng = rng;
    this.log = log;
    this.plants = plants;
    this.storage = storage;
    this.deadlines = new Deadlines(clock);
    this.budget = new Budget(clock);
    this.actors = new Actors(identity.instance, boot.boot, boot.floor, plants);
    this.ownStart = new OwnStart({
      ...{ node: this, boot, drawn: options.start },
      hasEnded: () => this.ended,
      onDisowned: (reason) => this.end("identity", reason),
    });
    this.states = new States(primitives, identity.secret);
    this.holdings = new Holdings(primitives);
    this.tides = new Tides(settings.messageLifeMs, clock.monotonicMs());
    this.calls = new Calls(options.network, clock, this.tides);
    storage.onFailed = () => this.#storageFailed();
    this.buckets = new Buckets(primitives, facts, identity.replicas);
    this.forest = new Forest(Math.log2(identity.partitions));
    this.trees = new TreeKeeper({
      ...{ clock, storage, log, forest: this.forest },
      isOwned: (partition) => this.ownsPartition(partition),
    });
    this.replica = this.#makeReplica();
    this.membership = new Membership({
      ...{ primitives, clock, hlc: this.hlc, rng: rng.fork("membership"), identity, settings, facts, plants },
      calls: this.calls,
      onRing: (ring) => this.ringChanged(ring),
      onBucket: (key, value, by) => this.buckets.heard(key, value, by),
      owed: () => this.#owed(),
      diskStalledMs: () => storage.stalledMs,
      onOwners: (name, digest) => this.handover.hearing.gossiped(name, digest),
      onRival: () => this.ownStart.disown(refusals.copied(this.self)),
      onRound: () => this.ownStart.ask(),
      starts: this.ownStart.marks,
      onLate: (lateMs) => {
        // Messages of long ago may have lain at the door meanwhile: they are as good as under way.
        if (lateMs > settings.messageLifeMs / 2) this.tides.stalled(clock.monotonicMs());
      },
    });
    this.hints = new Hints(this, options.hints);
    this.handoff = new Handoff(this, this.hints);
    this.handover = new Handover({
      ...{ node: this, table: options.owners, whole: options.whole, checkpoints: options.checkpoints },
      isKept: (key) => this.hints.queue.isKept(key),
      onPlacements: () => this.trees.ringChanged(identity.partitions),
      onProgress: () => this.#sayProgress(),
    });
    this.departure = new Departure({
      ...{ node: this, handover: this.handover, handoff: this.handoff, onDeparted: options.onDeparted },
      onLeftBefore: () => this.end("identity", this.membership.roster.refusalOf(this.self, identity.instance) ?? ""),
    });
    this.antiEntropy = new AntiEntropy(this, rng.fork("anti-entropy"));
    this.healer = new Healer({ node: this, onTooMany: (partition) => this.handover.transfers.doubt(partition) });
    this.census = new Census({
      ...{ clock, storage, replica: this.replica, states: this.states, holdings: this.holdings, tags: options.tags },
      onUnreadable: (partition) => this.#foundUnreadable(partition),
    });
    this.indexCheck = new IndexCheck({
      ...{ clock, storage, replica: this.replica, log },
      onMismatch: (partition) => this.trees.doubt(partition),
    });
    this.scrub = new Scrub({
      ...{ clock, replica: this.replica, partitions: identity.partitions },
      onSlice: (partition, from, to, read) => this.indexCheck.look(partition, from, to, read),
      onUnreadable: (partition) => this.#foundUnreadable(partition),
    });
    this.reapDoor = new ReapDoor(this, () => this.handover.partitionsToSweep);
    this.reaper = new Reaper(this, this.reapDoor);
  }

  get ring(): Ring {
    return this.membership.roster.ring;
  }

  get owners(): OwnersTable {
    return this.handover.table;
  }

  get hearing(): Hearing {
    return this.handover.hearing;
  }

  keyOfId(id: Uint8Array): KeyId {
    return keyIdOfBytes(this.primitives, this.identity.partitions, id);
  }

  placement(partition: number): Placement {
    return this.handover.placement(partition);
  }

  ownsPartition(partition: number): boolean {
    return this.placement(partition).all.includes(this.self);
  }

  isInDoubt(partition: number): boolean {
    const isWhole = this.handover.transfers.isWhole(partition) && !this.ownStart.isInDoubt;
    return this.ownsPartition(partition) && !isWhole;
  }

  bucketConfig(bucket: string): BucketConfig {
    return this.buckets.config(bucket);
  }

  modeOf(id: Uint8Array): ConflictMode {
    return this.buckets.modeOf(id);
  }

  ttlOf(id: Uint8Array): number | undefined {
    return this.buckets.ttlOf(id);
  }

  seemsAlive(name: string): boolean {
    return this.membership.seemsAlive(name);
  }

  stamp(floor: Stamp = NO_STAMP): Stamp | undefined {
    return this.membership.clockIsOff ? undefined : this.hlc.next(this.clock.wallMs(), floor);
  }

  ask(name: string, message: Message, deadlineMs: number, done: CallDone): number {
    const callee = this.membership.roster.callee(name);
    if (callee !== undefined) return this.calls.ask(callee, message, deadlineMs, done);
    done({ kind: "unsent" });
    return 0;
  }

  abandon(requestId: number): void {
    this.calls.abandon(requestId);
  }

  tell(name: string, message: Message): boolean {
    const address = this.membership.roster.addressOf(name)?.address;
    return address !== undefined && this.calls.tell(address, message);
  }

  repair(name: string, key: KeyId, body: Uint8Array, whole: boolean): void {
    this.readRepairs++;
    if (name === this.self) {
      this.replica.merge(key, this.states.parse(body), whole, () => {});
      return;
    }
    // Nobody waits for the answer; but as long as there is none, the state is under way.
    const atMs = this.clock.monotonicMs() + limits.repairAnswerMs;
    let requestId = 0;
    const deadline = this.deadlines.at(atMs, () => this.abandon(requestId));
    const message = { kind: "store", id: key.id, body, whole, ...placedBy(this, key.partition) } as const;
    requestId = this.ask(name, message, limits.repairAnswerMs, () => deadline.cancel());
  }

  ringChanged(ring: Ring): void {
    const refusal = this.membership.roster.refusalOf(this.self, this.identity.instance);
    if (refusal !== undefined && !this.departure.isRemoved) {
      if (!this.membership.roster.hasLeftByItself(this.identity.instance)) return this.end("identity", refusal);
      this.log("info", "this member had left; the others are told, if they have not heard");
      this.departure.resume();
    }
    this.log("info", "ring", { version: ring.version, members: ring.members.length });
    this.handover.ringChanged();
    this.departure.ringChanged();
  }

  /** Nothing is begun any more; the operator hears why. */
  end(kind: "storage" | "identity", reason: string): void {
    this.ended = true;
    this.quiet();
    this.#options.onFatal(kind, reason);
  }

  /** Ends what the node does of its own accord. */
  quiet(): void {
    this.ownStart.stop();
    this.handoff.stop();
    this.budget.stop();
    this.membership.stop();
    this.handover.stop();
    this.departure.stop();
    this.census.stop();
    this.scrub.stop();
    this.indexCheck.stop();
    this.trees.stop();
    this.antiEntropy.stop();
    this.healer.stop();
    this.reaper.stop();
  }

  /** What this start leaves for the next one, now that all it minted is on disk or known not to be. */
  lastWords(): BootRecord {
    return this.ownStart.lastWords(!this.failed);
  }

  /** What this member owes to others: each part that owes something adds its own here. */
  #owed(): Owed {
    return this.handover.owed(this.hints.owed);
  }

  /** For `settled`: how this node's records look, and what it has still to do. */
  #sayProgress(): void {
    const { handover, membership } = this;
    const { partitionsChanging: changing, table } = handover;
    membership.sayOwners({ owners: table.digest, changing, inDoubt: handover.transfers.partitionsInDoubt });
  }

  #makeReplica(): Replica {
    const { primitives, storage, states, actors, holdings, plants, tides } = this;
    return new Replica({
      ...{ primitives, storage, states, actors, holdings, plants, tides, tags: this.#options.tags },
      trees: this.trees,
      inDoubt: (partition) => this.isInDoubt(partition),
      modeOf: (id) => this.modeOf(id),
      onDamage: (key) => this.#foundDamage(key),
      onDoubtful: (key) => this.healer.found(key),
      onFull: (partition) => this.census.recount(partition),
    });
  }

  /** Something was lost here and nobody knows what else: no actor that lived until now mints again (DESIGN §4). */
  #foundDamage(key: KeyId): void {
    this.log("error", "damaged record", { partition: key.partition });
    this.ownStart.retireActors();
    this.healer.found(key);
  }

  /** Any key of the partition may be lost: it is as an empty instance's until it was compared with the others' (DESIGN §8). */
  #foundUnreadable(partition: number): void {
    this.log("error", "records that cannot be read", { partition });
    this.ownStart.retireActors();
    this.handover.transfers.doubt(partition);
  }

  #storageFailed(): void {
    if (this.failed) return;
    this.failed = true;
    this.end(
      "storage",
      "a flush failed; the store takes nothing more until a restart has found what is proven on disk",
    );
  }
}
