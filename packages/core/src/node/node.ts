/**
 * A node: takes what the doors ask and what the network brings, and gives each to the part it is for. Everything it needs from the world is a
 * port, so that the very same node runs on Node.js and in the simulator (DESIGN §2).
 */
import { fail, type Outcome } from "../base/failure.js";
import { keyIdOf, type KeyId } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import type { Address, Link, NetworkHandler } from "../ports/network.js";
import type { Ring } from "../ring/ring.js";
import { FOREIGN_CLUSTER } from "../wire/handshake.js";
import type { Envelope, GetCommand, Got, Hello, OperationTag, PutCommand, PutDone } from "../wire/messages.js";
import { operationTag } from "../wire/operation-tag.js";
import { encodeBoot } from "./actors.js";
import { Admission } from "./admission.js";
import type * as api from "./api.js";
import { Coordinator } from "./coordinator.js";
import { explain } from "./explainer.js";
import type { Hints } from "./hints.js";
import { Inbox } from "./inbox.js";
import { InFlight } from "./in-flight.js";
import { KeyLister, type KeyQuery } from "./key-lister.js";
import { MemberDesk } from "./member-desk.js";
import type { Membership } from "./membership.js";
import { Overview, type ConflictQuery } from "./overview.js";
import type { Placement } from "./placement.js";
import { NodeParts, type NodeOptions } from "./parts.js";
import { isCopyRefusal, isFinalRefusal } from "./refusals.js";
import { RepairDesk } from "./repair-desk.js";
import { RingDoor } from "./ring-door.js";
import { RiskDesk } from "./risk-desk.js";
import { ReplicaDoor } from "./replica-door.js";
import type { NodeSettings, Whereabouts } from "./settings.js";
import type { States } from "./states.js";
import { clusterView, digestsView, placeView, ringView } from "./views.js";

/** How often a stop looks whether the requests under way have ended. */
const STOP_LOOK_MS = 5;
/** A seed of another cluster is a mistake of the operator's as long as the start goes on; later it is somebody else's. */
const SEED_PROOF_MS = 10_000;

export class Node implements api.NodeApi, NetworkHandler {
  readonly self: string;
  readonly #parts: NodeParts;
  readonly #inFlight: InFlight;
  readonly #coordinator: Coordinator;
  readonly #door: ReplicaDoor;
  readonly #lister: KeyLister;
  readonly #overview: Overview;
  readonly #riskDesk: RiskDesk;
  readonly #repairDesk: RepairDesk;
  readonly #inbox: Inbox;
  readonly #members: MemberDesk;
  #startedAtMs = 0;
  #stopping = false;

