/** `resolve --merge` (CONTRACT §2): what is merged, what is refused with its fields named, and what must never change on the way. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergeFields, newestOf } from "../../src/cli/merge-fields.js";
import type { SiblingView } from "../../src/cli/api.js";

let n = 0;
function sibling(value: unknown, timestamp = ++n, more: Partial<SiblingView> = {}): SiblingView {
  return {
    value: typeof value === "string" ? value : JSON.stringify(value),
    encoding: "utf8",
    contentType: "application/json",
    dot: `a:${timestamp}`,
    timestamp,
    clock: {},
    origin: { node: "n1", fallback: false, context: true },
    ...more,
  };
}

function merged(...siblings: SiblingView[]): unknown {
  const result = mergeFields(siblings, "none");
  if (!result.ok) throw new Error(result.reason);
  return JSON.parse(result.value);
}

describe("fields", () => {
  test("equal fields and fields of one side only are taken", () => {
    expect(
      merged(sibling({ a: 1, b: { c: [1, 2] } }), sibling({ b: { c: [1, 2] }, d: null }), sibling({ e: "" })),
    ).toEqual({ a: 1, b: { c: [1, 2] }, d: null, e: "" });
  });

  test("a field that both sides have with different values is refused by name, whatever the others agree on", () => {
    const result = mergeFields(
      [sibling({ z: 1, a: 1, ok: 1 }), sibling({ z: 2, a: "1", ok: 1 }), sibling({ z: 1 })],
      "none",
    );
    expect(result).toMatchObject({ ok: false, fields: ["a", "z"], reason: 'the siblings differ in fields "a", "z"' });
  });

  test("absent and null differ from one another, but only null is a value", () => {
    expect(merged(sibling({ a: null }), sibling({}))).toEqual({ a: null });
    expect(mergeFields([sibling({ a: null }), sibling({ a: 0 })], "none")).toMatchObject({ ok: false, fields: ["a"] });
  });

  test("equality is of values, not of their spelling", () => {
    expect(merged(sibling('{"a":{"x":1,"y":2}}'), sibling('{ "a" : {"y":2.0,"x":1} }'))).toEqual({ a: { x: 1, y: 2 } });
  });

  test("--prefer newest takes the newest sibling's value, ties by dot, in any order of listing", () => {
    const old = sibling({ a: "old", b: 1 }, 5, { dot: "z:1" });
    const young = sibling({ a: "new" }, 9, { dot: "a:1" });
    const tie = sibling({ a: "tie" }, 9, { dot: "b:1" });
    for (const order of [
      [old, young, tie],
      [tie, young, old],
      [young, tie, old],
    ]) {
      expect(mergeFields(order, "newest")).toMatchObject({ ok: true, value: '{"a":"tie","b":1}' });
      expect(newestOf(order)).toBe(tie);
    }
  });
});

describe("what is no object of exact values is refused, not guessed at", () => {
  test.each<[string, SiblingView, RegExp]>([
    ["bytes", sibling("AAE=", 1, { encoding: "base64" }), /^#2 is not text$/],
    ["text", sibling("{", 1), /^#2 is not JSON$/],
    ["a list", sibling([1]), /^#2 is JSON, but no object$/],
    ["null", sibling("null"), /^#2 is JSON, but no object$/],
    ["an integer above 2^53", sibling('{"id":12345678901234567891}'), /^#2 has the number 12345678901234567891/],
    ["a decimal of too many digits", sibling('{"x":0.12345678901234567891}'), /^#2 has the number 0.1234/],
    ["an infinite number", sibling('{"x":1e999}'), /^#2 has the number 1e999/],
    ["a number too small", sibling('{"x":1e-999}'), /^#2 has the number 1e-999/],
  ])("%s", (_what, bad, reason) => {
    const result = mergeFields([sibling({ a: 1 }, 0), bad], "newest");
    expect(result.ok).toBe(false);
    expect(result.ok ? "" : result.reason).toMatch(reason);
  });

  test("numbers that survive are no obstacle, nor are digits in strings", () => {
    const value =
      '{"a":0.30000000000000004,"b":9007199254740991,"c":"12345678901234567891\\"9e999","d":1.50,"e":-0,"f":1e21}';
    expect(mergeFields([sibling(value), sibling({})], "none").ok).toBe(true);
  });
});

test("__proto__ is a field like any other", () => {
  const result = mergeFields([sibling('{"__proto__":{"x":1}}'), sibling('{"a":1}')], "none");
  expect(result).toMatchObject({ ok: true, value: '{"__proto__":{"x":1},"a":1}' });
  expect(mergeFields([sibling('{"__proto__":1}'), sibling('{"__proto__":2}')], "none")).toMatchObject({
    fields: ["__proto__"],
  });
});

test("the content type is the siblings' own when they share one", () => {
  const cart = { contentType: "application/cart+json" };
  expect(mergeFields([sibling({}, 1, cart), sibling({}, 2, cart)], "none")).toMatchObject(cart);
  expect(mergeFields([sibling({}, 1, cart), sibling({})], "none")).toMatchObject({ contentType: "application/json" });
});

test("property: a merge that is not refused keeps every field of every sibling, and order does not matter", () => {
  const objects = fc.array(fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom(1, "x", null)), {
    minLength: 2,
    maxLength: 4,
  });
  fc.assert(
    fc.property(objects, (values) => {
      const siblings = values.map((value, index) => sibling(value, index));
      const result = mergeFields(siblings, "none");
      const reverse = mergeFields(siblings.toReversed(), "none");
      const clash = ["a", "b", "c", "d"].filter((f) => new Set(values.filter((v) => f in v).map((v) => v[f])).size > 1);
      if (!result.ok || !reverse.ok) {
        expect([result, reverse]).toMatchObject([{ fields: clash }, { fields: clash }]);
        return;
      }
      expect(clash).toEqual([]);
      expect(JSON.parse(result.value)).toEqual(Object.assign({}, ...values));
      expect(JSON.parse(reverse.value)).toEqual(JSON.parse(result.value));
    }),
  );
});
