/** What the clients of a run will ask for, as plain data drawn from the seed: it can be written to a file, shrunk and run again. */
import type { QuorumArg, Rng } from "@kvorum/core";
import type { RunConfig } from "../run/config.js";

/**
 * How a write comes to its context. `blind`: it has none. `fresh`: its client reads first. `last`: what its client last heard of the key, which
 * may be old by now: that is what makes siblings.
 */
export type ContextSource = "blind" | "fresh" | "last";

export interface Step {
  /** Names the write; unique in the workload. Empty for a read. */
  readonly tag: string;
  readonly kind: "put" | "delete" | "get";
  readonly bucket: string;
  readonly key: string;
  /** A place in the list of nodes; where that one is down, its client takes the next. */
  readonly node: number;
  /** Since the client's step before was over. */
  readonly thinkMs: number;
  readonly timeoutMs: number;
  readonly context: ContextSource;
  readonly quorum?: QuorumArg;
  /** Fallbacks may count. */
  readonly sloppy?: boolean;
  /** R of the read that fetches the context. */
  readonly readQuorum?: QuorumArg;
  /** Seconds after which a put's value ends. */
  readonly ttlSeconds?: number;
  /** Bytes that the value has beside its tag. */
  readonly filler: number;
  /** Sent again while the outcome is unknown, under one idempotency key and each time through the next node; 1: never. */
  readonly attempts: number;
  /** Sent once more after it was done, as a client does whose acknowledgement was lost. */
  readonly again: boolean;
}

export interface ClientPlan {
  readonly name: string;
  /** It has a session: read your writes, monotonic reads. */
  readonly session?: boolean;
  readonly steps: readonly Step[];
}

export interface BucketPlan {
  readonly name: string;
  readonly conflicts: "siblings" | "lww";
}

export interface Workload {
  readonly buckets: readonly BucketPlan[];
  readonly clients: readonly ClientPlan[];
}

const SIBLINGS_BUCKET = "carts";
const LWW_BUCKET = "last";
/** Keys that all clients write all the time. */
const HOT_KEYS = 4;
/** Keys whose values end, most of them: apart from the others, since what may have ended excuses its absence. */
const BRIEF_KEYS = 6;
/** How soon a session reads what it has written. */
const LOOK_BACK_MS = 8;
const BRIEF_SECONDS = [1, 1, 2, 3, 20];
const TIMEOUTS_MS = [200, 1_000, 2_000];
/** Of all operations; reads that fetch a context come on top of them, since a write asks for them. */
const GET_SHARE = 0.2;

/** What a workload needs to know of its run. */
export type WorkloadShape = Pick<
  RunConfig,
  "clients" | "operations" | "keys" | "nodes" | "activeMs" | "r" | "w" | "sloppyShare" | "sessionShare" | "briefShare"
>;

export function drawWorkload(rng: Rng, shape: WorkloadShape): Workload {
  const isLww = rng.chance(0.6);
  const buckets: BucketPlan[] = [{ name: SIBLINGS_BUCKET, conflicts: "siblings" }];
  if (isLww) buckets.push({ name: LWW_BUCKET, conflicts: "lww" });
  const stepsEach = Math.ceil(shape.operations / shape.clients);
  const thinkMs = shape.activeMs / stepsEach;
  const clients = Array.from({ length: shape.clients }, (_, i) => {
    const name = `c${i + 1}`;
    const own = rng.fork(name);
    const session = own.fork("session").chance(shape.sessionShare ?? 0);
    const steps = Array.from({ length: stepsEach }, (_, j) => drawStep(own, `${name}.${j}`, shape, isLww, thinkMs));
    const variedSteps = steps.map((step) => varied(own, step, session, shape));
    return { name, ...(session && { session }), steps: session ? lookingBack(own, variedSteps) : variedSteps };
  });
  return { buckets, clients };
}

function drawStep(rng: Rng, name: string, shape: WorkloadShape, isLww: boolean, thinkMs: number): Step {
  const kind = rng.chance(GET_SHARE) ? "get" : rng.chance(0.1) ? "delete" : "put";
  const isRetried = kind !== "get" && rng.chance(0.4);
  const own = kind === "get" ? shape.r : shape.w;
  const quorum = rng.chance(0.06) ? rng.pick<QuorumArg>(["one", "all", "quorum"]) : own;
  return {
    ...drawPlace(rng, name, kind, shape, isLww),
    tag: kind === "put" ? name : "",
    kind,
    node: rng.below(shape.nodes),
    thinkMs: Math.round(rng.float() * 2 * thinkMs),
    timeoutMs: rng.pick(TIMEOUTS_MS),
    context: kind === "get" ? "blind" : rng.pick<ContextSource>(["blind", "blind", "fresh", "last", "last"]),
    filler: rng.chance(0.03) ? rng.below(2048) : rng.below(16),
    attempts: isRetried ? 3 : 1,
    again: isRetried && rng.chance(0.3),
    ...(rng.fork(`sloppy/${name}`).chance(shape.sloppyShare ?? 0) && { sloppy: true }),
    ...(quorum !== undefined && { quorum }),
    ...(shape.r !== undefined && { readQuorum: shape.r }),
  };
}

/** What only some runs have, drawn by the step's own name, so that all else in a run is as without it. */
function varied(rng: Rng, step: Step, session: boolean, { briefShare = 0 }: WorkloadShape): Step {
  const own = rng.fork(`varied/${step.thinkMs}/${step.tag}/${step.key}`);
  // With a majority at both ends a session has next to nothing to do.
  const isLax = own.chance(0.5) && session && step.kind === "get";
  const read = isLax ? { ...step, quorum: "one" as const } : step;
  if (!own.chance(briefShare)) return read;
  const key = `brief-${own.below(BRIEF_KEYS)}`;
  const isEnding = own.chance(0.7) && step.kind === "put";
  return { ...read, key, ...(isEnding && { ttlSeconds: own.pick(BRIEF_SECONDS) }) };
}

/** A session has something to show where it reads what it has just written, from one who may not have heard of it. */
function lookingBack(rng: Rng, steps: readonly Step[]): Step[] {
  return steps.map((step, at) => {
    const before = steps[at - 1];
    const own = rng.fork(`back/${at}`);
    if (step.kind !== "get" || step.quorum !== "one" || before?.kind !== "put" || own.chance(0.2)) return step;
    const { bucket, key } = before;
    return { ...step, bucket, key, thinkMs: Math.round(own.float() * LOOK_BACK_MS) };
  });
}

function drawPlace(
  rng: Rng,
  name: string,
  kind: Step["kind"],
  shape: WorkloadShape,
  isLww: boolean,
): { readonly bucket: string; readonly key: string } {
  const often = shape.keys / 2;
  const draw = rng.float();
  if (kind === "put" && draw < onceShare(shape)) return { bucket: SIBLINGS_BUCKET, key: `once-${name}` };
  const bucket = isLww && rng.chance(0.25) ? LWW_BUCKET : SIBLINGS_BUCKET;
  if (rng.chance(0.5)) return { bucket, key: `hot-${rng.below(HOT_KEYS)}` };
  return { bucket, key: `warm-${rng.below(Math.max(1, often - HOT_KEYS))}` };
}

/** Of the puts, so many that half of the keys are written once and never again: hot keys hide losses (TRAPS 32). */
function onceShare(shape: WorkloadShape): number {
  const puts = shape.operations * (1 - GET_SHARE) * 0.9;
  return Math.min(0.5, shape.keys / 2 / puts);
}
