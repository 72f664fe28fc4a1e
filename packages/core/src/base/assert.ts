/** Assertions that stay on in production: what must be true before and after, and what must never be. */

/** A broken invariant: a mistake in Kvorum itself, never in its input. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new InvariantError(invariant);
}

/** Makes a `switch` over a union that forgot a case a compile error. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}
