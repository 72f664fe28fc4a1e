/** A run's configuration, drawn from its seed: each run sees the world from a corner of its own (swarm testing, Groce et al., ISSTA 2012). */
import type { Rng } from "@kvorum/core";

/** Kinds of faults that a run may draw from: whole families are off in most runs, so that those that are on are seen alone too. */
export const faultFamilies = ["crash", "power", "pause", "partition", "network", "clock", "disk", "loss"] as const;
export type FaultFamily = (typeof faultFamilies)[number];

export interface RunConfig {
  readonly nodes: number;
  /** N, and Q, of the founding. */
  readonly replicas: number;
  readonly partitions: number;
  /** What clients ask for: undefined is the default, a majority. */
  readonly r: "one" | "quorum" | "all" | undefined;
  readonly w: "one" | "quorum" | "all" | undefined;
  readonly zones: number;
  readonly gossipIntervalMs: number;
  readonly readRepair: boolean;
  readonly siblingsMax: number;
  readonly families: readonly FaultFamily[];
  /** The network on a fair day, milliseconds one way. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Bytes that may wait on one connection. */
  readonly queueBytesMax: number;
  /** How long a flush takes on a fair day. */
  readonly flushMs: number;
  /** Reads of the disk come later, not within the call. */
  readonly slowReads: boolean;
  /** How long clients go on asking, and how many operations they make of it. */
  readonly activeMs: number;
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** One more member joins when the clients have finished. */
  readonly lateJoin: boolean;
}

export function drawConfig(rng: Rng): RunConfig {
  const nodes = rng.pick([1, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7, 9]);
  const replicas = rng.pick([1, 2, 3, 3, 3, 3, 3, 5]);
  const quorums = rng.pick(["quorum", "quorum", "quorum", "quorum", "one", "all-w", "all-r"] as const);
  const families = faultFamilies.filter(() => rng.chance(0.5));
  const delayMinMs = rng.pick([0.1, 0.5, 1, 5]);
  return {
    nodes,
    replicas,
    partitions: 64,
    r: quorums === "all-r" ? "all" : quorums === "quorum" ? undefined : "one",
    w: quorums === "all-w" ? "all" : quorums === "quorum" ? undefined : "one",
    zones: rng.pick([1, 1, 2, 3, 5]),
    gossipIntervalMs: rng.pick([100, 200, 200, 500]),
    readRepair: rng.chance(0.85),
    siblingsMax: rng.pick([256, 256, 32]),
    families,
    delayMinMs,
    delayMaxMs: delayMinMs * rng.pick([1.5, 4, 20]),
    queueBytesMax: rng.pick([64 * 1024, 1024 * 1024]),
    flushMs: rng.pick([0.2, 1, 4]),
    slowReads: rng.chance(0.3),
    activeMs: rng.pick([4_000, 8_000, 12_000]),
    operations: 520,
    clients: rng.pick([3, 5, 8]),
    keys: rng.pick([40, 80, 160]),
    lateJoin: rng.chance(0.2),
  };
}
