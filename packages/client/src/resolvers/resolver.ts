/** What resolves a conflict: a function of the siblings, which runs in the client and never in the cluster (Dynamo §4.4: semantic reconciliation). */
import type { Sibling } from "../read-result.js";

/**
 * Gets two or more siblings, always in the same order (by dot), and gives the one value that shall stand. To be deterministic: every client
 * that sees the same siblings must come to the same value, or they go on disagreeing. `checkResolver` of `@kvorum/client/testing` tests that.
 * It must not change the siblings. One that throws leaves everything as it is: the caller gets a {@link ResolverError}, or with
 * {@link Undecided} a {@link ConflictError}, that carries them.
 */
export type Resolver<T> = (siblings: readonly Sibling<T>[]) => T;

/** One that needs to know nothing of the values: may stand for all buckets of a client. */
export type AnyResolver = <T>(siblings: readonly Sibling<T>[]) => T;

/** Thrown by a resolver: this conflict is not for code to decide. */
export class Undecided extends Error {
  override readonly name = "Undecided";
}

/** By the time of the write, then by dot: the same order on every client. */
export function byAge(a: Sibling<unknown>, b: Sibling<unknown>): number {
  return a.timestamp - b.timestamp || (a.dot < b.dot ? -1 : a.dot > b.dot ? 1 : 0);
}

/** The one that was written last; ties by dot. */
export function newest<T>(siblings: readonly Sibling<T>[]): Sibling<T> {
  return siblings.reduce((best, sibling) => (byAge(best, sibling) < 0 ? sibling : best));
}
