/** What has expired is shown by nobody, whoever was away and whatever mended it (TRAPS 20). */
import { describe, type Bench, type Checker } from "./checker.js";

/** How far the clocks of two members may be apart on a day on which none jumps, and how late a flush may be. */
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
      for (const read of bench.history.operations) {
        for (const { tag, deleted } of read.returned) {
          const write = deleted ? undefined : bench.history.writerOf(tag);
          if (write?.ttlSeconds === undefined) continue;
          if (read.startMs <= write.endMs + write.ttlSeconds * 1_000 + TOLERANCE_MS) continue;
          bench.report("no-expired-value-shown", `${describe(read)} shows ${tag} of ${describe(write)}`);
        }
      }
    },
  };
}
