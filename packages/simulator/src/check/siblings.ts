/** Siblings are concurrent by their own clocks; where the last write wins there is one; and their number stays within its limit. */
import { formatDot, standing, type KeyState } from "@kvorum/core";
import { nameOf } from "../history.js";
import type { Bench, Checker } from "./checker.js";

export function siblings(bench: Bench): Checker {
  const look = (key: string, lww: boolean, state: KeyState, where: string): void => {
    const versions = standing(state);
    if (lww && versions.length > 1) {
      bench.report("last-write-wins-keeps-one", `${where}: ${key} has ${versions.length} versions`);
    }
    for (const a of versions) {
      if (!state.vector.covers(a.dot))
        bench.report("a-vector-covers-its-siblings", `${where}: ${key} ${formatDot(a.dot)}`);
      for (const b of versions) {
        if (a === b || !a.clock.covers(b.dot)) continue;
        const what = `${where}: ${key} shows ${formatDot(b.dot)} beside ${formatDot(a.dot)}, whose clock covers it`;
        bench.report("siblings-are-concurrent", what);
      }
    }
  };
  return {
    attempt: ({ operation, reply, node }) => {
      if (reply?.kind !== "got") return;
      look(nameOf(operation), operation.lww, bench.lens.state(reply.body), `read through ${node}`);
    },
    end: ({ keys }) => {
      for (const { name, lww, holdings } of keys) {
        for (const [owner, { state }] of holdings) look(name, lww, state, `${owner} at the end`);
      }
    },
  };
}
