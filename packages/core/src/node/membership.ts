/**
 * What a node knows of the others by gossip: who they are (the roster), how alive each seems from here, and what each says of itself (Dynamo §4.8).
 * Joins are explicit acts that any member writes down; they travel as facts, and every node folds them into the same ring.
 */
import type { HybridClock } from "../base/hlc.js";
import type { Primitives } from "../base/primitives.js";
import type { Rng } from "../base/rng.js";
import type { StartMark } from "../wire/reap-messages.js";
import type { Received } from "../gossip/state.js";
import type { Clock } from "../ports/clock.js";
import type { Address, Link } from "../ports/network.js";
import type { Ring } from "../ring/ring.js";
import type { Hello } from "../wire/messages.js";
import type { MemberStatus } from "./api.js";
import type { Calls } from "./calls.js";
import { ClockWatch } from "./clock-watch.js";
import { DiskReport } from "./disk-report.js";
import { DebtReport, type Owed } from "./debt-report.js";
import { encodeSnapshots, type FactStore } from "./fact-store.js";
import * as facts from "./facts.js";
import { GossipRounds } from "./gossip-rounds.js";
import { greetFormer } from "./former-address.js";
import type { Identity } from "./identity.js";
import { LifeSigns } from "./life-signs.js";
import type { MemberHealth } from "./member-health.js";
import { refusals } from "./refusals.js";
import { RingWords } from "./ring-words.js";
import { Roster } from "./roster.js";
import type { Plant } from "./plants.js";
import type { NodeSettings, Whereabouts } from "./settings.js";

export interface MembershipOptions {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly hlc: HybridClock;
  readonly rng: Rng;
  readonly identity: Identity;
  readonly settings: NodeSettings;
  readonly facts: FactStore;
  readonly calls: Calls;
  readonly onRing: (ring: Ring) => void;
  /** A member says how a bucket is configured, or says nothing of it any more. */
  readonly onBucket: (key: string, value: Uint8Array | undefined, by: number) => void;
  /** What this node owes to others now. */
  readonly owed: () => Owed;
  /** Milliseconds for which this node's disk has stood still; 0 while it moves or nothing waits for it. */
  readonly diskStalledMs: () => number;
  /** A member says how its records of owners look. */
  readonly onOwners: (name: string, digest: bigint) => void;
  readonly plants: ReadonlySet<Plant>;
  /** Another process speaks with this node's instance id: this one must stop. */
  readonly onRival: () => void;
  /** The start that this node is in, after those before it that nobody has proven. */
  readonly starts: readonly StartMark[];
  /** A round of gossip begins. */
  readonly onRound: () => void;
  /** A round came so much later than it was due: this process stood still. */
  readonly onLate: (lateMs: number) => void;
}

