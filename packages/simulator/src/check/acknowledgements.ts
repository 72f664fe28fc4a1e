/** C10: behind every acknowledgement the write is proven on the disks of W distinct owners, as their flushed bytes show at that moment. */
import { formatDot, standing, type Dot, type PutCommand } from "@kvorum/core";
import { nameOf, type Operation } from "../history.js";
import { tagOf } from "../workload/values.js";
import type { WorldEvent } from "../world/world.js";
import { describe, type Bench, type Checker } from "./checker.js";
import { Losses } from "./losses.js";

export function acknowledgements(bench: Bench): Checker {
  const losses = new Losses();
  return {
    event: (event) => {
      losses.event(event, bench.world.nowMs);
      if (event.kind === "acknowledged") check(bench, losses, event);
    },
  };
}

function check(bench: Bench, losses: Losses, event: WorldEvent & { readonly kind: "acknowledged" }): void {
  const operation = operationOf(bench, event.message);
  if (operation === undefined) return;
  const { bucket, key } = operation;
  const owners = bench.lens.owners(bucket, key);
  const dot = dotOf(bench, owners, operation);
  // Replaced already, by a write that had seen it: what stands behind that one is checked in its turn.
  if (dot === undefined) return;
  const holders = owners.filter((owner) => {
    const record = bench.lens.flushed(owner, bucket, key);
    const holds = record !== undefined && bench.lens.state(record.body).vector.covers(dot);
    return holds || losses.happened(owner, nameOf(operation), operation.startMs);
  });
  if (holders.length >= event.needed) return;
  const where = holders.length === 0 ? "nobody's disk" : `the disks of ${holders.join(" and ")} only`;
  const what = `${event.node} acknowledged ${describe(operation)} as ${formatDot(dot)} with ${event.needed} needed, and it is on ${where}`;
  bench.report("acknowledged-is-durable", what);
}

/** Deletes have no value to know them by. */
function operationOf(bench: Bench, { value }: PutCommand): Operation | undefined {
  const tag = value && tagOf(bench.world.primitives, value);
  return tag === undefined ? undefined : bench.history.writerOf(tag);
}

/** The dot under which an owner holds the write, flushed or not. */
function dotOf(bench: Bench, owners: readonly string[], { bucket, key, tag }: Operation): Dot | undefined {
  for (const owner of owners) {
    const record = bench.lens.stored(owner, bucket, key);
    const versions = record === undefined ? [] : standing(bench.lens.state(record.body));
    const own = versions.find(({ deleted, value }) => !deleted && tagOf(bench.world.primitives, value) === tag);
    if (own !== undefined) return own.dot;
  }
  return undefined;
}
