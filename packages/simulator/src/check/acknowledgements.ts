/** C10: behind every acknowledgement the write is proven on the disks of W distinct owners, as their flushed bytes show at that moment. */
import { formatDot, type Dot, type PutCommand } from "@kvorum/core";
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
  const dots = dotsOf(bench, event.node, operation);
  // None: it was replaced already; what stands behind the write that did so is checked in its turn.
  const holders = [...dots.values()].map((dot) =>
    owners.filter((owner) => {
      const record = bench.lens.flushed(owner, bucket, key);
      const holds = record !== undefined && bench.lens.state(record.body).vector.covers(dot);
      return holds || losses.happened(owner, nameOf(operation), operation.startMs);
    }),
  );
  if (holders.length === 0 || holders.some((each) => each.length >= event.needed)) return;
  const where = holders.map((each) => each.join(" and ") || "nobody's disk").join(", or ");
  const what = `${event.node} acknowledged ${describe(operation)} as ${[...dots.keys()].join(" or ")} with ${event.needed} needed: it is on ${where}`;
  bench.report("acknowledged-is-durable", what);
}

/** Deletes have no value to know them by. */
function operationOf(bench: Bench, { value }: PutCommand): Operation | undefined {
  const tag = value && tagOf(bench.world.primitives, value);
  return tag === undefined ? undefined : bench.history.writerOf(tag);
}

/**
 * The dots under which the coordinator holds the write, flushed or not: two, when two attempts did not know of each other. What another owner
 * holds may be an attempt that nobody acknowledged.
 */
function dotsOf(bench: Bench, coordinator: string, { bucket, key, tag }: Operation): Map<string, Dot> {
  const dots = new Map<string, Dot>();
  const record = bench.lens.stored(coordinator, bucket, key);
  if (record === undefined) return dots;
  for (const { deleted, value, dot } of bench.lens.state(record.body).siblings) {
    if (!deleted && tagOf(bench.world.primitives, value) === tag) dots.set(formatDot(dot), dot);
  }
  return dots;
}
