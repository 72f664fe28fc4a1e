/** Who comes first: each member is first owner of its fair part of the partitions, since coordinators prefer the first (Dynamo §5). */
import { PathSearch } from "./path.js";
import type { Worktable } from "./table.js";
import { fairLeast, fairMost } from "./targets.js";

/**
 * Swaps first owners with others of the same row until every member is first in a `width`-th of its ideal places, rounded down or up. No data
 * moves. It can always be done: a `width`-th of a load that is a whole number beside the ideal lies between these bounds, and taking each
 * row's owners in equal parts is a fractional solution; so there is a whole one, and the paths find it.
 */
export function balanceFirstOwners(table: Worktable): void {
  const firsts = new FirstOwners(table);
  while (firsts.relieve());
  while (firsts.provide());
}

class FirstOwners {
  readonly #count: number;
  /** By member, the rows where it is first, and stale ones. */
  readonly #rows: number[][];
  readonly #held: Int32Array;
  readonly #least: readonly number[];
  readonly #most: readonly number[];

  constructor(readonly table: Worktable) {
    const { ideal } = table.targets;
    this.#count = table.members.length;
    this.#held = new Int32Array(this.#count);
    this.#rows = table.members.map(() => []);
    this.#least = ideal.map((places) => fairLeast(places / table.width));
    this.#most = ideal.map((places) => fairMost(places / table.width));
    for (let row = 0; row < table.partitions; row++) this.#note(row, this.#firstOf(row), 1);
  }

  #firstOf(row: number): number {
    return this.table.seats[row * this.table.width] as number;
  }

  #note(row: number, member: number, change: 1 | -1): void {
    this.#held[member] = (this.#held[member] as number) + change;
    if (change === 1) this.#rows[member]?.push(row);
  }

  readonly #isBelow = (limits: readonly number[]) => (m: number) => (this.#held[m] as number) < (limits[m] as number);
  readonly #isAbove = (limits: readonly number[]) => (m: number) => (this.#held[m] as number) > (limits[m] as number);

  /** Takes one first place from a member that has too many. False when there is none, or no way. */
  relieve(): boolean {
    return this.#shift(this.#isAbove(this.#most), this.#isBelow(this.#most));
  }

  /** Gives one first place to a member that has too few. False when there is none, or no way. */
  provide(): boolean {
    return this.#shift(this.#isAbove(this.#least), this.#isBelow(this.#least));
  }

  #shift(isSource: (m: number) => boolean, isSink: (m: number) => boolean): boolean {
    const members = Array.from(this.#least.keys());
    if (!members.some(isSink)) return false;
    const search = new PathSearch(this.#count, 1);
    const path = search.find(members.filter(isSource), isSink, (giver) => this.#offerSteps(giver, search));
    for (const { row, giver, taker } of path ?? []) {
      const { seats, width } = this.table;
      seats[this.table.seatOf(row, taker)] = giver;
      seats[row * width] = taker;
      this.#note(row, giver, -1);
      this.#note(row, taker, 1);
    }
    return path !== undefined;
  }

  #offerSteps(giver: number, search: PathSearch): void {
    const { seats, width } = this.table;
    for (const row of this.#rows[giver] as readonly number[]) {
      if (search.isDone || search.unreached === 0) return;
      if (this.#firstOf(row) !== giver) continue;
      for (let seat = row * width + 1; seat < (row + 1) * width; seat++) {
        search.offer({ giver, taker: seats[seat] as number, row }, 1);
      }
    }
  }
}
