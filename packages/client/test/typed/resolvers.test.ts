/** The laws of the ready-made resolvers, tried by the tool that users try theirs with; and that the tool sees what is wrong with unlawful ones. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { counter, resolvers, Undecided, union, type Counter, type Resolver } from "@kvorum/client";
import { checkResolver, ResolverLawError, siblingsOf } from "@kvorum/client/testing";
import { rejection } from "./support.js";

const names = fc.array(fc.constantFrom("a", "b", "c", "__proto__"), { maxLength: 4 });
const tallies = fc.dictionary(fc.constantFrom("p", "q", "__proto__"), fc.nat(9), { maxKeys: 3 });
const counters: fc.Arbitrary<Counter> = fc.record({ up: tallies, down: tallies });

describe("lawful", () => {
  test("union, by value and by a part of it", async () => {
    await checkResolver(resolvers.union<string>(), names);
    const items = fc.array(fc.record({ id: fc.nat(3), name: fc.constantFrom("x", "y") }), { maxLength: 4 });
    await checkResolver(
      resolvers.union<{ id: number; name: string }>(({ id }) => id),
      items,
    );
  });

  test("max, of numbers, dates and parts of values", async () => {
    await checkResolver(resolvers.max<number>(), fc.integer());
    await checkResolver(resolvers.max<Date>(), fc.date({ noInvalidDate: true }));
    const stocks = fc.record({ count: fc.nat(3), note: fc.constantFrom("x", "y") });
    await checkResolver(
      resolvers.max<{ count: number; note: string }>(({ count }) => count),
      stocks,
    );
  });

  test("counter", async () => {
    await checkResolver(resolvers.counter(), counters);
  });

  test("last write wins, and manual", async () => {
    await checkResolver<string>(resolvers.lww(), fc.string());
    await checkResolver<string>(resolvers.manual(), ["a", "b"]);
  });

  test("a merge of lawful parts, and fields with lawful rules", async () => {
    const cart = fc.record({ items: names });
    await checkResolver(
      resolvers.merge<{ items: string[] }>((a, b) => ({ items: union(a.items, b.items) })),
      cart,
    );
    const document = fc.record({ likes: fc.nat(5), tags: names }, { requiredKeys: [] });
    const rules = { likes: Math.max, tags: (a: string[], b: string[]) => union(a, b) };
    await checkResolver(resolvers.fields<{ likes?: number; tags?: string[] }>({ rules }), document);
    await checkResolver(resolvers.fields<Record<string, number>>({ otherwise: "refuse" }), tallies);
  });

  test("with samples all triples are tried, and with many some", async () => {
    expect((await checkResolver(resolvers.max<number>(), [1, 2, 3])).cases).toBe(27);
    const many = Array.from({ length: 50 }, (_, i) => i);
    expect(await checkResolver(resolvers.max<number>(), many, { cases: 70 })).toEqual({
      cases: 70,
      laws: ["total", "deterministic", "commutative", "idempotent", "associative"],
    });
  });
});

describe("unlawful, and told in words", () => {
  let calls = 0;
  const wrong: readonly [string, Resolver<number>][] = [
    ["commutative", resolvers.merge((a) => a)],
    ["associative", resolvers.merge((a, b) => Math.round((a + b) / 2))],
    ["idempotent", resolvers.merge((a, b) => a + b)],
    ["deterministic", () => calls++],
    ["total", () => undefined as unknown as number],
    ["total", (siblings) => JSON.parse(`{${siblings.length}`) as number],
    ["total", async () => 1] as unknown as [string, Resolver<number>],
  ];

  test.each(wrong)("not %s", async (law, resolver) => {
    for (const from of [[0, 1, 4, 10], fc.nat(20)]) {
      const error = (await rejection(checkResolver(resolver, from))) as ResolverLawError;
      expect(error).toBeInstanceOf(ResolverLawError);
      expect(error.law).toBe(law);
      expect(error.message).toContain(error.counterExample);
      expect(error.counterExample).toMatch(/\d/);
    }
  });

  test("a resolver that changes its siblings", async () => {
    const sorting: Resolver<number[]> = (siblings) => siblings.flatMap(({ value }) => value.sort((a, b) => a - b));
    expect(await rejection(checkResolver(sorting, [[2, 1], [3]]))).toMatchObject({ law: "total" });
  });

  test("an arbitrary's counter-example is shrunk", async () => {
    const error = (await rejection(
      checkResolver(
        resolvers.merge<number>((a, b) => a + b),
        fc.nat(),
      ),
    )) as ResolverLawError;
    expect(error.counterExample).toContain("1 twice gives 2, and that twice gives 4");
  });

  test("fields by the newest depend on which two meet first: the price of having no common ancestor", async () => {
    const documents = [{ x: 1 }, { x: 2, y: 1 }, { y: 2 }];
    const error = await rejection(checkResolver(resolvers.fields<{ x?: number; y?: number }>(), documents));
    expect(error).toMatchObject({ law: "associative" });
  });
});

describe("what they give", () => {
  test("fields: one side's stay, equal ones stay, the same field on both sides is the newest's", () => {
    // By time: the third, the first, the second.
    const siblings = siblingsOf<Record<string, unknown>>(
      { title: "first", a: 1, same: [1, { x: 2 }] },
      { title: "second", b: 2, same: [1, { x: 2 }] },
      { title: "third", a: 3, same: [1, { x: 2 }] },
    );
    expect(resolvers.fields()(siblings)).toEqual({ title: "second", a: 1, b: 2, same: [1, { x: 2 }] });
  });

  test("fields: a rule for a field, and a refusal that names the others", () => {
    const [first, second] = [
      { likes: 3, title: "x" },
      { likes: 5, title: "y" },
    ];
    const rules = { likes: Math.max };
    expect(resolvers.fields({ rules })(siblingsOf(first, second))).toEqual({ likes: 5, title: "y" });
    const careful = resolvers.fields({ rules, otherwise: "refuse" });
    expect(() => careful(siblingsOf(first, second))).toThrow(new Undecided('the siblings differ in field "title"'));
    expect(() => careful(siblingsOf(first, { ...second, title: "x" }))).not.toThrow();
    expect(() => resolvers.fields()(siblingsOf<object>([1], [2]))).toThrow(/JSON objects/);
  });

  test("fields called __proto__ and constructor are fields", () => {
    const strange = JSON.parse('{"__proto__": {"x": 1}, "constructor": 1}') as object;
    const merged = resolvers.fields()(siblingsOf<object>(strange, { y: 2 }));
    expect(JSON.stringify(merged)).toBe('{"__proto__":{"x":1},"constructor":1,"y":2}');
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test("a counter counts up and down, and concurrent counts add up", () => {
    const base = counter.add(undefined, 5, "p");
    const [left, right] = [counter.add(base, 2, "p"), counter.add(base, -4, "__proto__")];
    expect(counter.value(counter.merge(left, right))).toBe(3);
    expect(counter.value(undefined)).toBe(0);
    expect(() => counter.add(base, 0.5)).toThrow(RangeError);
    const merged = resolvers.counter()(siblingsOf(left, right));
    expect(counter.value(JSON.parse(JSON.stringify(merged)) as Counter)).toBe(3);
  });

  test("union is one list whoever comes first", () => {
    expect(union([3, 1], [2, 1])).toEqual([1, 2, 3]);
    expect(union([{ a: 1, b: 2 }], [{ b: 2, a: 1 }])).toHaveLength(1);
  });
});
