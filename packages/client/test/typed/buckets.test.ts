/** Typed buckets over the shipped core in memory: what reads give, what writes replace, what errors carry (CONTRACT §5). */
import { describe, expect, onTestFinished, test } from "vitest";
import { ConflictError, json, ResolverError, resolvers, text, union, type Sibling } from "@kvorum/client";
import { openFake } from "@kvorum/client/testing";
import { collect, fake, rejection } from "./support.js";

interface Cart {
  readonly items: readonly string[];
}

const merging = resolvers.merge<Cart>((a, b) => ({ items: union(a.items, b.items) }));

describe("a bucket with a resolver", () => {
  test("gives one value, its context and how many versions stood", async () => {
    const carts = (await fake()).bucket("carts", { codec: json<Cart>(), resolve: merging });
    expect(await carts.get("alice")).toBeUndefined();
    const written = await carts.put("alice", { items: ["book"] });
    expect(written).toEqual({ context: expect.any(String) });
    expect(await carts.get("alice")).toEqual({ value: { items: ["book"] }, context: expect.any(String), siblings: 1 });
  });

  test("a put with the context of a read replaces what was read, and nothing else", async () => {
    const kv = await fake();
    const carts = kv.bucket("carts", { codec: json<Cart>(), resolve: merging });
    await carts.put("alice", { items: ["a"] });
    const read = await carts.get("alice");
    await carts.put("alice", { items: ["late"] });
    await carts.put("alice", { items: ["b"] }, { context: read?.context });
    const { siblings = [] } = (await carts.getSiblings("alice")) ?? {};
    expect(siblings.flatMap(({ value }) => value.items).toSorted()).toEqual(["b", "late"]);
  });

  test("resolves siblings on reading, and writes back when asked", async () => {
    const kv = await fake();
    const carts = kv.bucket("carts", { codec: json<Cart>(), resolve: merging });
    await kv.injectConflict(carts, "alice", [{ items: ["a"] }, { items: ["b"] }, { items: ["a", "c"] }]);
    const seen = await carts.get("alice");
    expect(seen).toMatchObject({ value: { items: ["a", "b", "c"] }, siblings: 3 });
    expect((await carts.getSiblings("alice"))?.siblings).toHaveLength(3);
    const healed = await carts.get("alice", { writeBack: true });
    expect(healed?.value).toEqual({ items: ["a", "b", "c"] });
    expect((await carts.getSiblings("alice"))?.siblings).toHaveLength(1);
    // Its context covers what it wrote: the next write replaces that.
    await carts.put("alice", { items: [] }, { context: healed?.context });
    expect(await carts.get("alice")).toMatchObject({ value: { items: [] }, siblings: 1 });
  });

  test("update reads, resolves, changes and writes back: one version stands", async () => {
    const kv = await fake();
    const carts = kv.bucket("carts", { codec: json<Cart>(), resolve: merging });
    await kv.injectConflict(carts, "alice", [{ items: ["a"] }, { items: ["b"] }]);
    const done = await carts.update("alice", (cart) => ({ items: [...(cart?.items ?? []), "c"] }));
    expect(done).toMatchObject({ value: { items: ["a", "b", "c"] }, siblings: 2 });
    expect((await carts.getSiblings("alice"))?.siblings).toHaveLength(1);
  });

  test("updates of one key in one process take turns: none is a conflict, none is lost", async () => {
    const numbers = (await fake()).bucket("numbers", { codec: json<number>(), resolve: resolvers.manual() });
    await Promise.all(Array.from({ length: 30 }, () => numbers.update("n", (n) => (n ?? 0) + 1)));
    expect(await numbers.get("n")).toMatchObject({ value: 30, siblings: 1 });
  });

  test("an update after a delete replaces the tombstone", async () => {
    const carts = (await fake()).bucket("carts", { codec: json<Cart>(), resolve: merging });
    const { context } = await carts.put("alice", { items: ["a"] });
    await carts.delete("alice", { context });
    expect(await carts.get("alice")).toBeUndefined();
    await carts.update("alice", (cart) => {
      expect(cart).toBeUndefined();
      return { items: ["b"] };
    });
    expect(await carts.get("alice")).toMatchObject({ value: { items: ["b"] }, siblings: 1 });
  });

  test("an update that throws writes nothing, and the next one has its turn", async () => {
    const numbers = (await fake()).bucket("numbers", { codec: json<number>(), resolve: resolvers.max() });
    await numbers.put("n", 1);
    const mistake = new Error("mine");
    expect(await rejection(numbers.update("n", () => Promise.reject(mistake)))).toBe(mistake);
    const nothing = await rejection(numbers.update("n", (() => undefined) as unknown as () => number));
    expect(nothing).toMatchObject({ code: "bad-value" });
    await numbers.update("n", (n) => (n ?? 0) + 1);
    expect(await numbers.get("n")).toMatchObject({ value: 2, siblings: 1 });
  });

  test("ifAbsent refuses a value that stands", async () => {
    const texts = (await fake()).bucket("texts", { codec: text(), resolve: resolvers.lww() });
    await texts.put("k", "first", { ifAbsent: true });
    expect(await rejection(texts.put("k", "second", { ifAbsent: true }))).toMatchObject({
      code: "exists",
      effect: "none",
    });
  });
});

