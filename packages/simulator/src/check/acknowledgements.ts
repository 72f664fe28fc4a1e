/**
 * C10: behind every acknowledgement the write is proven on the disks of W distinct owners, as their flushed bytes show at that moment; of W
 * distinct members where the request was sloppy.
 */
import { formatDot, type Dot, type PutCommand } from "@kvorum/core";
import { nameOf, type Operation } from "../history.js";
import { newDots } from "../lens.js";
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
  const dot = operation && dotOf(bench, operation, event);
  if (operation === undefined || dot === undefined) return;
  const { bucket, key } = operation;
  const { names, standing } = bench.world;
  // One that was removed meanwhile may have been an owner when it said that it has it.
  const departed = names.filter((name) => !standing.includes(name));
  const members = operation.sloppy ? names : new Set([...bench.lens.owners(bucket, key), ...departed]);
  const holders = [...members].filter((owner) => {
    const record = bench.lens.flushed(owner, bucket, key);
    const holds = record !== undefined && bench.lens.state(record.body).vector.covers(dot);
    return holds || losses.happened(owner, nameOf(operation), operation.startMs);
  });
  if (holders.length >= event.needed) return;
  const where = holders.join(" and ") || "nobody's disk";
  const what = `${event.node} acknowledged ${describe(operation)} as ${formatDot(dot)} with ${event.needed} needed: it is on ${where}`;
  bench.report("acknowledged-is-durable", what);
}

/** Deletes have no value to know them by. */
function operationOf(bench: Bench, { value }: PutCommand): Operation | undefined {
  const tag = value && tagOf(bench.world.primitives, value);
  return tag === undefined ? undefined : bench.history.writerOf(tag);
}

/**
 * The dot that the answer names. A write that was tried twice may have two, and what lies on the coordinator's disk meanwhile may show the
 * one of an attempt that nobody acknowledged. Undefined where a bounded context does not tell.
 */
function dotOf(
  bench: Bench,
  { bucket, key }: Operation,
  { message, context }: { readonly message: PutCommand; readonly context: Uint8Array },
): Dot | undefined {
  const asked = bench.lens.context(bucket, key, message.context);
  const answered = bench.lens.context(bucket, key, context);
  if (asked === undefined || answered === undefined) return undefined;
  const dots = newDots(asked.vector, answered.vector);
  return dots.length === 1 ? dots[0] : undefined;
}
