/** Sets, kept as lists: everything that any side has. */
import { canonical, compareText } from "./canonical.js";

/**
 * Every element of both lists once, in an order that does not depend on who comes first. `by` tells when two elements are the same one (by
 * default: equal as JSON); of two that are the same and yet differ the greater as JSON stands. What one side removed and the other kept is in
 * it: a union cannot tell a removal from never having had it.
 */
export function union<E>(a: readonly E[], b: readonly E[], by: (element: E) => unknown = (element) => element): E[] {
  const found = new Map<string, { readonly text: string; readonly element: E }>();
  for (const element of [...a, ...b]) {
    const name = canonical(by(element));
    const text = canonical(element);
    const known = found.get(name);
    if (known === undefined || compareText(known.text, text) < 0) found.set(name, { text, element });
  }
  return [...found].toSorted(([x], [y]) => compareText(x, y)).map(([, { element }]) => element);
}
