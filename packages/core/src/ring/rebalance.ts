/** One step of the fold: the table for new members, made from the old one by moving as few places as possible (Dynamo §6.2, strategy 3). */
import { assert } from "../base/assert.js";
import { balanceLoads } from "./balance.js";
import { balanceFirstOwners } from "./first-owners.js";
import { seatEveryRow } from "./seating.js";
import type { Table } from "./table.js";
import { EMPTY_TABLE, VACANT, Worktable } from "./table.js";
import type { Placed } from "./targets.js";
import { targetsOf } from "./targets.js";

/**
 * The table of `members` (ordered by name) that follows `before`. Every partition is on distinct members, spread over the zones as evenly as
 * they allow; every member holds close to its ideal, and is first owner of its fair part.
 */
export function rebalance(before: Table, members: readonly Placed[], partitions: number, replicas: number): Table {
  if (members.length === 0) return EMPTY_TABLE;
  const table = new Worktable(members, partitions, targetsOf(members, partitions, replicas), before);
  balanceLoads(table, seatEveryRow(table));
  balanceFirstOwners(table);
  assert(!table.seats.includes(VACANT), "every seat of a ring is taken");
  return table.finish();
}
