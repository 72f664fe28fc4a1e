/** What a read finds. Its type tells whether a conflict can reach you: one value, or siblings that cannot be taken for one. */
import { KvorumError } from "../errors.js";
import type { Sibling } from "../read-result.js";

/** One value: it stood alone, or was made of several by a resolver. */
export interface Resolved<T> {
  readonly value: T;
  /** Covers all that was read: `put` or `delete` with it replaces exactly that. */
  readonly context: string;
  /** How many versions stood. */
  readonly siblings: number;
}

/** All versions that stand, one or more. There is no `value`: in plain JavaScript reading it throws. */
export interface Siblings<T> {
  readonly siblings: readonly Sibling<T>[];
  readonly context: string;
}

class FoundSiblings<T> implements Siblings<T> {
  constructor(
    readonly siblings: readonly Sibling<T>[],
    readonly context: string,
  ) {}

  get value(): never {
    throw new KvorumError(
      "unresolved",
      "this bucket has no resolver, so a read gives `siblings`, not `value`: give the bucket or the call a `resolve`, or choose among the siblings",
    );
  }
}

export function foundSiblings<T>(siblings: readonly Sibling<T>[], context: string): Siblings<T> {
  return new FoundSiblings(siblings, context);
}
