/** Random histories of a cluster, and what one step of a ring's fold did, for the ring's tests. */
import fc from "fast-check";
import type { Stamp } from "../../src/base/hlc.js";
import type { MembershipEvent } from "../../src/ring/membership-log.js";
import { foldMembers } from "../../src/ring/members.js";
import type { Ring, RingConfig } from "../../src/ring/ring.js";
import { foldRing } from "../../src/ring/ring.js";
import type { Targets } from "../../src/ring/targets.js";
import { targetsOf } from "../../src/ring/targets.js";

/** An intention of an operator; `pick` chooses among the members there are when it comes. */
export interface Act {
  readonly kind: "join" | "leave" | "remove" | "change" | "replace";
  readonly pick: number;
  readonly zone: number;
  readonly weight: number;
}

export interface WorldOptions {
  readonly zones: number;
  readonly weightMax: number;
  /** Joins before anything else happens. */
  readonly start: number;
  readonly stepsMax: number;
}

export function acts(options: WorldOptions): fc.Arbitrary<readonly Act[]> {
  const act = (...kinds: Act["kind"][]): fc.Arbitrary<Act> =>
    fc.record({
      kind: fc.constantFrom(...kinds),
      pick: fc.nat(1_000_000),
      zone: fc.nat(options.zones - 1),
      weight: fc.integer({ min: 1, max: options.weightMax }),
    });
  return fc
    .tuple(
      fc.array(act("join"), { minLength: options.start, maxLength: options.start }),
      fc.array(act("join", "join", "leave", "remove", "change", "replace"), { maxLength: options.stepsMax }),
    )
    .map(([first, then]) => [...first, ...then]);
}

/** The log that the acts write: one event each, those that nobody is left for excepted. */
export function logOf(history: readonly Act[]): readonly MembershipEvent[] {
  const events: MembershipEvent[] = [];
  history.forEach((act, i) => {
    const stamp = ((i + 1) * 1024) as Stamp;
    const members = foldMembers(events);
    const member = members[act.pick % Math.max(members.length, 1)];
    const authored = { stamp, by: 1 + (act.pick % 5), name: member?.name ?? "" };
    const zone = `z${act.zone}`;
    if (act.kind === "join") {
      events.push({ ...authored, kind: "joined", name: `n${i}`, instance: i, zone, weight: act.weight });
    } else if (member === undefined) return;
    else if (act.kind === "leave") events.push({ ...authored, kind: "leaving" });
    else if (act.kind === "remove") events.push({ ...authored, kind: "removed", instance: member.instance });
    else if (act.kind === "replace") events.push({ ...authored, kind: "replaced", instance: i });
    else
      events.push({ ...authored, kind: "changed", zone: act.pick % 3 === 0 ? zone : member.zone, weight: act.weight });
  });
  return events;
}

/** What one event did to the ring. */
export interface Step {
  readonly event: MembershipEvent;
  readonly ring: Ring;
  readonly targets: Targets;
  /** The names that places are on, in the order of the targets' numbers. */
  readonly names: readonly string[];
  /** By number: places held, and partitions where first. */
  readonly loads: readonly number[];
  readonly firsts: readonly number[];
  /** Owners before the event, by number, the departed left out. */
  readonly before: readonly (readonly number[])[];
  /** Places that are with a member that did not have them before. */
  readonly moved: number;
  /** Partitions with another first owner, though both owned it before and do now. */
  readonly reordered: number;
}

/** Folds a log event by event and shows each step to `check`. */
export function eachStep(events: readonly MembershipEvent[], config: RingConfig, check: (step: Step) => void): void {
  let previous: Ring | undefined;
  events.forEach((event, i) => {
    const ring = foldRing(events.slice(0, i + 1), config, previous);
    check(stepOf(event, ring, previous));
    previous = ring;
  });
}

function stepOf(event: MembershipEvent, ring: Ring, previous: Ring | undefined): Step {
  const members = ring.state.table.members;
  const names = members.map((member) => member.name);
  const numbers = new Map(names.map((name, number) => [name, number]));
  const loads = names.map(() => 0);
  const firsts = names.map(() => 0);
  const before: (readonly number[])[] = [];
  let moved = 0;
  let reordered = 0;
  for (let partition = 0; partition < ring.partitions; partition++) {
    const owners = ring.owners(partition).map((name) => numbers.get(name) as number);
    const old = (previous?.owners(partition) ?? []).map((name) => numbers.get(name));
    const first = owners[0] as number;
    before.push(old.filter((owner) => owner !== undefined));
    moved += owners.filter((owner) => !old.includes(owner)).length;
    if (first !== old[0] && old.includes(first) && owners.includes(old[0] ?? -1)) reordered++;
    for (const owner of owners) loads[owner] = (loads[owner] as number) + 1;
    if (first !== undefined) firsts[first] = (firsts[first] as number) + 1;
  }
  return {
    event,
    ring,
    targets: targetsOf(members, ring.partitions, ring.replicas),
    names,
    loads,
    firsts,
    before,
    moved,
    reordered,
  };
}