export class Membership {
  readonly roster: Roster;
  readonly #options: MembershipOptions;
  readonly #life: LifeSigns;
  readonly #words: RingWords;
  readonly #clocks: ClockWatch;
  readonly #debts: DebtReport;
  readonly #disks: DiskReport;
  readonly #rounds: GossipRounds;
  #clockIsOff = false;
  #started = false;
  #ownAddress: Address = "";

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.roster = new Roster({ ...options, onRing: (ring) => this.#ringChanged(ring) });
    this.#clocks = new ClockWatch(options.clock);
    this.#debts = new DebtReport(options.clock);
    this.#disks = new DiskReport(options.primitives, options.clock);
    this.#life = new LifeSigns({
      ...{ self: this.self, clock: options.clock, disks: this.#disks, diskStalledMs: options.diskStalledMs },
      gossipIntervalMs: options.settings.gossipIntervalMs,
      hasAddress: (instance) => this.roster.addressOfInstance(instance) !== undefined,
    });
    this.#words = new RingWords({
      ...{
        self: this.self,
        facts: options.facts,
        members: () => this.roster.members(),
        version: () => this.roster.ring.version,
      },
      seemsDown: (member) => this.#life.seems(member) === "down",
    });
    const { primitives, clock, rng, calls, facts: store, settings } = options;
    this.#rounds = new GossipRounds({
      ...{ primitives, clock, rng, calls, facts: store, intervalMs: settings.gossipIntervalMs },
      peers: () => this.#peers(),
      onRound: (now, lateMs) => this.#atRound(now, lateMs),
    });
    this.roster.understand();
  }

  get gossipBytesSent(): number {
    return this.#rounds.bytesSent;
  }

  get self(): string {
    return this.#options.identity.name;
  }

  /** Starts the rounds, and says where this node is reached. */
  start(whereabouts: Whereabouts): void {
    const { primitives, facts: store, identity, clock, calls } = this.#options;
    const former = this.roster.addressOfInstance(identity.instance)?.address;
    this.#started = true;
    this.#ownAddress = whereabouts.address;
    const { starts } = this.#options;
    const value = facts.encodeAddressFact(primitives, { name: this.self, ...whereabouts, starts });
    // Not needed on this disk: every start says it anew.
    store.publish(facts.addressKey, value, (error) => {
      if (error !== undefined) store.say(facts.addressKey, value);
      this.roster.understand();
    });
    this.#life.expect(this.roster.members());
    this.#words.say();
    // What others said before this start is no news to gossip, but what this node goes by may be less than it was (a damaged record).
    for (const { instance } of this.roster.members()) if (instance !== identity.instance) this.#heardRing(instance);
    if (former === undefined || former === whereabouts.address) return this.#rounds.begin();
    greetFormer(calls, clock, { instance: identity.instance, address: former }, () => this.#rounds.begin());
  }

  stop(): void {
    this.#rounds.stop();
  }

  /** How a member seems from here. */
  status(name: string): MemberStatus {
    const member = this.roster.member(name);
    return member === undefined ? "down" : this.#life.status(member);
  }

  /** How a member seems from here, whether it is leaving or not. */
  seemsOf(name: string): MemberStatus {
    const member = this.roster.member(name);
    return member === undefined ? "down" : this.#life.seems(member);
  }

  seemsAlive(name: string): boolean {
    return this.seemsOf(name) === "up";
  }

  /** The status with its reasons, for people. */
  health(name: string): MemberHealth {
    return this.#life.health(this.roster.member(name));
  }

  /** How this node's records of owners look and how much it still has to do for them: told to the others, for `settled`. */
  sayOwners(state: Omit<facts.RingState, "version">): void {
    if (this.#words.sayOwners(state)) this.spread();
  }

  /** All members that can be reached have heard of the log as this node knows it. */
  allKnowRing(): boolean {
    return this.#words.allKnow();
  }

  /** At least one other member has. */
  someKnowRing(): boolean {
    return this.#words.someKnow();
  }

  /** True when all members that can be reached go by the same ring and records, and no partition is on its way or in doubt anywhere. */
  settled(): boolean {
    return this.#words.settled();
  }

  /** Reconciles with all peers now: there is news that somebody waits for. */
  spread(): void {
    this.#rounds.spread();
  }

  /** What a member said last that it owes; undefined while it said nothing since it was started. */
  debtsOf(name: string): facts.Debts | undefined {
    const member = this.roster.member(name);
    const said = member && this.#options.facts.gossip.get(member.instance, facts.debtsKey);
    return said && facts.decodeDebts(this.#options.primitives, said);
  }

  /** Whether a greeting may become a connection: members by their current instance, joiners and clients as they come. */
  admit(hello: Hello): string | undefined {
    if (hello.role !== "member" || this.#options.plants.has("gossip-resurrects")) return undefined;
    if (hello.instance === this.#options.identity.instance) {
      return refusals.copied(hello.name);
    }
    return this.roster.refusalOf(hello.name, hello.instance);
  }

  /** Whether most of the members that live disagree with this node's wall clock: looked at once a round. */
  get clockIsOff(): boolean {
    return this.#clockIsOff;
  }

  /** Takes one gossip message and answers on its link. */
  receive(payload: Uint8Array, link: Link): void {
    this.#rounds.receive(payload, link, (received) => this.#act(received));
  }

  /** Everything known, for a joiner. */
  encodeKnown(): Uint8Array {
    return encodeSnapshots(this.#options.primitives, this.#options.facts.snapshots());
  }

  #act(received: Received): void {
    this.#life.heard(received.heard);
    if (received.rival) this.#options.onRival();
    if (this.#options.plants.has("gossip-resurrects")) this.roster.resurrect(received.heard);
    let isAboutMembers = false;
    for (const { instance, key, value } of received.changes) {
      if (key.startsWith(facts.memberPrefix) || key === facts.addressKey) isAboutMembers = true;
      else if (key.startsWith(facts.bucketPrefix)) this.#options.onBucket(key, value, instance);
      else if (value === undefined) continue;
      else if (key === facts.clockKey) this.#heardClock(instance, value);
      else if (key === facts.diskKey) this.#disks.heard(instance, value);
      else if (key === facts.ringStateKey) this.#heardRing(instance);
    }
    if (isAboutMembers) this.roster.understand();
  }

  #heardRing(instance: number): void {
    const state = this.#words.of(instance);
    const member = this.roster.members().find((each) => each.instance === instance);
    if (state !== undefined && member !== undefined) this.#options.onOwners(member.name, state.owners);
  }

  #heardClock(instance: number, value: Uint8Array): void {
    const wallMs = facts.decodeClock(this.#options.primitives, value);
    if (wallMs !== undefined) this.#clocks.heard(instance, wallMs);
  }

  #ringChanged(ring: Ring): void {
    this.#life.expect(ring.members);
    this.#words.say();
    this.spread();
    // Before the start nobody listens: the node takes the ring as it then is.
    if (this.#started) this.#options.onRing(ring);
  }

  *#liveOthers(): Iterable<number> {
    for (const { name, instance } of this.roster.members()) {
      if (name !== this.self && this.status(name) === "up") yield instance;
    }
  }

  #atRound(now: number, lateMs: number): void {
    this.#life.wasLate(lateMs);
    this.#options.onLate(lateMs);
    this.#options.onRound();
    this.#clockIsOff = this.#clocks.isOff(this.#liveOthers());
    const { primitives, facts: store } = this.#options;
    const debts = this.#debts.toSay(this.#options.owed());
    if (debts !== undefined) store.say(facts.debtsKey, facts.encodeDebts(primitives, debts));
    const disk = this.#disks.toSay(this.#options.diskStalledMs());
    if (disk !== undefined) store.say(facts.diskKey, disk);
    const wallMs = this.#clocks.toSay(now);
    if (wallMs !== undefined) store.say(facts.clockKey, facts.encodeClock(primitives, wallMs));
  }

  #peers(): { live: Address[]; down: Address[]; seeds: Address[] } {
    const live: Address[] = [];
    const down: Address[] = [];
    for (const member of this.roster.members()) {
      const address = this.roster.addressOfInstance(member.instance)?.address;
      if (member.name === this.self || address === undefined) continue;
      (this.status(member.name) === "down" ? down : live).push(address);
    }
    return { live, down, seeds: this.#options.settings.seeds.filter((seed) => seed !== this.#ownAddress) };
  }
}
