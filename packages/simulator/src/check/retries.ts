/** A write that was acknowledged and is sent again under its idempotency key is the same write, with the same dot (DESIGN §4, Retries). */
import { formatDot, type PutCommand } from "@kvorum/core";
import { newDots } from "../lens.js";
import { describe, isMadeBy, majorityOf, overlap, type Bench, type Checker } from "./checker.js";

export function retries(bench: Bench): Checker {
  return {
    attempt: ({ operation, reply, command, number }) => {
      const { bucket, key, version } = operation;
      // One that had to be tried before it was done may have been minted twice, by two who did not know of each other.
      const isRepeat = operation.outcome === "done" && number === 2;
      if (!isRepeat || reply?.kind !== "put-done" || version === undefined || version.dot === "") return;
      if (operation.lww || operation.isBlindDelete || operation.sloppy) return;
      if (!overlap(bench, operation, operation.needed, majorityOf(bench, operation))) return;
      // A named write that was passed on may have been passed on twice: then it has two dots, and a repeat may be answered with the other.
      if (!isMadeBy(bench, operation.node, version.dot)) return;
      const asked = bench.lens.context(bucket, key, (command as PutCommand).context);
      const answered = bench.lens.context(bucket, key, reply.context);
      if (asked === undefined || answered === undefined) return;
      const names = newDots(asked.vector, answered.vector).map(formatDot);
      bench.mark("a repeat found its first attempt");
      if (names.length === 1 && names[0] === version.dot) return;
      const what = `${describe(operation)} was ${version.dot}; sent again it was answered as ${names.join(", ")}`;
      bench.report("a-retry-is-the-same-write", what);
    },
  };
}
