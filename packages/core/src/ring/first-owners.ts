/** Who comes first: each member is first owner of its fair part of the partitions that it holds, since coordinators prefer the first (Dynamo §5). */
import { PathSearch } from "./path.js";
import type { Worktable } from "./table.js";

/**
 * Swaps first owners with others of the same row until every member is first in a `width`-th of its rows, rounded down or up. No data moves.
 * (Taking each row's owners in equal parts is a fractional solution; so a whole one exists, and the paths find it.)
 */
export function balanceFirstOwners(table: Worktable): void {
  const firsts = new FirstOwners(table);
  while (firsts.shift());
}

class FirstOwners {
  readonly #count: number;
  readonly #rows: number[][];
  readonly #held: Int32Array;
  readonly #least: readonly number[];
  readonly #most: readonly number[];

  constructor(readonly table: Worktable) {
    this.#count = table.members.length;
    this.#held = new Int32Array(this.#count);
    this.#rows = table.members.map(() => []);
    this.#least = Array.from(table.load, (load) => Math.floor(load / table.width));
    this.#most = Array.from(table.load, (load) => Math.ceil(load / table.width));
    for (let row = 0; row < table.partitions; row++) this.#note(row, this.#firstOf(row), 1);
  }

  #firstOf(row: number): number {
    return this.table.seats[row * this.table.width] as number;
  }

  #note(row: number, member: number, change: 1 | -1): void {
    this.#held[member] = (this.#held[member] as number) + change;
    if (change === 1) this.#rows[member]?.push(row);
  }

  /** Makes one member first once less, another once more. False when all have their fair part. */
  shift(): boolean {
    const members = Array.from(this.#least.keys());
    const over = members.filter((m) => (this.#held[m] as number) > (this.#most[m] as number));
    const under = members.filter((m) => (this.#held[m] as number) < (this.#least[m] as number));
    if (over.length === 0 && under.length === 0) return false;
    const sources =
      over.length > 0 ? over : members.filter((m) => (this.#held[m] as number) > (this.#least[m] as number));
    const limits = over.length > 0 ? this.#most : this.#least;
    const isSink = (m: number): boolean => (this.#held[m] as number) < (limits[m] as number);
    const path = new PathSearch(this.#count).find(sources, isSink, (giver, search) => this.#offerSteps(giver, search));
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
      if (search.unreached === 0) return;
      if (this.#firstOf(row) !== giver) continue;
      for (let seat = row * width + 1; seat < (row + 1) * width; seat++) {
        search.offer({ giver, taker: seats[seat] as number, row }, 1);
      }
    }
  }
}