  constructor(options: NodeOptions) {
    const parts = new NodeParts(options);
    this.self = parts.self;
    this.#parts = parts;
    this.#inFlight = new InFlight(options.settings.requestsInFlightMax);
    this.#door = new ReplicaDoor(parts);
    this.#coordinator = new Coordinator(parts);
    this.#lister = new KeyLister(parts, this.#door, (id, deadlineAtMs, done) =>
      this.#coordinator.isLive(id, deadlineAtMs, done),
    );
    this.#overview = new Overview(parts, this.#door, () => parts.buckets.configured());
    this.#members = new MemberDesk(parts);
    this.#repairDesk = new RepairDesk(parts, parts.antiEntropy);
    this.#riskDesk = new RiskDesk(parts, (timeoutMs, done) =>
      this.#overview.listConflicts({ limit: 1 }, timeoutMs, done),
    );
    this.#inbox = new Inbox({
      ...{
        node: parts,
        api: this,
        door: this.#door,
        reapDoor: parts.reapDoor,
        riskDesk: this.#riskDesk,
        calls: parts.calls,
        admission: new Admission(parts),
      },
      ...{ ring: new RingDoor(parts, parts.handover), repairDesk: this.#repairDesk },
      refusal: () => this.#refusal(),
    });
  }

  /** Takes up its place: says where it is reached, gossips, fills what it lacks, counts what it has. */
  start(whereabouts: Whereabouts): void {
    const { clock, membership, census, antiEntropy, scrub, identity, reaper } = this.#parts;
    this.#startedAtMs = clock.monotonicMs();
    this.#parts.ringChanged(membership.roster.ring);
    if (this.#parts.ended) return;
    this.#parts.ownStart.begin();
    membership.start(whereabouts);
    census.start(identity.partitions);
    this.#parts.handoff.begin();
    antiEntropy.start();
    scrub.start();
    reaper.start();
  }

  /** Stops taking requests and waits for those under way; then the stop is written down as clean, or as one that was not. */
  stop(done: () => void): void {
    const { clock } = this.#parts;
    this.#stopping = true;
    if (this.#inFlight.count > 0 && !this.#parts.failed) {
      clock.after(STOP_LOOK_MS, () => this.stop(done));
      return;
    }
    this.#parts.handoff.finish(limits.handoffStopMs, () => this.#end(done));
  }

  #end(done: () => void): void {
    const { storage, primitives } = this.#parts;
    this.#parts.quiet();
    // First the end of every flush: one that finds no space retires actors, and that must be among the last words.
    storage.apply({}, () => {
      storage.apply({ meta: [encodeBoot(primitives, this.#parts.lastWords())] }, () => done());
    });
  }

  // ── What is to be seen of it, for tools and tests ──

  get ring(): Ring {
    return this.#parts.ring;
  }

  get settings(): NodeSettings {
    return this.#parts.settings;
  }

  /** Requests to other members that wait for their reply. */
  get pendingCalls(): number {
    return this.#parts.calls.pending;
  }

  get membership(): Membership {
    return this.#parts.membership;
  }

  get states(): States {
    return this.#parts.states;
  }

  get hints(): Hints {
    return this.#parts.hints;
  }

  /** Damaged records that it is still trying to mend from the other owners. */
  get healing(): number {
    return this.#parts.healer.pending;
  }

  keyOf(bucket: string, key: string): KeyId {
    return keyIdOf(this.#parts.primitives, this.#parts.identity.partitions, bucket, key);
  }

  keyOfId(id: Uint8Array): KeyId {
    return this.#parts.keyOfId(id);
  }

  placement(partition: number): Placement {
    return this.#parts.placement(partition);
  }

  ownsPartition(partition: number): boolean {
    return this.#parts.ownsPartition(partition);
  }

  isInDoubt(partition: number): boolean {
    return this.#parts.isInDoubt(partition);
  }

  // ── What doors ask (NodeApi) ──

  operationOf(idempotencyKey: string, write: Omit<PutCommand, "operation" | "kind">, attempt?: number): OperationTag {
    return operationTag(this.#parts.primitives, idempotencyKey, write, attempt);
  }

  get(command: GetCommand, timeoutMs: number, reply: api.Reply<Got>): void {
    const counted = this.#enter(this.#timed(reply));
    if (counted !== undefined) this.#coordinator.get(command, bounded(timeoutMs), counted);
  }

  put(command: PutCommand, timeoutMs: number, reply: api.Reply<PutDone>): void {
    const counted = this.#enter(this.#timed(reply));
    if (counted !== undefined) this.#coordinator.put(command, bounded(timeoutMs), counted);
  }

  listKeys(query: KeyQuery, timeoutMs: number, reply: api.Reply<api.KeyPage>): void {
    const counted = this.#enter(reply);
    if (counted !== undefined) this.#lister.list(query, bounded(timeoutMs), counted);
  }

  listConflicts(query: ConflictQuery, timeoutMs: number, reply: api.Reply<api.ConflictPage>): void {
    const counted = this.#enter(reply);
    if (counted !== undefined) this.#overview.listConflicts(query, bounded(timeoutMs), counted);
  }

  listBuckets(timeoutMs: number, reply: api.Reply<readonly { readonly name: string; readonly keys: number }[]>): void {
    const counted = this.#enter(reply);
    if (counted !== undefined) this.#overview.listBuckets(bounded(timeoutMs), counted);
  }

  bucketConfig(bucket: string): api.BucketConfig {
    return this.#parts.bucketConfig(bucket);
  }

  setBucketConfig(bucket: string, config: api.BucketChange, reply: api.Reply<api.BucketConfig>): void {
    const { buckets } = this.#parts;
    const counted = this.#enter(reply);
    if (counted === undefined) return;
    const stamp = this.#parts.stamp(buckets.stampOf(bucket));
    if (stamp !== undefined) return buckets.set(bucket, config, stamp, counted);
    counted(fail("clock-skew", "this node's clock is too far from the others'; mend the clocks, or ask another node"));
  }

  explain(id: Uint8Array, timeoutMs: number, reply: api.Reply<api.Explanation>): void {
    const counted = this.#enter(reply);
    if (counted !== undefined) explain(this.#parts, this.#door, id, bounded(timeoutMs), counted);
  }

  place(id: Uint8Array): api.PlaceView {
    return placeView(this.#parts, this.keyOfId(id).partition);
  }

  ringView(): api.RingView {
    return ringView(this.#parts);
  }

  repair(reply: api.Reply<api.RepairView>): void {
    const counted = this.#enter(reply);
    if (counted !== undefined) this.#repairDesk.ask(true, counted);
  }

  repairStatus(reply: api.Reply<api.RepairView>): void {
    const counted = this.#enter(reply);
    if (counted !== undefined) this.#repairDesk.ask(false, counted);
  }

  digests(): api.DigestsView {
    return digestsView(this.#parts);
  }

  planChange(change: api.MemberChange, reply: api.Reply<api.ChangeView>): void {
    this.#members.plan(change, reply);
  }

  leave(name: string, reply: api.Reply<api.ChangeView>): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) return reply(refusal);
    this.#members.leave(name, reply);
  }

  remove(name: string, force: boolean, reply: api.Reply<api.RemovalView>): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) return reply(refusal);
    this.#members.remove(name, force, reply);
  }

  cluster(): api.ClusterView {
    return clusterView(this.#parts, this.#parts.handover.views(), this.#parts.reaper.view());
  }

  risk(timeoutMs: number, reply: api.Reply<api.RiskView>): void {
    const counted = this.#enter(reply);
    if (counted !== undefined) this.#riskDesk.ask(bounded(timeoutMs), counted);
  }

  ready(): boolean {
    const isKnown = this.membership.roster.isMember(this.self) && !this.#parts.ownStart.isInDoubt;
    const isMoving = this.#parts.storage.stalledMs < limits.diskStallMs;
    return this.#refusal() === undefined && isKnown && isMoving;
  }

  /** Requests of clients that it works on now. */
  get requestsInFlight(): number {
    return this.#inFlight.count;
  }

  stats(): api.NodeStats {
    const { membership, replica, states, holdings, antiEntropy, healer, trees, indexCheck, handover, scrub, handoff } =
      this.#parts;
    const { readRepairs, clock } = this.#parts;
    const nowMs = clock.wallMs();
    const tombstones = this.#parts.reaper.view();
    const owned = (partition: number): boolean => this.ownsPartition(partition);
    return {
      readRepairs,
      antiEntropyBytesSent: antiEntropy.bytesSent,
      antiEntropyKeysRepaired: antiEntropy.keysRepaired,
      healedRecords: healer.healed,
      lostRecords: healer.lost,
      treeMismatches: trees.parted + indexCheck.mismatches,
      gossipBytesSent: membership.gossipBytesSent,
      damagedRecords: replica.damagedRecords,
      scrubbedRecords: scrub.records,
      divergentStates: states.divergent,
      siblingWarnings: this.#coordinator.siblingWarnings,
      retiredActors: this.#coordinator.retiredActors,
      conflicts: holdings.conflictCount(owned, nowMs),
      liveKeys: holdings.liveKeys(owned, nowMs),
      transferKeys: handover.transfers.keysReceived,
      requestsInFlight: this.requestsInFlight,
      diskStalledMs: this.#parts.storage.stalledMs,
      ...handoff.stats(),
      tombstones: tombstones.count,
      tombstonesReaped: tombstones.reaped,
      oldestTombstoneMs: tombstones.oldest?.since ?? 0,
    };
  }

  // ── What the network brings (NetworkHandler) ──

  admit(hello: Hello): string | undefined {
    if (this.#stopping) return "this node is stopping";
    if (this.#parts.plants.has("stale-ring-accepted")) return undefined;
    return this.membership.admit(hello);
  }

  refused(address: Address, reason: string): void {
    const { log, clock, settings } = this.#parts;
    log("warn", "refused by a peer", { address, reason });
    if (this.#parts.departure.isRemoved) return isFinalRefusal(reason) ? this.#parts.departure.refused() : undefined;
    if (isCopyRefusal(reason)) return this.#parts.ownStart.disown(reason);
    if (isFinalRefusal(reason)) return this.#parts.end("identity", reason);
    const isStart = clock.monotonicMs() - this.#startedAtMs < SEED_PROOF_MS;
    if (isStart && reason.startsWith(FOREIGN_CLUSTER) && settings.seeds.includes(address)) {
      this.#parts.end("identity", `the seed ${address} is of another cluster than this data folder: ${reason}`);
    }
  }

  lost(address: Address, sent: boolean): void {
    this.#parts.calls.lost(address, sent);
  }

  receive(envelope: Envelope, link: Link): void {
    this.#inbox.receive(envelope, link);
  }

  /** Counts a request in; undefined when it was refused, and then it has its answer. */
  #enter<T>(reply: api.Reply<T>): api.Reply<T> | undefined {
    const refusal = this.#refusal();
    if (refusal === undefined) return this.#inFlight.enter(reply);
    reply(refusal);
    return undefined;
  }

  /** What clients wait for steers what nobody waits for. A request that failed tells how patient its client was, not how busy this node is. */
  #timed<T>(reply: api.Reply<T>): api.Reply<T> {
    const { clock, budget } = this.#parts;
    const startedAtMs = clock.monotonicMs();
    return (outcome) => {
      if (outcome.ok) budget.answered(clock.monotonicMs() - startedAtMs);
      reply(outcome);
    };
  }

  #refusal(): Outcome<never> | undefined {
    if (this.#parts.failed) return fail("storage-failed", "this node's store has failed; ask another node");
    if (this.#stopping || this.#parts.ended) return fail("stopping", "this node is stopping; ask another node");
    return undefined;
  }
}

/** A deadline that a peer or client gave, within what a node waits for anything. */
function bounded(timeoutMs: number): number {
  return Math.min(timeoutMs, limits.requestTimeoutMaxMs);
}
