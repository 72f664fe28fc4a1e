/** Even loads: moving places until every member holds close to its ideal, with as few moves as possible (Dynamo §6.2, strategy 3). */
import { PathSearch, highest } from "./path.js";
import type { Worktable } from "./table.js";
import { fairLeast, fairMost } from "./targets.js";

/**
 * Brings every member's places to one of the whole numbers around its ideal.
 *
 * `reseated`: rows have changed already. Such a row changes again for nothing, and only the search sees that. Without any, every move costs
 * the same, and the first that fits will do.
 */
export function balanceLoads(table: Worktable, reseated: boolean): void {
  const balance = new Balance(table);
  if (!reseated) balance.moveDirectly();
  balance.moveAlongPaths();
}

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

  readonly #mayGive = (member: number): boolean =>
    (this.table.load[member] as number) > (this.#least[member] as number);
  readonly #mayTake = (member: number): boolean => (this.table.load[member] as number) < (this.#most[member] as number);
  readonly #mustGive = (member: number): boolean =>
    (this.table.load[member] as number) > (this.#most[member] as number);
  readonly #mustTake = (member: number): boolean =>
    (this.table.load[member] as number) < (this.#least[member] as number);

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

  /** `progress`: how many rows of each giver have been looked at; -1 when none is left. A row that was unfit stays so. */
  #takeOne(taker: number, progress: Int32Array): boolean {
    const isOpen = (m: number): boolean => m !== taker && this.#mayGive(m) && (progress[m] as number) >= 0;
    for (;;) {
      const giver = highest(this.#count, (m) => (isOpen(m) ? this.#excess(m) : -Infinity));
      if (giver === undefined) return false;
      progress[giver] = this.#moveOne(giver, taker, progress[giver] as number);
      if ((progress[giver] as number) > 0) return true;
    }
  }

  /** `progress`: how many rows of the giver have been looked at for each taker; -1 when none is left. */
  #giveOne(giver: number, progress: Int32Array): boolean {
    const isOpen = (m: number): boolean => m !== giver && this.#mayTake(m) && (progress[m] as number) >= 0;
    for (;;) {
      const taker = highest(this.#count, (m) => (isOpen(m) ? -this.#excess(m) : -Infinity));
      if (taker === undefined) return false;
      progress[taker] = this.#moveOne(giver, taker, progress[taker] as number);
      if ((progress[taker] as number) > 0) return true;
    }
  }

  /** Moves the first of the giver's rows, from the `from`-th on, that the taker may have. Returns where to go on; -1 when there is none. */
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

  /** Moves places along chains of members, cheapest first; at best one shift helps both of its ends. */
  moveAlongPaths(): void {
    while (this.#shift(this.#mustGive, this.#mustTake));
    while (this.#shift(this.#mustGive, this.#mayTake));
    while (this.#shift(this.#mayGive, this.#mustTake));
  }

  /** Makes one member lighter and one heavier by a place. False when there are no two such, or no path between them. */
  #shift(isSource: (m: number) => boolean, isSink: (m: number) => boolean): boolean {
    const members = Array.from(this.#least.keys());
    if (!members.some(isSink)) return false;
    const sources = members.filter(isSource);
    if (sources.length === 0) return false;
    sources.sort((a, b) => this.#excess(b) - this.#excess(a) || a - b);
    const search = new PathSearch(this.#count, 0);
    const path = search.find(sources, isSink, (giver) => this.#offerSteps(giver, search));
    for (const { giver, taker, row } of path ?? []) this.table.seat(this.table.seatOf(row, giver), taker);
    return path !== undefined;
  }

  /** Offers all members that could take one of the giver's places, row by row. */
  #offerSteps(giver: number, search: PathSearch): void {
    const { table } = this;
    const { zoneOf, zones } = table.targets;
    const giverZone = zoneOf[giver] as number;
    for (const row of table.rowsOf[giver] as readonly number[]) {
      if (search.isDone) return;
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
        const isFree = giverIsNew || (!untouched && table.ownedBefore(row, taker));
        if (fits) search.offer({ giver, taker, row }, isFree ? 0 : 1);
      }
    }
  }
}
