/** The membership events this node knows, as a set that only grows, and the ring they fold into (Dynamo §4.8.1; TRAPS 21, 23). */
import type { Stamp } from "../base/hlc.js";
import type { Primitives } from "../base/primitives.js";
import { membershipEventId, type MembershipEvent } from "../ring/membership-log.js";
import { foldRing, type Ring, type RingConfig } from "../ring/ring.js";
import { decodeMemberFact, memberPrefix } from "./facts.js";
import { refusals } from "./refusals.js";

export class MemberLog {
  readonly #events = new Map<string, MembershipEvent>();
  readonly #revived = new Set<number>();
  #ring: Ring;

  constructor(
    readonly primitives: Primitives,
    readonly config: RingConfig,
  ) {
    this.#ring = foldRing([], config);
  }

  get ring(): Ring {
    return this.#ring;
  }

  /** A planted bug: heartbeats outrank the removal. */
  forgetRemoval(instance: number): void {
    this.#revived.add(instance);
  }

  /** Takes gossiped facts; `stamped` is told the stamp of each. True when the ring is another one now. */
  learn(facts: Iterable<{ readonly value: Uint8Array }>, stamped: (stamp: Stamp) => void): boolean {
    for (const { value } of facts) {
      const event = decodeMemberFact(this.primitives, value);
      if (event === undefined) continue;
      stamped(event.stamp);
      if (event.kind === "removed" && this.#revived.has(event.instance)) {
        this.#events.delete(membershipEventId(event));
        continue;
      }
      this.#events.set(membershipEventId(event), event);
    }
    const ring = foldRing(this.#events.values(), this.config, this.#ring);
    if (ring.version === this.#ring.version) return false;
    this.#ring = ring;
    return true;
  }

  /** Known events that none of these facts tells any more: their author went back behind them (an old copy of its folder). */
  untold(facts: Iterable<{ readonly key: string }>): MembershipEvent[] {
    const told = new Set<string>();
    for (const { key } of facts) told.add(key);
    return [...this.#events.values()].filter((event) => !told.has(memberPrefix + membershipEventId(event)));
  }

  /** Why that instance is no member any more; undefined for one that is, and for one that is not known. */
  refusalOf(name: string, instance: number): string | undefined {
    const member = this.#ring.members.find((each) => each.name === name);
    if (member?.instance === instance) return undefined;
    // One that is not known yet may have joined through another member a moment ago: gossip will tell.
    const isKnown = [...this.#events.values()].some((event) => "instance" in event && event.instance === instance);
    if (!isKnown) return undefined;
    return member === undefined ? refusals.removed(name) : refusals.replaced(name);
  }

  hasLeftByItself(instance: number): boolean {
    return [...this.#events.values()].some(
      (event) => event.kind === "removed" && event.instance === instance && event.by === instance,
    );
  }
}
