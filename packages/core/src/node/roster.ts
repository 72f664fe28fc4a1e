/**
 * Who is a member, as which instance and where, and so the ring (Dynamo §4.8.1): read from the gossiped facts. The facts about members only grow
 * in number, so that every node that knows the same ones has the same ring.
 */
import type { HybridClock, Stamp } from "../base/hlc.js";
import type { Primitives } from "../base/primitives.js";
import type { Clock } from "../ports/clock.js";
import type { Member } from "../ring/members.js";
import { membershipEventId, type MembershipEvent } from "../ring/membership-log.js";
import type { Ring } from "../ring/ring.js";
import type { StartMark, StartWord } from "../wire/reap-messages.js";
import type { Callee } from "./calls.js";
import type { FactStore } from "./fact-store.js";
import * as facts from "./facts.js";
import type { Identity } from "./identity.js";
import { KnownStarts } from "./known-starts.js";
import { MemberLog } from "./member-log.js";

export interface RosterOptions {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly hlc: HybridClock;
  readonly identity: Identity;
  readonly facts: FactStore;
  /** The facts give another ring now. */
  readonly onRing: (ring: Ring) => void;
}

export class Roster {
  readonly #options: RosterOptions;
  readonly #log: MemberLog;
  readonly #starts: KnownStarts;
  #members = new Map<string, Member>();
  #names = new Map<number, string>();
  readonly #addresses = new Map<number, facts.AddressFact>();
  /** Events that are on their way to this node's disk as its own. */
  readonly #retelling = new Set<string>();

  constructor(options: RosterOptions) {
    this.#options = options;
    const { partitions, replicas } = options.identity;
    this.#log = new MemberLog(options.primitives, { partitions, replicas });
    this.#starts = new KnownStarts((instance) => options.facts.gossip.bootOf(instance));
  }

  get ring(): Ring {
    return this.#log.ring;
  }

  isMember(name: string): boolean {
    return this.#members.has(name);
  }

  members(): readonly Member[] {
    return this.ring.members;
  }

  member(name: string): Member | undefined {
    return this.#members.get(name);
  }

  /** The instance that has the name now. */
  instanceOf(name: string): number | undefined {
    return this.#members.get(name)?.instance;
  }

  /** The member that is this instance now. */
  nameOf(instance: number): string | undefined {
    return this.#names.get(instance);
  }

  /** How often the member was started, as far as that is known here. */
  bootOf(name: string): number | undefined {
    const member = this.#members.get(name);
    return member && this.#options.facts.gossip.bootOf(member.instance);
  }

  addressOf(name: string): facts.AddressFact | undefined {
    const member = this.#members.get(name);
    return member && this.addressOfInstance(member.instance);
  }

  /** Where the instance said last that it is reached, be it a member now or not. */
  addressOfInstance(instance: number): facts.AddressFact | undefined {
    return this.#addresses.get(instance);
  }

  /** Whom to ask for what a member is responsible for; undefined while its address is not known. */
  callee(name: string): Callee | undefined {
    const member = this.#members.get(name);
    const address = member && this.addressOfInstance(member.instance)?.address;
    return address === undefined ? undefined : { instance: (member as Member).instance, address };
  }

  /** What this member knows of an instance's starts, against what that one says. */
  judgeStart({ instance, starts }: { readonly instance: number; readonly starts: readonly StartMark[] }): StartWord {
    return this.#starts.judge(instance, starts);
  }

  /** Why that instance is no member any more; undefined for one that is, and for one that is not known. */
  refusalOf(name: string, instance: number): string | undefined {
    return this.#log.refusalOf(name, instance);
  }

  /** Whether that instance's removal is of its own hand: it left. */
  hasLeftByItself(instance: number): boolean {
    return this.#log.hasLeftByItself(instance);
  }

  /** Writes a membership event; `done` gets false when it could not be kept. */
  record(event: MembershipEvent, done: (kept: boolean) => void): void {
    const { primitives, facts: store } = this.#options;
    const key = facts.memberPrefix + membershipEventId(event);
    store.publish(key, facts.encodeMemberFact(primitives, event), (error) => {
      if (error === undefined) this.understand();
      done(error === undefined);
    });
  }

  /** Reads the facts anew: few and seldom, so nothing here is incremental but the fold itself. */
  understand(): void {
    const { primitives, facts: store, hlc, clock } = this.#options;
    for (const { instance, value } of store.entries(facts.addressKey)) {
      const address = facts.decodeAddressFact(primitives, value);
      if (address === undefined) continue;
      this.#addresses.set(instance, address);
      this.#starts.heard(instance, address.starts);
    }
    const stamped = (stamp: Stamp): void => void hlc.observe(clock.wallMs(), stamp);
    const told = store.entries(facts.memberPrefix);
    const isAnother = this.#log.learn(told, stamped);
    for (const event of this.#log.untold(told)) this.#retell(event);
    if (!isAnother) return;
    const { ring } = this;
    this.#members = new Map(ring.members.map((member) => [member.name, member]));
    this.#names = new Map(ring.members.map(({ name, instance }) => [instance, name]));
    this.#options.onRing(ring);
  }

  /** A planted bug: whoever lives is a member, whatever was said of it. */
  resurrect(instances: readonly number[]): void {
    for (const instance of instances) this.#log.forgetRemoval(instance);
    this.understand();
  }

  /** What is known here and nowhere else to be heard would be unknown to members that come, and to this one after its next start. */
  #retell(event: MembershipEvent): void {
    const id = membershipEventId(event);
    if (this.#retelling.has(id)) return;
    this.#retelling.add(id);
    this.record(event, () => void this.#retelling.delete(id));
  }
}
