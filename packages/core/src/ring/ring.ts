/** The ring: key → partition → preference list, as a pure fold over the membership log (Dynamo §4.2, §4.3, and §6.2's third strategy). */
import { assert } from "../base/assert.js";
import { fallbacksOf } from "./fallbacks.js";
import type { Member } from "./members.js";
import { Members } from "./members.js";
import type { MembershipEvent } from "./membership-log.js";
import { canonicalText, compareEvents, orderEvents } from "./membership-log.js";
import { rebalance } from "./rebalance.js";
import type { Table } from "./table.js";
import { EMPTY_TABLE, hashText } from "./table.js";

/** What is fixed when a cluster is founded. */
export interface RingConfig {
  /** Q: a power of two from 64 to 65,536. */
  readonly partitions: number;
  /** N: how many members own each partition, when there are as many. */
  readonly replicas: number;
}

export const PARTITIONS_MIN = 64;
export const PARTITIONS_MAX = 65_536;
export const PARTITIONS_DEFAULT = 256;
export const REPLICAS_DEFAULT = 3;

/** How many partitions' fallbacks a ring remembers. */
const FALLBACKS_KEPT_MAX = 1024;

/** The target ring of one membership log. Immutable; equal logs give equal rings. */
export class Ring {
  /** Names the log (and Q and N): equal versions, equal rings. Text without blanks, for messages and people to compare. */
  readonly version: string;
  /** All members by name, the leaving ones included. */
  readonly members: readonly Member[];
  readonly #owners: (readonly string[] | undefined)[];
  readonly #fallbacks = new Map<number, readonly string[]>();

  /** Use {@link foldRing}. */
  constructor(
    readonly config: RingConfig,
    /** The log in the order of the fold. */
    readonly events: readonly MembershipEvent[],
    /** The state of the fold behind the last event. */
    readonly state: { readonly members: Members; readonly table: Table },
  ) {
    this.version = versionOf(config, events);
    this.members = state.members.list;
    this.#owners = Array.from({ length: config.partitions }, () => undefined);
  }

  get partitions(): number {
    return this.config.partitions;
  }

  get replicas(): number {
    return this.config.replicas;
  }

  /** The owners of a partition in order: min(N, members placed) distinct names. Empty while there is no member. */
  owners(partition: number): readonly string[] {
    const known = this.#owners[partition];
    if (known !== undefined) return known;
    assert(partition >= 0 && partition < this.partitions, "a partition of this ring");
    const { members, width, seats } = this.state.table;
    const numbers = seats.subarray(partition * width, (partition + 1) * width);
    const owners = Array.from(numbers, (number) => members[number]?.name as string);
    this.#owners[partition] = owners;
    return owners;
  }

  /** All other members, in the order in which they stand in for owners. */
  fallbacks(partition: number): readonly string[] {
    const known = this.#fallbacks.get(partition);
    if (known !== undefined) return known;
    const fallbacks = fallbacksOf(partition, this.owners(partition), this.members);
    if (this.#fallbacks.size >= FALLBACKS_KEPT_MAX) this.#fallbacks.clear();
    this.#fallbacks.set(partition, fallbacks);
    return fallbacks;
  }

  /** The N members that a key of this partition is stored on, the paper's preference list without its stand-ins. */
  preferenceList(partition: number): readonly string[] {
    return this.owners(partition);
  }

  /** The member's share of all replica places, from 0 to 1. A name that has none, or is no member, has 0. */
  ownership(name: string): number {
    const { members, seats } = this.state.table;
    const number = members.findIndex((member) => member.name === name);
    if (number < 0) return 0;
    return seats.reduce((held, seat) => held + Number(seat === number), 0) / seats.length;
  }
}

/**
 * The ring of a log. Any order and any repetition of the events gives the same ring. `previous`, a ring of the same cluster, makes it cheap
 * when the new events come behind its own, and never changes the outcome.
 */
export function foldRing(events: Iterable<MembershipEvent>, config: RingConfig, previous?: Ring): Ring {
  const { partitions, replicas } = config;
  assert(partitions >= PARTITIONS_MIN && partitions <= PARTITIONS_MAX, "Q is from 64 to 65,536");
  assert(Number.isInteger(Math.log2(partitions)), "Q is a power of two");
  assert(Number.isInteger(replicas) && replicas >= 1, "N is a whole number from 1");
  const ordered = orderEvents(events);
  const start = previous !== undefined && continues(previous, ordered, config) ? previous : undefined;
  let members = start?.state.members ?? new Members();
  let table = start?.state.table ?? EMPTY_TABLE;
  for (const event of ordered.slice(start?.events.length ?? 0)) {
    const after = members.after(event);
    if (changesPlaces(members, after)) table = rebalance(table, after.placed, partitions, replicas);
    members = after;
  }
  return new Ring({ partitions, replicas }, ordered, { members, table });
}

function continues(previous: Ring, ordered: readonly MembershipEvent[], config: RingConfig): boolean {
  if (previous.partitions !== config.partitions || previous.replicas !== config.replicas) return false;
  if (previous.events.length > ordered.length) return false;
  return previous.events.every((event, i) => compareEvents(event, ordered[i] as MembershipEvent) === 0);
}

/** Whether who is placed, where, or how heavily, is another after an event than before. */
function changesPlaces(before: Members, after: Members): boolean {
  if (before === after) return false;
  const text = (members: Members): string =>
    JSON.stringify(members.placed.map(({ name, zone, weight }) => [name, zone, weight]));
  return text(before) !== text(after);
}

/** How many events, the last one's stamp, and a digest of all: short, and different for different logs. */
function versionOf(config: RingConfig, events: readonly MembershipEvent[]): string {
  let low = config.partitions;
  let high = config.replicas;
  for (const event of events) {
    const text = canonicalText(event);
    low = hashText(text, low);
    high = hashText(text, high ^ 0x9e3779b9);
  }
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
  return `${hex(events.length, 1)}-${hex(events.at(-1)?.stamp ?? 0, 1)}-${hex(high, 8)}${hex(low, 8)}`;
}
