/** Whether a bucket may be configured so: for programs, whose door checks no document as HTTP's does. */
import type { QuorumArg } from "../base/quorum-arg.js";
import { ttlProblem, TTL_WORDS } from "../base/ttl.js";
import type { BucketChange } from "./api.js";

const words: ReadonlySet<unknown> = new Set(["one", "quorum", "all"]);

/** What is wrong with the change for a cluster of `n` replicas, for people; undefined when nothing is. */
export function bucketChangeProblem({ r, w, conflicts, ttl }: BucketChange, n: number): string | undefined {
  for (const [name, quorum] of [
    ["r", r],
    ["w", w],
  ] as const) {
    if (quorum !== undefined && !isQuorum(quorum, n)) {
      return `${name} is 1 to ${n}, "one", "quorum" or "all", not ${JSON.stringify(quorum)}`;
    }
  }
  if (conflicts !== undefined && conflicts !== "siblings" && conflicts !== "lww") {
    return `conflicts is "siblings" or "lww", not ${JSON.stringify(conflicts)}`;
  }
  if (ttl === 0) return `a bucket's ttl is ${TTL_WORDS}, or null for none`;
  return ttl === undefined || ttl === null ? undefined : ttlProblem(ttl);
}

function isQuorum(quorum: QuorumArg, n: number): boolean {
  return typeof quorum === "number" ? Number.isInteger(quorum) && quorum >= 1 && quorum <= n : words.has(quorum);
}
