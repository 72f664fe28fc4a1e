/** JSON objects merged field by field. There is no common ancestor to compare with, so a field counts as changed on both sides when they differ in it. */
import { same } from "./canonical.js";
import { byAge, Undecided, type Resolver } from "./resolver.js";

/** How each field of `T` that siblings differ in becomes one. */
export type FieldRules<T> = {
  readonly [F in keyof T]?: (a: Exclude<T[F], undefined>, b: Exclude<T[F], undefined>) => T[F];
};

export interface FieldsOptions<T> {
  /** For these fields, instead of `otherwise`: lawful rules (`Math.max`, a union) make the whole merge lawful. */
  readonly rules?: FieldRules<T>;
  /**
   * For a field without a rule that siblings have with different values. `newest` (default): the value of the newest sibling that has it; the
   * others' is lost. `refuse`: nobody's: a ConflictError names the fields, and a person decides.
   */
  readonly otherwise?: "newest" | "refuse";
}

/**
 * A field that one side has and the other lacks stays; one that all who have it agree on stays; one that they have with different values goes
 * by its rule, or else by `otherwise`. A field that one side removed and another kept comes back.
 */
export function fieldsResolver<T extends object>({ rules, otherwise = "newest" }: FieldsOptions<T>): Resolver<T> {
  const ruled = new Map(Object.entries(rules ?? {}) as [string, (a: unknown, b: unknown) => unknown][]);
  return (siblings) => {
    const merged = new Map<string, unknown>();
    const refused = new Set<string>();
    for (const { value } of siblings.toSorted(byAge)) {
      for (const [field, theirs] of fieldsOf(value)) {
        const mine = merged.get(field);
        const differ = mine !== undefined && !same(mine, theirs);
        const rule = differ ? ruled.get(field) : undefined;
        if (differ && rule === undefined && otherwise === "refuse") refused.add(field);
        merged.set(field, rule === undefined ? theirs : rule(mine, theirs));
      }
    }
    if (refused.size > 0) throw new Undecided(`the siblings differ in ${quoted(refused)}`);
    // Sorted, so that the merge is the same bytes whoever makes it; defined, so that a field called __proto__ stays one.
    return Object.fromEntries([...merged].toSorted(([a], [b]) => (a < b ? -1 : 1))) as T;
  };
}

function fieldsOf(value: unknown): readonly (readonly [string, unknown])[] {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject) throw new TypeError("fields() merges JSON objects; this sibling is none");
  return Object.entries(value).filter(([, field]) => field !== undefined);
}

function quoted(fields: ReadonlySet<string>): string {
  const names = [...fields].toSorted().map((field) => JSON.stringify(field));
  return `${names.length === 1 ? "field" : "fields"} ${names.join(", ")}`;
}
