/** C8: where R + W > N, no read misses an operation that was done before it began, nor shows what such an operation had replaced. */
import type { Operation } from "../history.js";
import { describe, mayBeTwice, mayHaveDeleted, overlap, shown, type Bench, type Checker } from "./checker.js";
import { Losses } from "./losses.js";
import { stands } from "./lost-writes.js";

export function staleReads(bench: Bench): Checker {
  const losses = new Losses();
  return {
    event: (event) => losses.event(event, bench.world.nowMs),
    end: () => {
      for (const operations of bench.history.keys.values()) {
        for (const read of operations)
          if (read.kind === "get" && read.outcome === "done") check(bench, losses, operations, read);
      }
    },
  };
}

function check(bench: Bench, losses: Losses, operations: readonly Operation[], read: Operation): void {
  for (const earlier of operations) {
    if (earlier.startMs > read.startMs) break;
    const isBefore = earlier.kind !== "get" && earlier.outcome === "done" && earlier.endMs < read.startMs;
    if (earlier.fallbacks + read.fallbacks > 0) continue;
    if (!isBefore || !overlap(bench, read, earlier.needed, read.needed) || losses.mayHaveTaken(earlier)) continue;
    if (earlier.kind === "put") checkSeen(bench, operations, read, earlier);
    checkReplaced(bench, read, earlier);
  }
}

function checkSeen(bench: Bench, operations: readonly Operation[], read: Operation, write: Operation): void {
  if (stands(bench, write, read.returned)) return;
  const isDeleted = operations.some((each) => each.startMs <= read.endMs && mayHaveDeleted(bench, each, write));
  if (isDeleted) return;
  bench.report("no-stale-read", `${describe(read)} returned ${shown(read)} and misses ${describe(write)}`);
}

function checkReplaced(bench: Bench, read: Operation, by: Operation): void {
  for (const { tag, deleted } of read.returned) {
    const writer = deleted ? undefined : bench.history.writerOf(tag);
    if (writer === undefined || writer === by || !bench.past.has(by, writer)) continue;
    if (mayBeTwice(bench, writer)) continue;
    bench.report("no-stale-read", `${describe(read)} shows ${tag}, which ${describe(by)} had replaced`);
  }
}
