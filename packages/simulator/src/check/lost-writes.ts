/** C1, C2: no acknowledged write is lost, from all owners together or from one of them (CHECKERS.md). */
import type { Operation, Returned } from "../history.js";
import { describe, mayHaveDeleted, type Bench, type Checker } from "./checker.js";
import type { FinalKey } from "./finals.js";
import { Losses } from "./losses.js";

export function lostWrites(bench: Bench): Checker {
  const losses = new Losses();
  return {
    event: (event) => losses.event(event, bench.world.nowMs),
    end: ({ keys }) => {
      for (const key of keys) for (const write of key.operations) checkWrite(bench, losses, key, write);
    },
  };
}

function checkWrite(bench: Bench, losses: Losses, key: FinalKey, write: Operation): void {
  if (write.kind !== "put" || write.outcome !== "done") return;
  if (losses.mayHaveTaken(write)) return;
  const isExcused = key.operations.some((operation) => mayHaveDeleted(bench, operation, write));
  if (isExcused) return;
  if (!stands(bench, write, key.union)) {
    bench.report("no-acknowledged-write-lost", `${describe(write)}: nothing that the owners hold covers it`);
    return;
  }
  if (!bench.heals) return;
  for (const [owner, { versions }] of key.holdings) {
    if (stands(bench, write, versions)) continue;
    bench.report("no-replica-lacks-a-write", `${describe(write)}: nothing that ${owner} holds covers it`);
  }
}

/**
 * Something among the versions is the write, had seen it, or in a bucket where the last write wins is newer. `ownStamp`: the write's, where its client
 * was not told but somebody was shown it.
 */
export function stands(
  bench: Bench,
  write: Operation,
  versions: readonly Returned[],
  ownStamp = write.version?.stamp,
): boolean {
  return versions.some(({ tag, stamp }) => {
    const writer = bench.history.writerOf(tag);
    if (writer !== undefined && bench.past.covers(writer, write)) return true;
    // Two members may give one stamp to two writes; the dot decides between them, and either is right here.
    return write.lww && ownStamp !== undefined && stamp >= ownStamp;
  });
}
