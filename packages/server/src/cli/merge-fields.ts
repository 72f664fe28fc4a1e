/**
 * `resolve --merge`: siblings that are JSON objects become one, field by field (CONTRACT §2). There is no common ancestor to compare
 * with: a field that all who have it agree on is taken, one that they have with different values is refused, or on request the newest
 * sibling's is taken. So a field that one side removed and another kept comes back: the removal cannot be told from never having had it.
 */
import { isDeepStrictEqual } from "node:util";
import type { SiblingView } from "./api.js";

export type Merge =
  | { readonly ok: true; readonly value: string; readonly contentType: string }
  | { readonly ok: false; readonly reason: string; readonly fields: readonly string[] };

export type Preference = "none" | "newest";

/** Merges any number of siblings. The result does not depend on their order, nor do its fields. */
export function mergeFields(siblings: readonly SiblingView[], prefer: Preference): Merge {
  const oldestFirst = siblings.toSorted(byAge);
  const merged = new Map<string, unknown>();
  const differing = new Set<string>();
  for (const sibling of oldestFirst) {
    const parsed = fieldsOf(sibling);
    if (typeof parsed === "string") {
      return { ok: false, reason: `#${siblings.indexOf(sibling) + 1} ${parsed}`, fields: [] };
    }
    for (const [field, value] of parsed) {
      if (merged.has(field) && !isDeepStrictEqual(merged.get(field), value)) differing.add(field);
      merged.set(field, value);
    }
  }
  if (differing.size > 0 && prefer === "none") {
    const fields = [...differing].toSorted();
    const named = fields.map((field) => JSON.stringify(field)).join(", ");
    const reason = `the siblings differ in ${fields.length === 1 ? "field" : "fields"} ${named}`;
    return { ok: false, reason, fields };
  }
  const types = new Set(siblings.map(({ contentType }) => contentType));
  const contentType = types.size === 1 ? (siblings[0]?.contentType ?? "") : "application/json";
  // fromEntries defines properties, so that a field called __proto__ stays one.
  return { ok: true, value: JSON.stringify(Object.fromEntries(merged)), contentType };
}

/** By the time of the write, then by dot: the same order wherever it is asked. */
export function byAge(a: SiblingView, b: SiblingView): number {
  return a.timestamp - b.timestamp || (a.dot < b.dot ? -1 : a.dot > b.dot ? 1 : 0);
}

export function newestOf(siblings: readonly SiblingView[]): SiblingView | undefined {
  return siblings.toSorted(byAge).at(-1);
}

/** The fields, or why there are none to merge. */
function fieldsOf({ value, encoding }: SiblingView): readonly (readonly [string, unknown])[] | string {
  if (encoding !== "utf8") return "is not text";
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return "is not JSON";
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return "is JSON, but no object";
  const inexact = inexactNumber(value);
  if (inexact !== undefined) return `has the number ${inexact}, which a merge would round`;
  return Object.entries(parsed);
}

const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A number of well-formed JSON that a double cannot carry: merging must not change what nobody changed. */
function inexactNumber(json: string): string | undefined {
  for (const [token] of json.matchAll(stringOrNumber)) {
    if (!token.startsWith('"') && !isExact(token)) return token;
  }
  return undefined;
}

/** Up to 15 significant digits always survive; more only when the double prints as the same digits. */
function isExact(token: string): boolean {
  const number = Number(token);
  const digits = significantDigits(token);
  if (!Number.isFinite(number) || (number === 0 && digits !== "")) return false;
  return digits.length <= 15 || significantDigits(String(number)) === digits;
}

function significantDigits(number: string): string {
  return number
    .replace(/[eE].*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "")
    .replace(/0+$/, "");
}
