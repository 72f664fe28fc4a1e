/** What the parameters of a request may be: quorums, timeouts, page sizes (CONTRACT §3, "Query"), each refused with a sentence that helps. */
import { bucketProblem, keyProblem, parseQuorumArg } from "@kvorum/core";
import type { QuorumArg } from "@kvorum/core";
import type { DoorContext } from "./exchange.js";
import { ProblemError } from "./problem.js";
import { decodeSegment, parseQuery } from "./target.js";
import type { Query, Target } from "./target.js";

/** The names in a path `/v1/kv/:bucket/:key…`. */
export interface KeyNames {
  readonly bucket: string;
  readonly key: string;
}

/** How one request on a key is to be done; undefined means as the bucket says. */
export interface QuorumParameters {
  readonly r: QuorumArg | undefined;
  readonly w: QuorumArg | undefined;
  readonly sloppy: boolean;
  /** Answer from this node's own store alone. */
  readonly local: boolean;
  readonly timeoutMs: number;
}

const PLACE_OF_BUCKET = 3;
const WRITE_PARAMETERS = ["r", "w", "sloppy", "timeout"] as const;
const READ_PARAMETERS = [...WRITE_PARAMETERS, "local"] as const;

export function bucketOf({ path }: Target): string {
  return checkedBucket(decodeSegment(path[PLACE_OF_BUCKET] ?? "", "the bucket's name"));
}

export function checkedBucket(bucket: string): string {
  const problem = bucketProblem(bucket);
  if (problem !== undefined) throw new ProblemError("bad-parameter", problem);
  return bucket;
}

export function keyNamesOf(target: Target): KeyNames {
  const bucket = bucketOf(target);
  return { bucket, key: checkedKey(decodeSegment(target.path[PLACE_OF_BUCKET + 1] ?? "", "the key")) };
}

export function checkedKey(key: string): string {
  const problem = keyProblem(key);
  if (problem !== undefined) throw new ProblemError("bad-parameter", problem);
  return key;
}

/** `r` and `w` are taken by reads and writes alike: a client may send both with every request. `local` is for reads. */
export function quorumParametersOf(
  door: DoorContext,
  target: Target,
  bucket: string,
  isRead: boolean,
): QuorumParameters {
  const query = parseQuery(target.query, isRead ? READ_PARAMETERS : WRITE_PARAMETERS);
  return {
    r: quorumParameter(door, bucket, query, "r"),
    w: quorumParameter(door, bucket, query, "w"),
    sloppy: flag(query, "sloppy", true),
    local: flag(query, "local", false),
    timeoutMs: timeoutOf(door, query),
  };
}

export function timeoutOf(door: DoorContext, query: Query): number {
  return wholeNumber(query, "timeout", {
    least: 1,
    most: door.limits.requestTimeoutMaxMs,
    unless: defaultTimeoutMs(door),
  });
}

/** The whole number under `name`; `unless` it is missing or empty. */
export function wholeNumber(
  query: Query,
  name: string,
  { least, most, unless }: { readonly least: number; readonly most: number; readonly unless: number },
): number {
  const text = query.get(name) ?? "";
  if (text === "") return unless;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new ProblemError(
    "bad-parameter",
    `${name} is a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`,
  );
}

/** `r` or `w` as a path or document gives it, checked against the cluster's n. */
export function checkedQuorum(name: string, quorum: QuorumArg, n: number): QuorumArg {
  if (typeof quorum !== "number" || quorum <= n) return quorum;
  throw new ProblemError("bad-parameter", `${name}=${quorum} can never be met: a key has n=${n} replicas`);
}

function defaultTimeoutMs({ limits }: DoorContext): number {
  return Math.min(limits.requestTimeoutMs, limits.requestTimeoutMaxMs);
}

function quorumParameter(door: DoorContext, bucket: string, query: Query, name: "r" | "w"): QuorumArg | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const quorum = parseQuorumArg(text);
  if (quorum === undefined) {
    throw new ProblemError(
      "bad-parameter",
      `${name} is a number from 1 to n, one, quorum or all, not ${JSON.stringify(text)}`,
    );
  }
  return typeof quorum === "number" ? checkedQuorum(name, quorum, door.node.bucketConfig(bucket).n) : quorum;
}

export function flag(query: Query, name: string, unless: boolean): boolean {
  const text = query.get(name);
  if (text === undefined) return unless;
  if (text === "true" || text === "false") return text === "true";
  throw new ProblemError("bad-parameter", `${name} is true or false, not ${JSON.stringify(text)}`);
}