describe("a bucket without a resolver", () => {
  test("gives all versions, with what tells them apart", async () => {
    const kv = await fake();
    const carts = kv.bucket("carts", { codec: json<Cart>() });
    await kv.injectConflict(carts, "alice", [{ items: ["a"] }, { items: ["b"] }]);
    const found = await carts.get("alice");
    expect(found?.siblings).toHaveLength(2);
    for (const sibling of found?.siblings ?? []) {
      expect(sibling).toEqual({
        value: { items: [expect.any(String)] },
        dot: expect.stringMatching(/:\d+$/),
        timestamp: expect.any(Number),
        contentType: "application/json",
        clock: expect.any(Object),
        origin: { node: "memory", fallback: false, context: false },
      });
    }
  });

  test("in plain JavaScript, reading siblings as one value throws, even when one stands", async () => {
    const carts = (await fake()).bucket("carts", { codec: json<Cart>() });
    await carts.put("alice", { items: ["a"] });
    const found = (await carts.get("alice")) as unknown as { readonly value: Cart };
    expect(() => found.value).toThrow(expect.objectContaining({ name: "KvorumError", code: "unresolved" }));
    expect(JSON.parse(JSON.stringify(found))).toEqual({ siblings: [expect.any(Object)], context: expect.any(String) });
  });

  test("a call may bring a resolver of its own", async () => {
    const kv = await fake();
    const carts = kv.bucket("carts", { codec: json<Cart>() });
    await kv.injectConflict(carts, "alice", [{ items: ["a"] }, { items: ["b"] }]);
    const found = await carts.get("alice", { resolve: merging });
    expect(found?.value.items).toEqual(["a", "b"]);
  });

  test("an update of several versions is a conflict, and one version can be updated", async () => {
    const kv = await fake();
    const carts = kv.bucket("carts", { codec: json<Cart>() });
    await kv.injectConflict(carts, "alice", [{ items: ["a"] }, { items: ["b"] }]);
    expect(await rejection(carts.update("alice", (cart) => cart ?? { items: [] }))).toBeInstanceOf(ConflictError);
    await carts.update("alice", (cart) => cart ?? { items: [] }, { resolve: merging });
    await carts.update("alice", (cart) => ({ items: [...(cart?.items ?? []), "c"] }));
    expect((await carts.get("alice"))?.siblings.map(({ value }) => value.items)).toEqual([["a", "b", "c"]]);
  });
});

describe("resolving", () => {
  test("cascades: the call's over the bucket's over the client's", async () => {
    const kv = await openFake({ resolve: resolvers.manual() });
    onTestFinished(() => kv.close());
    const plain = kv.bucket("n", { codec: json<number>() });
    await kv.injectConflict(plain, "k", [1, 2]);
    expect(await rejection(plain.get("k"))).toBeInstanceOf(ConflictError);
    const highest = kv.bucket("n", { codec: json<number>(), resolve: resolvers.max() });
    expect((await highest.get("k"))?.value).toBe(2);
    expect((await highest.get("k", { resolve: (siblings) => siblings.length * 100 }))?.value).toBe(200);
  });

  test("manual: a conflict error carries the siblings and the context that replaces them; the key waits in the inbox", async () => {
    const kv = await fake();
    const notes = kv.bucket("notes", { codec: text(), resolve: resolvers.manual() });
    await kv.injectConflict(notes, "k", ["a", "b"]);
    const error = (await rejection(notes.get("k"))) as ConflictError<string>;
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({ code: "conflict", bucket: "notes", key: "k" });
    expect(error.siblings.map(({ value }) => value).toSorted()).toEqual(["a", "b"]);
    const waiting = await collect(notes.conflicts());
    expect(waiting).toEqual([{ bucket: "notes", key: "k", siblings: 2, since: expect.any(Number) }]);
    expect(await collect(kv.conflicts())).toEqual(waiting);
    await notes.put("k", "both", { context: error.context });
    expect(await notes.get("k")).toMatchObject({ value: "both", siblings: 1 });
    expect(await collect(notes.conflicts())).toEqual([]);
  });

  test("a custom resolver sees values, dots, clocks, timestamps and origins", async () => {
    const kv = await fake();
    const seen: Sibling<string>[] = [];
    const notes = kv.bucket("notes", {
      codec: text(),
      resolve: resolvers.custom((siblings) => {
        seen.push(...siblings);
        return siblings.map(({ value }) => value).join("+");
      }),
    });
    await kv.injectConflict(notes, "k", ["a", "b"]);
    expect((await notes.get("k"))?.value).toMatch(/^[ab]\+[ab]$/);
    const [first, second] = seen as [Sibling<string>, Sibling<string>];
    expect(first.dot).not.toBe(second.dot);
    expect(Object.keys(first.clock)).toHaveLength(1);
    expect(first.origin.node).toBe("memory");
  });

  test.each([
    ["throws", () => JSON.parse("{") as string, "resolver-failed"],
    ["gives nothing", (() => undefined) as unknown as () => string, "resolver-failed"],
    ["gives a promise", (async () => "x") as unknown as () => string, "resolver-failed"],
  ])("a resolver that %s loses nothing", async (_, resolve, code) => {
    const kv = await fake();
    const notes = kv.bucket("notes", { codec: text(), resolve });
    await kv.injectConflict(notes, "k", ["a", "b"]);
    for (const attempt of [notes.get("k"), notes.get("k", { writeBack: true }), notes.update("k", () => "c")]) {
      const error = (await rejection(attempt)) as ResolverError<string>;
      expect(error).toBeInstanceOf(ResolverError);
      expect(error).toMatchObject({ code, bucket: "notes", key: "k" });
      expect(error.siblings).toHaveLength(2);
    }
    expect((await notes.getSiblings("k"))?.siblings).toHaveLength(2);
  });

  test("what is no function is refused when the bucket is made", async () => {
    const kv = await fake();
    const notAFunction = { codec: text(), resolve: resolvers.lww as unknown as ReturnType<typeof resolvers.lww> };
    expect(() => kv.bucket("b", { ...notAFunction, resolve: "lww" as never })).toThrow(/resolvers\.lww\(\)/);
    expect(() => kv.bucket("b", {} as never)).toThrow(/codec/);
  });
});
