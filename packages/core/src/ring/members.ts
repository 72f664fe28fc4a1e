/** Who is a member: the fold of the membership log into names, instances, zones and weights (Dynamo §4.8.1). */
import { assert, unreachable } from "../base/assert.js";
import type { MembershipEvent } from "./membership-log.js";
import { compareTexts, orderEvents } from "./membership-log.js";

export interface Member {
  readonly name: string;
  /** The process and data folder that answer to the name today, 48 bits. */
  readonly instance: number;
  readonly zone: string;
  readonly weight: number;
  /** Asked to go: it has no place in the target ring, and counts as a member until it is removed. */
  readonly leaving: boolean;
}

/** The members after some prefix of the ordered log. Immutable: `after` gives the next one; a new one is empty. */
export class Members {
  constructor(
    readonly byName: ReadonlyMap<string, Member> = new Map(),
    /** Instances that were removed or replaced. They are never taken back, whatever their events' order. */
    readonly retired: ReadonlySet<number> = new Set(),
  ) {}

  /** All members by name. */
  get list(): readonly Member[] {
    return [...this.byName.values()].sort((a, b) => compareTexts(a.name, b.name));
  }

  /**
   * Those that the target ring places data on, by name: all that are not leaving. Should everyone be leaving, everyone stays: a departure
   * needs somebody to depart to.
   */
  get placed(): readonly Member[] {
    const all = this.list;
    const staying = all.filter((member) => !member.leaving);
    return staying.length > 0 ? staying : all;
  }

  /** The members after one more event. An event that does not apply gives `this`. */
  after(event: MembershipEvent): Members {
    const known = this.byName.get(event.name);
    switch (event.kind) {
      case "joined": {
        if (known !== undefined || this.retired.has(event.instance)) return this;
        const { name, instance, zone, weight } = event;
        return this.#with({ name, instance, zone, weight, leaving: false });
      }
      case "replaced":
        if (known === undefined || known.instance === event.instance || this.retired.has(event.instance)) return this;
        return this.#with({ ...known, instance: event.instance }, known.instance);
      case "leaving":
        return known === undefined || known.leaving ? this : this.#with({ ...known, leaving: true });
      case "removed":
        return this.#without(event.name, event.instance);
      case "changed":
        return known === undefined ? this : this.#with({ ...known, zone: event.zone, weight: event.weight });
      default:
        return unreachable(event);
    }
  }

  #with(member: Member, retired?: number): Members {
    assert(Number.isSafeInteger(member.weight) && member.weight >= 1, "a member's weight is a whole number from 1");
    const byName = new Map(this.byName).set(member.name, member);
    return new Members(byName, retired === undefined ? this.retired : new Set(this.retired).add(retired));
  }

  #without(name: string, instance: number): Members {
    const retired = new Set(this.retired).add(instance);
    // A removal of a superseded instance takes nothing from the name's present one.
    if (this.byName.get(name)?.instance !== instance) return new Members(this.byName, retired);
    const byName = new Map(this.byName);
    byName.delete(name);
    return new Members(byName, retired);
  }
}

/** The members that a log describes, by name. Any order of the events, and any repetition, gives the same list. */
export function foldMembers(events: Iterable<MembershipEvent>): readonly Member[] {
  return orderEvents(events).reduce((members, event) => members.after(event), new Members()).list;
}
