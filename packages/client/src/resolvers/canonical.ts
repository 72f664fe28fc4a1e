/** One text for one value, whatever the order of its fields: how resolvers tell equal values, and order different ones. */

/** JSON with sorted fields. What JSON does not carry (dates, bytes, bigints, maps, sets) has a form of its own. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value instanceof Date) return `date:${value.getTime()}`;
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString("hex")}`;
  if (value instanceof Map) return `map:${canonical([...value].map(canonical).toSorted())}`;
  if (value instanceof Set) return `set:${canonical([...value].map(canonical).toSorted())}`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).filter(([, each]) => each !== undefined);
    return `{${fields
      .map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`)
      .toSorted()
      .join()}}`;
  }
  if (typeof value === "bigint") return `${value}n`;
  // JSON writes both zeros as one and NaN as null.
  if (typeof value === "number") return Object.is(value, -0) ? "0" : String(value);
  return JSON.stringify(value) ?? "undefined";
}

export function same(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || canonical(a) === canonical(b);
}

/** A total order of texts that does not depend on where it runs. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
