/** Whom a request must hear from, by the placement in force: R of those that are read, W of each set of owners (Dynamo §4.5; DESIGN §3). */
import { fail, ok, type Outcome } from "../base/failure.js";
import type { QuorumArg } from "../base/quorum-arg.js";
import { neededReplies } from "../quorum/needed.js";
import type { WriteSet } from "../quorum/put-accumulator.js";
import type { NodeContext } from "./context.js";

export interface ReadPlan {
  readonly epoch: number;
  readonly needed: number;
  readonly owners: readonly string[];
}

export interface WritePlan {
  readonly epoch: number;
  readonly sets: readonly WriteSet[];
}

export function readPlan(node: NodeContext, partition: number, r: QuorumArg): Outcome<ReadPlan> {
  const { epoch, reads } = node.placement(partition);
  const needed = neededOf(node, r, reads.length, "r");
  return needed.ok ? ok({ epoch, needed: needed.value, owners: reads }) : needed;
}

/** Each set of owners has its own m. */
export function writePlan(node: NodeContext, partition: number, w: QuorumArg): Outcome<WritePlan> {
  const { epoch, writes } = node.placement(partition);
  const sets: WriteSet[] = [];
  for (const members of writes) {
    const needed = neededOf(node, w, members.length, "w");
    if (!needed.ok) return needed;
    sets.push({ needed: needed.value, members });
  }
  return ok({ epoch, sets });
}

function neededOf(node: NodeContext, quorum: QuorumArg, replicas: number, name: "r" | "w"): Outcome<number> {
  const n = node.identity.replicas;
  const needed = neededReplies(quorum, n, replicas);
  switch (needed.kind) {
    case "needed":
      return ok(needed.count);
    case "above-n":
      return fail("bad-parameter", `${name}=${quorum} is above n: each key has ${n} replicas`);
    case "impossible": {
      const members = `${replicas} ${replicas === 1 ? "member" : "members"}`;
      const detail = `${name}=${quorum} needs ${needed.count} replicas and the cluster has ${members}; add members, or ask for fewer`;
      return fail("quorum-not-met", detail, "none", { needed: needed.count, received: 0, members: replicas });
    }
  }
}
