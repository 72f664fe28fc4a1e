/** The table of the ring: for each partition its owners in order, as small numbers; and the worktable on which places are moved. */
import { assert } from "../base/assert.js";
import type { Placed, Targets } from "./targets.js";

/** A seat that nobody holds: while a table is being made, never in a finished one. */
export const VACANT = 0xffff;

/** Which members own which partition. Seat `partition * width + i` holds the number of the i-th owner in `members`. */
export interface Table {
  readonly members: readonly Placed[];
  readonly width: number;
  readonly seats: Uint16Array;
}

export const EMPTY_TABLE: Table = { members: [], width: 0, seats: new Uint16Array(0) };

/**
 * A table under change. It starts as the old one without the departed, and counts what every move costs against it: a place is *moved* when
 * a member gets a partition that it did not own before.
 */
export class Worktable {
  readonly width: number;
  readonly seats: Uint16Array;
  /** 1 for each row that is not as it was before. */
  readonly touched: Uint8Array;
  /** Places held, by member. */
  readonly load: Int32Array;
  /** Partitions that a member may hold: every one that it does, and stale ones. In an order that depends on the members alone. */
  readonly rowsOf: readonly number[][];
  readonly #before: Uint16Array;
  readonly #beforeWidth: number;
  /** Scratch: the number of owners by zone, of the row last counted. */
  readonly #zoneCount: Int32Array;

  constructor(
    readonly members: readonly Placed[],
    readonly partitions: number,
    readonly targets: Targets,
    before: Table,
  ) {
    assert(members.length < VACANT, "members fit 16 bits");
    this.width = targets.width;
    this.seats = new Uint16Array(partitions * this.width).fill(VACANT);
    this.touched = new Uint8Array(partitions);
    this.load = new Int32Array(members.length);
    this.rowsOf = members.map(() => []);
    this.#zoneCount = new Int32Array(targets.zones.length);
    this.#beforeWidth = before.width;
    this.#before = renumber(before, members);
    for (const row of scatteredRows(partitions, members)) this.#takeOver(row);
  }

  /** Copies the owners that are still there to their old seats; a narrower row closes the gaps of the departed. */
  #takeOver(row: number): void {
    const from = row * this.#beforeWidth;
    const closing = this.#beforeWidth > this.width;
    let seat = row * this.width;
    for (let i = 0; i < this.#beforeWidth; i++) {
      const member = this.#before[from + i] as number;
      if (member !== VACANT) this.seat(seat, member);
      if (member !== VACANT || !closing) seat++;
    }
    this.touched[row] = 0;
  }

  /** Gives a seat to a member that is not in its row; whoever had it loses it. */
  seat(seat: number, member: number): void {
    const row = Math.floor(seat / this.width);
    const previous = this.seats[seat] as number;
    if (previous !== VACANT) this.load[previous] = (this.load[previous] as number) - 1;
    this.seats[seat] = member;
    this.load[member] = (this.load[member] as number) + 1;
    this.touched[row] = 1;
    this.rowsOf[member]?.push(row);
  }

  /** The seat of `member` in `row`, or -1. */
  seatOf(row: number, member: number): number {
    const start = row * this.width;
    for (let seat = start; seat < start + this.width; seat++) if (this.seats[seat] === member) return seat;
    return -1;
  }

  ownedBefore(row: number, member: number): boolean {
    const start = row * this.#beforeWidth;
    for (let seat = start; seat < start + this.#beforeWidth; seat++) if (this.#before[seat] === member) return true;
    return false;
  }

  /** Counts the owners of a row by zone. The array is lent until the next call. */
  countZones(row: number): Int32Array {
    this.#zoneCount.fill(0);
    const start = row * this.width;
    for (let seat = start; seat < start + this.width; seat++) {
      const member = this.seats[seat] as number;
      if (member === VACANT) continue;
      const zone = this.targets.zoneOf[member] as number;
      this.#zoneCount[zone] = (this.#zoneCount[zone] as number) + 1;
    }
    return this.#zoneCount;
  }

  /** Whether a row stays spread over the zones when a member of one zone gives its seat to a member of the other. */
  mayReplace(row: number, leavingZone: number, enteringZone: number): boolean {
    if (leavingZone === enteringZone) return true;
    const bounds = this.targets.zones;
    const most = bounds[enteringZone]?.most as number;
    const least = bounds[leavingZone]?.least as number;
    let entering = 0;
    let leaving = 0;
    const start = row * this.width;
    for (let seat = start; seat < start + this.width; seat++) {
      const zone = this.targets.zoneOf[this.seats[seat] as number];
      if (zone === enteringZone) entering++;
      else if (zone === leavingZone) leaving++;
    }
    return entering < most && leaving > least;
  }

  finish(): Table {
    return { members: this.members, width: this.width, seats: this.seats };
  }
}

/** The seats of `before` with the numbers that `members` have now; the departed leave vacant ones. */
function renumber(before: Table, members: readonly Placed[]): Uint16Array {
  const numbers = new Map(members.map((member, number) => [member.name, number]));
  const renumbered = before.members.map((member) => numbers.get(member.name) ?? VACANT);
  return before.seats.map((seat) => renumbered[seat] as number);
}

/**
 * All rows in an order of this membership's own (an odd stride walks a power of two completely). With one order for every change the same
 * rows would change hands again and again, and the same members would stay each other's company.
 */
function* scatteredRows(partitions: number, members: readonly Placed[]): Generator<number> {
  let seed = 0x811c9dc5;
  for (const { name, zone, weight } of members) seed = hashText(`${name}\n${zone}\n${weight}\n`, seed);
  const stride = (seed >>> 8) | 1;
  for (let i = 0, row = seed; i < partitions; i++, row += stride) yield (row >>> 0) & (partitions - 1);
}

/** FNV-1a over UTF-16 code units, stirred: for scattering, not for keys. 32 bits. */
export function hashText(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return stir(hash);
}

/** The finaliser of MurmurHash3: every bit of `value` reaches every bit of the result. */
export function stir(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
