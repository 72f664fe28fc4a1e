/** A member that left holds nothing acknowledged that others lack: at the moment when it may end, everything is with those who stay (DESIGN §3). */
import { nameOf, type Operation } from "../history.js";
import { describe, mayHaveDeleted, type Bench, type Checker } from "./checker.js";
import { Losses } from "./losses.js";
import { stands } from "./lost-writes.js";

export function departures(bench: Bench): Checker {
  const losses = new Losses();
  return {
    event: (event) => {
      losses.event(event, bench.world.nowMs);
      if (event.kind === "departed") check(bench, losses, event.node);
    },
  };
}

function check(bench: Bench, losses: Losses, left: string): void {
  bench.mark("a member left");
  const owed = bench.world.node(left)?.hints.queue.count ?? 0;
  if (owed > 0) bench.report("a-leaver-takes-nothing-along", `${left} left with ${owed} hints for others`);
  for (const operations of bench.history.keys.values()) {
    for (const write of operations) {
      if (write.kind !== "put" || write.outcome !== "done" || losses.mayHaveTaken(write)) continue;
      if (!write.lww && operations.some((operation) => mayHaveDeleted(bench, operation, write))) continue;
      if (!holds(bench, left, write)) continue;
      const others = bench.world.names.filter((name) => name !== left);
      if (others.some((name) => holds(bench, name, write))) continue;
      bench.report("a-leaver-takes-nothing-along", `${left} left with ${describe(write)}, which nobody else holds`);
    }
  }
}

function holds(bench: Bench, name: string, write: Operation): boolean {
  const record = bench.lens.flushed(name, write.bucket, write.key);
  if (record === undefined) return false;
  return stands(bench, write, bench.lens.versions(nameOf(write), bench.lens.state(record.body)));
}
