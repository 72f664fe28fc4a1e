/** A dot names one write, for ever (DESIGN §4; riak_kv #679): whoever shows it shows the same content, stamp and clock under it. */
import { clockJson, equalBytes, formatDot, type KeyState, type Sibling } from "@kvorum/core";
import { nameOf } from "../history.js";
import type { Bench, Checker } from "./checker.js";
import { tagOf } from "../workload/values.js";

export function dots(bench: Bench): Checker {
  const known = new Map<string, Sibling>();
  const look = (key: string, state: KeyState, where: string): void => {
    for (const sibling of state.siblings) {
      const name = `${key} ${formatDot(sibling.dot)}`;
      const before = known.get(name);
      if (before === undefined) known.set(name, sibling);
      else if (!isSame(before, sibling)) {
        const what = `${where}: ${name} is ${text(bench, sibling)}, and it was ${text(bench, before)}`;
        bench.report("a-dot-names-one-write", what);
      }
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

function isSame(a: Sibling, b: Sibling): boolean {
  return a.stamp === b.stamp && a.deleted === b.deleted && equalBytes(a.value, b.value) && a.clock.equals(b.clock);
}

function text(bench: Bench, { deleted, value, stamp, clock }: Sibling): string {
  const content = deleted ? "a tombstone" : `the value ${tagOf(bench.world.primitives, value)}`;
  return `${content} of ${stamp} after ${JSON.stringify(clockJson(clock))}`;
}

/** Two writes that were answered with the same dot, whether or not anybody still holds them. */
function checkAcknowledged(bench: Bench): void {
  const byDot = new Map<string, string>();
  for (const operation of bench.history.operations) {
    // A blind delete that finds nothing is answered with what it found, which may be another delete's tombstone.
    if (operation.isBlindDelete || operation.version === undefined || operation.version.dot === "") continue;
    const name = `${nameOf(operation)} ${operation.version.dot}`;
    const before = byDot.get(name);
    if (before !== undefined) bench.report("a-dot-names-one-write", `${before} and ${operation.tag} were both ${name}`);
    byDot.set(name, operation.tag);
  }
}
