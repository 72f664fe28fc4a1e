/** Failures that pass: what another member, or a moment later, may do better. Everything else fails again when it is asked again. */
import type { KvorumErrorCode } from "./errors.js";

const passing: ReadonlySet<KvorumErrorCode> = new Set<KvorumErrorCode>([
  "overloaded",
  "unreachable",
  "quorum-not-met",
  "timeout",
  "not-owner",
  "stopping",
  "storage-failed",
  "clock-skew",
]);

/** What the cluster or the client said. `members`: a quorum larger than the cluster, which no later moment brings. */
interface Said {
  readonly code: KvorumErrorCode;
  readonly members?: number | undefined;
}

export function isPassing({ code, members }: Said): boolean {
  return passing.has(code) && members === undefined;
}
