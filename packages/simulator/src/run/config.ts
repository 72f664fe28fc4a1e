/** A run's configuration, drawn from its seed: each run sees the world from a corner of its own (swarm testing, Groce et al., ISSTA 2012). */
import type { QuorumArg, Rng } from "@kvorum/core";
import { faultFamilies, type FaultFamily } from "../faults/all.js";
import { healerNames, type Healers } from "../world/healers.js";
import type { WorldShape } from "../world/shape.js";

export interface RunConfig extends WorldShape {
  readonly families: readonly FaultFamily[];
  /** In which faults begin, from the first request on; about as long as the clients take on a fair day. */
  readonly activeMs: number;
  readonly clients: number;
  /** Steps of all clients together, and the keys that they are about. */
  readonly operations: number;
  readonly keys: number;
  /** What clients ask for unless a step says otherwise; undefined: the default, a majority. */
  readonly r: QuorumArg | undefined;
  readonly w: QuorumArg | undefined;
  /** Of the requests, how many are sloppy. */
  readonly sloppyShare?: number;
  /** Of the clients, how many have a session. */
  readonly sessionShare?: number;
  /** Of the requests, how many are about keys whose values end. */
  readonly briefShare?: number;
  /** One more member joins when the clients have finished. */
  readonly lateJoin: boolean;
}

const SIZES = [1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 5, 6, 7, 9];

export function drawConfig(rng: Rng): RunConfig {
  const clients = rng.pick([3, 5, 8]);
  const nodes = rng.pick(SIZES);
  return {
    nodes,
    replicas: rng.pick([1, 2, 3, 3, 3, 3, 3, 3, 5]),
    // The log costs half as much again.
    engine: rng.fork("engine").chance(0.12) ? "log" : "image",
    partitions: rng.fork("partitions").pick([64, 64, 64, 64, 64, 64, 64, 64, 128, 256]),
    zones: rng.pick([1, 1, 2, 3, 5]),
    families: faultFamilies.filter((family) => rng.fork(family).chance(0.5)),
    ...drawMachines(rng.fork("machines"), nodes),
    clients,
    activeMs: rng.pick([3_000, 5_000, 8_000]),
    operations: rng.pick([265, 305, 355]),
    keys: rng.pick([40, 80, 160]),
    ...rng.pick<Pick<RunConfig, "r" | "w">>([
      ...Array.from({ length: 6 }, () => ({ r: undefined, w: undefined })),
      { r: "one", w: "all" },
      { r: "all", w: "one" },
    ]),
    sloppyShare: rng.fork("sloppy").pick([0, 0, 0.5, 1]),
    sessionShare: rng.fork("sessions").pick([0, 0, 0.5]),
    briefShare: rng.fork("brief").pick([0, 0, 0.1, 0.3]),
    lateJoin: rng.chance(0.2),
  };
}

/** How quick everything is, and how tight its limits are. */
function drawMachines(rng: Rng, nodes: number): Omit<WorldShape, "nodes" | "replicas" | "partitions" | "zones"> {
  const delayMinMs = rng.pick([0.1, 0.5, 1, 5]);
  return {
    // Many members gossip much, and a run is to be short.
    gossipIntervalMs: nodes > 5 ? 500 : rng.pick([200, 400, 500]),
    healers: drawHealers(rng),
    handoffIntervalMs: rng.fork("handoff").pick([200, 1_000]),
    hintTtlMs: rng.fork("ttl").pick([1_500, 30_000, 3 * 3_600_000]),
    siblingsMax: rng.pick([256, 256, 24]),
    requestsInFlightMax: rng.pick([4_096, 4_096, 6]),
    delayMinMs,
    delayMaxMs: delayMinMs * rng.pick([1.5, 4, 20]),
    queueBytesMax: rng.pick([64 * 1024, 1024 * 1024]),
    flushMs: rng.pick([0.2, 1, 4]),
    slowReads: rng.chance(0.3),
    clockErrorMs: rng.pick([0, 5, 500, 20_000]),
    clockDrift: rng.pick([0, 0.0001, 0.01]),
  };
}

/** Each healer works alone in some runs, since one hides another's bugs (TRAPS 32), and none works in a few. */
function drawHealers(rng: Rng): Healers {
  return Object.fromEntries(healerNames.map((name) => [name, rng.chance(0.85)])) as Healers;
}
