/** Making every row whole again after a change of members: no vacant seat, no zone above or below its bounds (Dynamo §4.3, §6.2). */
import { assert } from "../base/assert.js";
import { highest } from "./path.js";
import type { Worktable } from "./table.js";
import { VACANT } from "./table.js";

/** Seats members where the departed left gaps and where the zones' bounds changed, the neediest first. Returns whether any row needed it. */
export function seatEveryRow(table: Worktable): boolean {
  let reseated = false;
  for (let row = 0; row < table.partitions; row++) {
    const filled = fillVacantSeats(table, row);
    const spread = spreadOverZones(table, row);
    reseated ||= filled || spread;
  }
  return reseated;
}

function fillVacantSeats(table: Worktable, row: number): boolean {
  let filled = false;
  for (let seat = row * table.width; seat < (row + 1) * table.width; seat++) {
    if (table.seats[seat] !== VACANT) continue;
    table.seat(seat, neediest(table, row));
    filled = true;
  }
  return filled;
}

/** Replaces owners until each zone has its due in the row. Every turn brings one zone closer and none farther. */
function spreadOverZones(table: Worktable, row: number): boolean {
  let moved = false;
  for (;;) {
    const counts = table.countZones(row);
    const zones = table.targets.zones;
    const crowded = zones.some((bounds, zone) => (counts[zone] as number) > bounds.most);
    const lacking = zones.some((bounds, zone) => (counts[zone] as number) < bounds.least);
    if (!crowded && !lacking) return moved;
    const mayLeave = zones.map((bounds, zone) => (counts[zone] as number) > (crowded ? bounds.most : bounds.least));
    const taker = neediest(table, row);
    table.seat(fullestSeat(table, row, mayLeave), taker);
    moved = true;
  }
}

/** The member that is furthest below its ideal, of those that the row has room for: in a zone that the row lacks, if there is one. */
function neediest(table: Worktable, row: number): number {
  const { zones, zoneOf, ideal } = table.targets;
  const counts = table.countZones(row);
  const lacking = zones.some((bounds, zone) => (counts[zone] as number) < bounds.least);
  const hasRoom = zones.map((bounds, zone) => (counts[zone] as number) < (lacking ? bounds.least : bounds.most));
  const member = highest(table.members.length, (m) =>
    hasRoom[zoneOf[m] as number] && table.seatOf(row, m) < 0
      ? (ideal[m] as number) - (table.load[m] as number)
      : -Infinity,
  );
  assert(member !== undefined, "a row with a vacant seat has a member to take it");
  return member;
}

/** The seat of the owner that is furthest above its ideal, of those whose zone may lose one. */
function fullestSeat(table: Worktable, row: number, mayLeave: readonly boolean[]): number {
  const { zoneOf, ideal } = table.targets;
  const at = highest(table.width, (i) => {
    const member = table.seats[row * table.width + i] as number;
    return mayLeave[zoneOf[member] as number] ? (table.load[member] as number) - (ideal[member] as number) : -Infinity;
  });
  assert(at !== undefined, "a row that is badly spread has an owner to spare");
  return row * table.width + at;
}
