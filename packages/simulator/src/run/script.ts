/** Everything that a run follows from, as plain data: what a seed draws, what shrinking makes smaller, what a regression file keeps. */
import { Rng } from "@kvorum/core";
import type { FaultFamily } from "../faults/all.js";
import { drawWorkload, type Workload } from "../workload/workload.js";
import { drawConfig, type RunConfig } from "./config.js";
import { drawPlan, type Plan } from "./plan.js";

export interface Script {
  readonly seed: number;
  readonly config: RunConfig;
  readonly workload: Workload;
  readonly plan: Plan;
}

/** What the seed draws, with some of the configuration given. */
export function drawScript(seed: number, given: Partial<RunConfig> = {}): Script {
  const rng = new Rng(seed).fork("script");
  const config = { ...drawConfig(rng.fork("config")), ...given };
  const drawn = drawWorkload(rng.fork("workload"), config);
  const losing: readonly FaultFamily[] = ["loss", "copy", "ring"];
  const workload = losing.some((family) => config.families.includes(family)) ? withFullWrites(drawn) : drawn;
  return { seed, config, workload, plan: drawPlan(rng.fork("plan"), config) };
}

/** Where a disk may be lost, no write asks for one copy alone: its loss would be nobody's fault. */
function withFullWrites(workload: Workload): Workload {
  const clients = workload.clients.map((client) => ({
    ...client,
    steps: client.steps.map((step) =>
      step.kind !== "get" && step.quorum === "one" ? { ...step, quorum: "quorum" as const } : step,
    ),
  }));
  return { ...workload, clients };
}

/** The fewest disks that an acknowledged write of this script may stand on. */
export function leastCopies({ config, workload }: Script): number {
  const replicas = Math.min(config.replicas, config.nodes);
  const majority = Math.floor(replicas / 2) + 1;
  const writes = workload.clients.flatMap(({ steps }) => steps.filter(({ kind }) => kind !== "get"));
  return writes.reduce((least, { quorum }) => {
    const copies = quorum === "one" ? 1 : quorum === "all" ? replicas : typeof quorum === "number" ? quorum : majority;
    return Math.min(least, copies);
  }, replicas);
}

/** Some acknowledged write of this script may stand on fallbacks. */
export function isSloppy({ workload }: Script): boolean {
  return workload.clients.some(({ steps }) => steps.some(({ kind, sloppy }) => kind !== "get" && sloppy === true));
}
