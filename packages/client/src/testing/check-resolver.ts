/**
 * Whether a resolver can be trusted with a conflict: that clients which saw the same siblings in different orders, groups and repetitions come
 * to the same value. Tries cases and gives a counter-example in words.
 */
import { inspect } from "node:util";
import type { Sibling } from "../read-result.js";
import { same } from "../resolvers/canonical.js";
import { newest, Undecided, type Resolver } from "../resolvers/resolver.js";
import { casesOf, type Arbitrary } from "./cases.js";
import { siblingOf } from "./siblings.js";

export type Law = "deterministic" | "commutative" | "associative" | "idempotent" | "total";

export interface CheckOptions {
  /** Cases that are tried (default 200). */
  readonly cases?: number | undefined;
  /** Of the random choices, so that a run can be repeated. */
  readonly seed?: number | undefined;
}

/** How many cases held. */
export interface CheckReport {
  readonly cases: number;
  readonly laws: readonly Law[];
}

/** Thrown by {@link checkResolver}: the message tells the counter-example. */
export class ResolverLawError extends Error {
  override readonly name = "ResolverLawError";

  constructor(
    readonly law: Law,
    /** The case, in words. */
    readonly counterExample: string,
  ) {
    super(`this resolver is not ${law}: ${counterExample}`);
  }
}

const laws: readonly Law[] = ["total", "deterministic", "commutative", "idempotent", "associative"];

/**
 * Tries the laws on triples of values, from samples or from a fast-check arbitrary (then fast-check must be installed, and a
 * counter-example is shrunk):
 * - *total*: it gives a value, at once, and does not change its siblings (a conflict that it leaves to a person counts as decided);
 * - *deterministic*: asked twice, it says the same;
 * - *commutative*: the order of the siblings is nothing to it;
 * - *idempotent*: the same value twice resolves to that value;
 * - *associative*: a value that was resolved from two and written back resolves with a third as the three do at once. What is written back
 *   counts as of the time of the newest that it was made of.
 *
 * @throws ResolverLawError with the first law that does not hold.
 */
export async function checkResolver<T>(
  resolver: Resolver<T>,
  arbitraryOrSamples: Arbitrary<T> | readonly T[],
  options: CheckOptions = {},
): Promise<CheckReport> {
  const cases = await casesOf(arbitraryOrSamples, options, (triple) => brokenLaw(resolver, triple));
  if (cases.broken !== undefined) throw cases.broken;
  return { cases: cases.tried, laws };
}

/** The law that three values break, with the counter-example. */
function brokenLaw<T>(resolver: Resolver<T>, triple: readonly T[]): ResolverLawError | undefined {
  const siblings = triple.map((value, place) => siblingOf(value, place));
  try {
    for (const broken of [breaksTotal, breaksPair, breaksTwin, breaksGroups, breaksOrder, breaksRepetition]) {
      const found = broken(resolver, siblings);
      if (found !== undefined) return found;
    }
  } catch (error) {
    // To leave it to a person is to decide nothing: there is no value that laws could be about.
    if (error instanceof Undecided) return undefined;
    return new ResolverLawError("total", `for ${listed(siblings)} it throws ${String(error)}`);
  }
  return undefined;
}

function breaksTotal<T>(resolver: Resolver<T>, siblings: readonly Sibling<T>[]): ResolverLawError | undefined {
  const before = inspect(siblings, { depth: Infinity });
  const [first, second] = [resolver(siblings), resolver(siblings)];
  if (first === undefined || isThenable(first)) {
    const gave = first === undefined ? "undefined" : "a promise";
    return new ResolverLawError("total", `for ${listed(siblings)} it gives ${gave}`);
  }
  if (inspect(siblings, { depth: Infinity }) !== before) {
    return new ResolverLawError("total", `it changes its siblings: they were ${before}`);
  }
  if (same(first, second)) return undefined;
  return new ResolverLawError(
    "deterministic",
    `for ${listed(siblings)} it gives ${shown(first)} once and ${shown(second)} then`,
  );
}

function breaksPair<T>(resolver: Resolver<T>, siblings: readonly Sibling<T>[]): ResolverLawError | undefined {
  const [a, b] = siblings as [Sibling<T>, Sibling<T>];
  return breaksOrderOf(resolver, [a, b], [[b, a]]);
}

function breaksOrder<T>(resolver: Resolver<T>, siblings: readonly Sibling<T>[]): ResolverLawError | undefined {
  const [a, b, c] = siblings as [Sibling<T>, Sibling<T>, Sibling<T>];
  return breaksOrderOf(resolver, siblings, [
    [b, a, c],
    [c, b, a],
    [b, c, a],
  ]);
}

function breaksOrderOf<T>(
  resolver: Resolver<T>,
  siblings: readonly Sibling<T>[],
  orders: readonly (readonly Sibling<T>[])[],
): ResolverLawError | undefined {
  const asGiven = resolver(siblings);
  for (const order of orders) {
    const otherwise = resolver(order);
    if (same(asGiven, otherwise)) continue;
    const story = `${listed(siblings)} gives ${shown(asGiven)}, and ${listed(order)} gives ${shown(otherwise)}`;
    return new ResolverLawError("commutative", story);
  }
  return undefined;
}

/** What a resolver gave once it may put in another form (sorted, say), but then that must stay. */
function breaksTwin<T>(resolver: Resolver<T>, siblings: readonly Sibling<T>[]): ResolverLawError | undefined {
  const [a] = siblings as [Sibling<T>];
  const again = twinOf(a);
  const once = resolver([a, again]);
  const twice = resolver([
    { ...a, value: once },
    { ...again, value: once },
  ]);
  if (same(once, twice)) return undefined;
  const story = `${shown(a.value)} twice gives ${shown(once)}, and that twice gives ${shown(twice)}`;
  return new ResolverLawError("idempotent", story);
}

function breaksRepetition<T>(resolver: Resolver<T>, siblings: readonly Sibling<T>[]): ResolverLawError | undefined {
  const [a] = siblings as [Sibling<T>];
  const asGiven = resolver(siblings);
  const oneMore = resolver([...siblings, twinOf(a)]);
  if (same(oneMore, asGiven)) return undefined;
  const story = `${listed(siblings)} gives ${shown(asGiven)}, and with ${shown(a.value)} once more it gives ${shown(oneMore)}`;
  return new ResolverLawError("idempotent", story);
}

/** The same value at the same time, by another writer. */
function twinOf<T>(sibling: Sibling<T>): Sibling<T> {
  return { ...siblingOf(sibling.value, 7), timestamp: sibling.timestamp };
}

function breaksGroups<T>(resolver: Resolver<T>, siblings: readonly Sibling<T>[]): ResolverLawError | undefined {
  const [a, b, c] = siblings as [Sibling<T>, Sibling<T>, Sibling<T>];
  const together = resolver(siblings);
  for (const [[x, y], z] of [
    [[a, b], c],
    [[b, c], a],
    [[a, c], b],
  ] as const) {
    const pair = resolver([x, y]);
    const inSteps = resolver([{ ...newest([x, y]), value: pair }, z]);
    if (same(together, inSteps)) continue;
    const story =
      `${listed(siblings)} at once gives ${shown(together)}; ${listed([x, y])} first gives ${shown(pair)}, ` +
      `and that with ${shown(z.value)} gives ${shown(inSteps)}`;
    return new ResolverLawError("associative", story);
  }
  return undefined;
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function listed(siblings: readonly Sibling<unknown>[]): string {
  return `[${siblings.map(({ value }) => shown(value)).join(", ")}]`;
}

function shown(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: Infinity });
}
