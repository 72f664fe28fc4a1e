/** C3, C4: nothing that a write replaced comes back, and no two versions stand side by side of which one had seen the other. */
import type { Operation, Returned } from "../history.js";
import { describe, majorityOf, mayBeTwice, overlap, type Bench, type Checker } from "./checker.js";
import type { FinalKey } from "./finals.js";

export function resurrections(bench: Bench): Checker {
  return {
    end: ({ keys }) => {
      for (const key of keys) {
        const values = key.union.filter(({ deleted }) => !deleted);
        for (const value of values) checkReplaced(bench, key, value);
        for (const [owner, { versions }] of key.holdings) checkPairs(bench, owner, versions);
      }
    },
  };
}

function checkReplaced(bench: Bench, key: FinalKey, { tag }: Returned): void {
  const writer = bench.history.writerOf(tag);
  if (writer === undefined) return;
  // Where the last write wins stamps decide alone: its second version may be newer than the write that had seen the first one.
  if (writer.lww && mayBeTwice(bench, writer)) return;
  const by = key.operations.find((operation) => operation.outcome === "done" && replaced(bench, operation, writer));
  if (by === undefined) return;
  bench.report(
    "nothing-replaced-comes-back",
    `${describe(writer)} stands at the end, and ${describe(by)} had replaced it`,
  );
}

function replaced(bench: Bench, by: Operation, write: Operation): boolean {
  if (by === write || by.kind === "get") return false;
  if (bench.past.has(by, write)) return true;
  // A delete without a context first reads a majority: it saw what was done before it began on so many that one was among them.
  // What a sloppy one read may have been fallbacks. And what had ended by the coordinator's clock is not there to be removed, though it may stand
  // by another's.
  if (
    !by.isBlindDelete ||
    by.sloppy ||
    write.ttlSeconds !== undefined ||
    write.fallbacks > 0 ||
    write.outcome !== "done" ||
    write.endMs >= by.startMs ||
    by.lww
  )
    return false;
  return overlap(bench, write, write.needed, majorityOf(bench, write));
}

function checkPairs(bench: Bench, owner: string, versions: readonly Returned[]): void {
  const writers = versions.map(({ tag }) => bench.history.writerOf(tag)).filter((each) => each !== undefined);
  for (const later of writers) {
    for (const earlier of writers) {
      if (later === earlier || !bench.past.has(later, earlier)) continue;
      const what = `${owner} holds side by side ${describe(earlier)} and ${describe(later)}, which had seen it`;
      bench.report("no-false-sibling", what);
    }
  }
}
