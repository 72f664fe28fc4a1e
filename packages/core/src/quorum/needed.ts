/** How many replies a request needs: R and W against the replicas there are (Dynamo §4.5, CONTRACT §4). */
import type { QuorumArg } from "../base/quorum-arg.js";

/** A majority of `m` replicas: any two majorities share a member. */
export function majority(m: number): number {
  return Math.floor(m / 2) + 1;
}

export type Needed =
  | { readonly kind: "needed"; readonly count: number }
  /** More than the cluster's N: a mistake in the request. */
  | { readonly kind: "above-n" }
  /** More than the members that exist: right in a larger cluster, impossible in this one. */
  | { readonly kind: "impossible"; readonly count: number };

/**
 * `replicas` is m = min(N, members not removed): those that are down count, or a minority could call itself everybody.
 */
export function neededReplies(quorum: QuorumArg, n: number, replicas: number): Needed {
  switch (quorum) {
    case "one":
      return { kind: "needed", count: 1 };
    case "quorum":
      return { kind: "needed", count: majority(replicas) };
    case "all":
      return { kind: "needed", count: replicas };
    default:
      if (quorum > n) return { kind: "above-n" };
      return quorum > replicas ? { kind: "impossible", count: quorum } : { kind: "needed", count: quorum };
  }
}
