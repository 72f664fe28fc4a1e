/** The resolvers that come with the client: the four ways of the design (merge, last write wins, custom logic, manual) and ready-made merges. */
import { canonical, compareText } from "./canonical.js";
import { counter, type Counter } from "./counter.js";
import { fieldsResolver, type FieldsOptions } from "./fields.js";
import { newest, Undecided, type AnyResolver, type Resolver } from "./resolver.js";
import { union } from "./union.js";

/** What can be compared with `<` on every machine alike. */
export type Ordered = number | bigint | string | Date;

export const resolvers = {
  /**
   * Two values become one, as often as there are siblings. Make it commutative, associative and idempotent, and all clients agree whatever
   * they saw first; `checkResolver` tries.
   */
  merge<T>(merge: (a: T, b: T) => T): Resolver<T> {
    return (siblings) => siblings.map(({ value }) => value).reduce((a, b) => merge(a, b));
  },

  /** Lists as sets: every element that any sibling has, once. See {@link union}. */
  union<E>(by?: (element: E) => unknown): Resolver<E[]> {
    return (siblings) => siblings.map(({ value }) => value).reduce((a, b) => union(a, b, by));
  },

  /** The highest value, or the value that `select` finds highest. Two that are equally high and yet differ: the greater as JSON. */
  max<T>(select: (value: T) => Ordered = (value) => value as Ordered): Resolver<T> {
    return (siblings) => siblings.map(({ value }) => value).reduce((a, b) => (isHigher(select, b, a) ? b : a));
  },

  /** For {@link Counter} values: no increment is lost. */
  counter(): Resolver<Counter> {
    return (siblings) => siblings.map(({ value }) => value).reduce((a, b) => counter.merge(a, b));
  },

  /**
   * JSON objects, field by field: what only one side has stays, what all agree on stays, and a field that siblings have with different values
   * goes by its rule, or to the newest sibling's value, or to a person: see {@link FieldsOptions}.
   */
  fields<T extends object>(options: FieldsOptions<T> = {}): Resolver<T> {
    return fieldsResolver(options);
  },

  /**
   * The newest by timestamp; the others, though acknowledged, are **lost**. Of two writes at the same time that is one of them, and which one
   * depends on clocks. For values where that is fine, and for those that come anew all the time. To have the cluster itself keep only the
   * newest, configure the bucket: `kv.configure(bucket, { conflicts: "lww" })`.
   */
  lww(): AnyResolver {
    return (siblings) => newest(siblings).value;
  },

  /** Your own logic, which sees each sibling's value, dot, clock, timestamp and origin. The same as the function itself. */
  custom<T>(resolve: Resolver<T>): Resolver<T> {
    return (siblings) => resolve(siblings);
  },

  /** Nobody but a person: a read of several siblings rejects with a {@link ConflictError} that carries them, and the key waits among `conflicts()`. */
  manual(): AnyResolver {
    return (siblings) => {
      throw new Undecided(`${siblings.length} siblings wait for somebody to choose`);
    };
  },
} as const;

function isHigher<T>(select: (value: T) => Ordered, a: T, b: T): boolean {
  const [x, y] = [select(a), select(b)];
  if (x > y) return true;
  if (x < y) return false;
  return compareText(canonical(a), canonical(b)) > 0;
}
