/** Whether a bucket may be configured so: for programs, whose door checks no document as HTTP's does. */
import { quorumArgProblem } from "../base/quorum-arg.js";
import { ttlProblem, TTL_WORDS } from "../base/ttl.js";
import type { BucketChange } from "./api.js";

/** What is wrong with the change for a cluster of `n` replicas, or of whom nobody knows here, for people; undefined when nothing is. */
export function bucketChangeProblem({ r, w, conflicts, ttl }: BucketChange, n?: number): string | undefined {
  const problem =
    (r === undefined ? undefined : quorumArgProblem("r", r, n)) ??
    (w === undefined ? undefined : quorumArgProblem("w", w, n));
  if (problem !== undefined) return problem;
  if (conflicts !== undefined && conflicts !== "siblings" && conflicts !== "lww") {
    return `conflicts is "siblings" or "lww", not ${JSON.stringify(conflicts)}`;
  }
  if (ttl === 0) return `a bucket's ttl is ${TTL_WORDS}, or null for none`;
  return ttl === undefined || ttl === null ? undefined : ttlProblem(ttl);
}
