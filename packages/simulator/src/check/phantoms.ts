/** C5, C6: nothing appears that nobody wrote, or that was surely refused, or that is written twice; and every value is as it was written. */
import { nameOf, type Returned } from "../history.js";
import { CORRUPT } from "../lens.js";
import { describe, type Bench, type Checker } from "./checker.js";

export function phantoms(bench: Bench): Checker {
  return {
    end: ({ keys }) => {
      for (const operation of bench.history.operations) {
        if (operation.kind === "get") check(bench, nameOf(operation), operation.returned, describe(operation));
      }
      for (const key of keys) {
        for (const [owner, { versions }] of key.holdings) check(bench, key.name, versions, `${owner} at the end`);
      }
    },
  };
}

function check(bench: Bench, key: string, versions: readonly Returned[], where: string): void {
  const seen = new Set<string>();
  for (const { tag, deleted, dot } of versions) {
    if (deleted) continue;
    const writer = bench.history.writerOf(tag);
    if (tag === CORRUPT) {
      bench.report("no-corruption", `${where}: the value of ${key} under ${dot} fails its own hash`);
    } else if (writer === undefined || nameOf(writer) !== key) {
      bench.report("no-phantom", `${where}: nobody ever wrote ${tag} to ${key}`);
    } else if (writer.outcome === "not-done") {
      bench.report("no-phantom", `${where}: ${describe(writer)}, and there it is`);
    } else if (seen.has(tag)) {
      bench.report("one-write-is-one-version", `${where}: shows ${tag} twice: ${describe(writer)}`);
    }
    seen.add(tag);
  }
}
