/** What went wrong, as HTTP says it: one stable name, status and title for each problem, as RFC 9457 `application/problem+json` (CONTRACT §3). */
import type { Failure, FailureCode } from "@kvorum/core";

/** Failures of the node keep their code as the name; the others can only happen at this door. */
export type ProblemName =
  | FailureCode
  | "headers-too-large"
  | "internal"
  | "malformed-request"
  | "method-not-allowed"
  | "no-such-route"
  | "not-ready"
  | "not-supported"
  | "request-timeout";

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

export const problemKinds: Readonly<Record<ProblemName, ProblemKind>> = {
  "bad-parameter": { status: 400, title: "A bucket, key, header or parameter is wrong" },
  "bad-context": { status: 400, title: "The causal context is malformed, changed, or of another key" },
  "too-large": { status: 413, title: "The request is too large" },
  overloaded: { status: 503, title: "The node sheds load" },
  "storage-full": { status: 507, title: "Too many replicas of the key have no space" },
  "quorum-not-met": { status: 503, title: "Too few replicas answered in time" },
  "idempotency-mismatch": { status: 422, title: "The idempotency key belongs to another write" },
  exists: { status: 412, title: "The key has a value" },
  "too-many-siblings": { status: 409, title: "The key has too many siblings for a write without a context" },
  "clock-skew": { status: 503, title: "The node's clock is too far off to stamp writes" },
  "n-fixed": { status: 409, title: "The number of replicas is the cluster's and cannot be changed here" },
  "not-found": { status: 404, title: "There is nothing under this name" },
  "not-owner": { status: 503, title: "The node does not own the key's partition" },
  stopping: { status: 503, title: "The node is stopping" },
  "storage-failed": { status: 503, title: "The node's storage failed" },
  "join-refused": { status: 409, title: "The member may not join" },
  "member-alive": { status: 409, title: "The member is not down" },
  "headers-too-large": { status: 431, title: "The request's head is too large" },
  internal: { status: 500, title: "A mistake in Kvorum" },
  "malformed-request": { status: 400, title: "This is not well-formed HTTP" },
  "method-not-allowed": { status: 405, title: "The method is not for this resource" },
  "no-such-route": { status: 404, title: "There is no such resource" },
  "not-ready": { status: 503, title: "The node does not take requests yet" },
  "not-supported": { status: 501, title: "This node can't do that" },
  "request-timeout": { status: 408, title: "The request did not arrive in time" },
};

/** A {@link Failure} is one; `effect` is said only to requests that change something. */
export interface Problem extends Omit<Failure, "code"> {
  readonly code: ProblemName;
}

/** Thrown where input is read, and answered as it says: nothing was started yet. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(code: ProblemName, detail: string) {
    super(detail);
    this.problem = { code, detail, effect: "none" };
  }
}

export const PROBLEM_TYPE = "application/problem+json";

/** The body of the answer. Without a known method the effect is said all the same: silence would be worse for a write. */
export function problemDocument(problem: Problem, method: string | undefined): Record<string, unknown> {
  const { status, title } = problemKinds[problem.code];
  const document: Record<string, unknown> = {
    type: `urn:kvorum:${problem.code}`,
    title,
    status,
    detail: problem.detail,
  };
  if (changesSomething(method)) document["effect"] = problem.effect;
  if (problem.needed !== undefined) document["needed"] = problem.needed;
  if (problem.received !== undefined) document["received"] = problem.received;
  if (problem.members !== undefined) document["members"] = problem.members;
  return document;
}

/** Whole seconds, as `Retry-After` wants them; undefined when a retry is not the advice. */
export function retryAfterSeconds(problem: Problem): string | undefined {
  if (problem.retryAfterMs === undefined) return problem.code === "overloaded" ? "1" : undefined;
  return String(Math.max(1, Math.ceil(problem.retryAfterMs / 1000)));
}

function changesSomething(method: string | undefined): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS" && method !== "TRACE";
}
