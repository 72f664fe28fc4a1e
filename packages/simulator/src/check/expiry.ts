/** What has expired is shown by nobody, whoever was away and whatever mended it (TRAPS 20). */
import { nameOf, type Operation } from "../history.js";
import { describe, type Bench, type Checker } from "./checker.js";

/** How late a flush or an answer may be. */
const TOLERANCE_MS = 2_000;

export function expiry(bench: Bench): Checker {
  let clocksJumped = false;
  return {
    event: (event) => {
      if (event.kind === "fault" && event.fault === "skew") clocksJumped = true;
    },
    end: () => {
      // A value ends by the clock of its writer and is hidden by that of its reader.
      if (clocksJumped) return;
      const toleranceMs = TOLERANCE_MS + bench.clocksApartMs;
      for (const read of bench.history.operations) {
        markEnded(bench, read);
        for (const { tag, deleted } of read.returned) {
          const write = deleted ? undefined : bench.history.writerOf(tag);
          if (write?.ttlSeconds === undefined) continue;
          if (read.startMs <= write.endMs + write.ttlSeconds * 1_000 + toleranceMs) continue;
          bench.report("no-expired-value-shown", `${describe(read)} shows ${tag} of ${describe(write)}`);
        }
      }
    },
  };
}

/** It showed nothing of a write that had stood and has ended meanwhile. */
function markEnded(bench: Bench, read: Operation): void {
  if (read.kind !== "get" || read.outcome !== "done" || read.returned.length > 0) return;
  const operations = bench.history.keys.get(nameOf(read)) ?? [];
  const hasEnded = operations.some(
    ({ ttlSeconds, outcome, endMs }) =>
      ttlSeconds !== undefined && outcome === "done" && endMs + ttlSeconds * 1_000 < read.startMs,
  );
  if (hasEnded) bench.mark("a value had ended when it was read");
}
