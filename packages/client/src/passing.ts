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

export function isPassing({ code }: { readonly code: KvorumErrorCode }): boolean {
  return passing.has(code);
}
