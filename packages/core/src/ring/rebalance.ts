/** One step of the fold: the table for new members, made from the old one by moving as few places as possible (Dynamo §6.2, strategy 3). */
import { assert } from "../base/assert.js";
import { balanceFirstOwners } from "./first-owners.js";
import { PathSearch, highest } from "./path.js";
import { seatEveryRow } from "./seating.js";
import type { Table } from "./table.js";
import { EMPTY_TABLE, VACANT, Worktable } from "./table.js";
import type { Placed } from "./targets.js";
import { fairLeast, fairMost, targetsOf } from "./targets.js";

/**
 * The table of `members` (ordered by name) that follows `before`. Every partition is on distinct members, spread over the zones as evenly as
 * they allow; every member is within one place of its ideal, and first owner of its fair part of what it holds.
 */
export function rebalance(before: Table, members: readonly Placed[], partitions: number, replicas: number): Table {
  if (members.length === 0) return EMPTY_TABLE;
  const table = new Worktable(members, partitions, targetsOf(members, partitions, replicas), before);
  const reseated = seatEveryRow(table);
  const balance = new Balance(table);
  // A row that changed anyway may change again for nothing, and only the search sees that. Without such rows every move costs the same.
  if (!reseated) balance.moveDirectly();
  balance.moveAlongPaths();
  balanceFirstOwners(table);
  assert(!table.seats.includes(VACANT), "every seat of a ring is taken");
  return table.finish();
}

/** Brings each member's places between the whole numbers around its ideal. */
class Balance {
  readonly #count: number;
  readonly #least: readonly number[];
  readonly #most: readonly number[];

  constructor(readonly table: Worktable) {
    this.#count = table.members.length;
    this.#least = table.targets.ideal.map(fairLeast);
    this.#most = table.targets.ideal.map(fairMost);
  }

  #excess(member: number): number {
    return (this.table.load[member] as number) - (this.table.targets.ideal[member] as number);
  }

  #mayGive(member: number): boolean {
    return (this.table.load[member] as number) > (this.#least[member] as number);
  }

  #mayTake(member: number): boolean {
    return (this.table.load[member] as number) < (this.#most[member] as number);
  }

  #mustGive(member: number): boolean {
    return (this.table.load[member] as number) > (this.#most[member] as number);
  }

  #mustTake(member: number): boolean {
    return (this.table.load[member] as number) < (this.#least[member] as number);
  }

  /** Moves places straight from members with too many to members with too few, while one move does it. */
  moveDirectly(): void {
    for (let taker = 0; taker < this.#count; taker++) {
      const progress = new Int32Array(this.#count);
      while (this.#mustTake(taker) && this.#takeOne(taker, progress));
    }
    for (let giver = 0; giver < this.#count; giver++) {
      const progress = new Int32Array(this.#count);
      while (this.#mustGive(giver) && this.#giveOne(giver, progress));
    }
  }

  /** `progress`: by member, how many of its rows were found unfit for this taker. They stay so while only direct moves are made. */
  #takeOne(taker: number, progress: Int32Array): boolean {
    for (;;) {
      const giver = highest(this.#count, (m) =>
        m !== taker && this.#mayGive(m) && (progress[m] as number) >= 0 ? this.#excess(m) : -Infinity,
      );
      if (giver === undefined) return false;
      progress[giver] = this.#moveOne(giver, taker, progress[giver] as number);
      if ((progress[giver] as number) > 0) return true;
    }
  }

  #giveOne(giver: number, progress: Int32Array): boolean {
    for (;;) {
      const taker = highest(this.#count, (m) =>
        m !== giver && this.#mayTake(m) && (progress[m] as number) >= 0 ? -this.#excess(m) : -Infinity,
      );
      if (taker === undefined) return false;
      progress[taker] = this.#moveOne(giver, taker, progress[taker] as number);
      if ((progress[taker] as number) > 0) return true;
    }
  }

  /** Moves the first of the giver's rows, from the `from`-th on, that the taker may have. Returns where to go on, or -1 when there is none. */
  #moveOne(giver: number, taker: number, from: number): number {
    const { rowsOf, targets } = this.table;
    const rows = rowsOf[giver] as readonly number[];
    for (let i = from; i < rows.length; i++) {
      const row = rows[i] as number;
      const seat = this.table.seatOf(row, giver);
      if (seat < 0 || this.table.seatOf(row, taker) >= 0) continue;
      if (!this.table.mayReplace(row, targets.zoneOf[giver] as number, targets.zoneOf[taker] as number)) continue;
      this.table.seat(seat, taker);
      return i + 1;
    }
    return -1;
  }

  /** Moves places along chains of members, cheapest first, until nobody has too many or too few. */
  moveAlongPaths(): void {
    while (this.#shift());
  }

  #shift(): boolean {
    const members = Array.from(this.#least.keys());
    const givers = members.filter((m) => this.#mustGive(m));
    const hasGivers = givers.length > 0;
    if (!hasGivers && !members.some((m) => this.#mustTake(m))) return false;
    const sources = hasGivers ? givers : members.filter((m) => this.#mayGive(m));
    sources.sort((a, b) => this.#excess(b) - this.#excess(a) || a - b);
    const isSink = (m: number): boolean => (hasGivers ? this.#mayTake(m) : this.#mustTake(m));
    const path = new PathSearch(this.#count).find(sources, isSink, (giver, search) => this.#offerSteps(giver, search));
    for (const { giver, taker, row } of path ?? []) this.table.seat(this.table.seatOf(row, giver), taker);
    return path !== undefined;
  }

  /** All members that could take one of the giver's places, row by row. */
  #offerSteps(giver: number, search: PathSearch): void {
    const { table } = this;
    const { zoneOf, zones } = table.targets;
    const giverZone = zoneOf[giver] as number;
    for (const row of table.rowsOf[giver] as readonly number[]) {
      const untouched = table.touched[row] === 0;
      // In an untouched row all steps cost 1: it has nothing for those that were reached.
      if ((untouched && search.unreached === 0) || table.seatOf(row, giver) < 0) continue;
      const counts = table.countZones(row);
      const giverIsNew = !untouched && !table.ownedBefore(row, giver);
      const mayLeave = (counts[giverZone] as number) > (zones[giverZone]?.least as number);
      for (let taker = 0; taker < this.#count; taker++) {
        if (!search.wants(taker, 0) || table.seatOf(row, taker) >= 0) continue;
        const zone = zoneOf[taker] as number;
        const fits = zone === giverZone || (mayLeave && (counts[zone] as number) < (zones[zone]?.most as number));
        if (fits)
          search.offer({ giver, taker, row }, giverIsNew || (!untouched && table.ownedBefore(row, taker)) ? 0 : 1);
      }
    }
  }
}
