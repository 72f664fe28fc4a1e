/** A dot names one write, for ever (DESIGN §4; riak_kv #679): whoever shows it shows the same content, stamp and clock under it. */
import { clockJson, formatDot, type KeyState } from "@kvorum/core";
import { nameOf } from "../history.js";
import type { Bench, Checker } from "./checker.js";
import { tagOf } from "../workload/values.js";

export function dots(bench: Bench): Checker {
  const known = new Map<string, string>();
  const look = (key: string, state: KeyState, where: string): void => {
    for (const { dot, stamp, deleted, value, clock } of state.siblings) {
      const name = `${key} ${formatDot(dot)}`;
      const content = deleted ? "a tombstone" : `the value ${tagOf(bench.world.primitives, value)}`;
      const write = `${content} of ${stamp} after ${JSON.stringify(clockJson(clock))}`;
      const before = known.get(name);
      if (before === undefined) known.set(name, write);
      else if (before !== write)
        bench.report("a-dot-names-one-write", `${where}: ${name} is ${write}, and it was ${before}`);
    }
  };
  return {
    attempt: ({ operation, reply, node }) => {
      if (reply?.kind === "got") look(nameOf(operation), bench.lens.state(reply.body), `read through ${node}`);
    },
    end: ({ keys }) => {
      for (const key of keys)
        for (const [owner, { state }] of key.holdings) look(key.name, state, `${owner} at the end`);
      checkAcknowledged(bench);
    },
  };
}

/** Two writes that were answered with the same dot, whether or not anybody still holds them. */
function checkAcknowledged(bench: Bench): void {
  const byDot = new Map<string, string>();
  for (const operation of bench.history.operations) {
    if (operation.version === undefined || operation.version.dot === "") continue;
    const name = `${nameOf(operation)} ${operation.version.dot}`;
    const before = byDot.get(name);
    if (before !== undefined) bench.report("a-dot-names-one-write", `${before} and ${operation.tag} were both ${name}`);
    byDot.set(name, operation.tag);
  }
}
