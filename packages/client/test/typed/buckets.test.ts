/** Typed buckets over the shipped core in memory: what reads give, what writes replace, what errors carry (CONTRACT §5). */
import { describe, expect, onTestFinished, test } from "vitest";
import {
  bytes,
  ConflictError,
  json,
  KvorumError,
  msgpack,
  ResolverError,
  resolvers,
  text,
  union,
  ValidationError,
  type Sibling,
} from "@kvorum/client";
import { openFake } from "@kvorum/client/testing";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
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

describe("codecs", () => {
  const user = z.object({ name: z.string().min(1), age: z.int().default(0) });

  test("a schema checks what is written, and fills in what it says", async () => {
    const users = (await fake()).bucket("users", { codec: json(user), resolve: resolvers.lww() });
    const error = await rejection(users.put("u", { name: "", age: 1 }));
    expect(error).toBeInstanceOf(ValidationError);
    expect(error).toMatchObject({ code: "bad-value", effect: "none", message: expect.stringContaining("name") });
    expect(await users.get("u")).toBeUndefined();
    await users.put("u", { name: "Ada" } as z.output<typeof user>);
    expect((await users.get("u"))?.value).toEqual({ name: "Ada", age: 0 });
  });

  test("a schema checks what is read, and a hook migrates old shapes", async () => {
    const kv = await fake();
    await kv.bucket("users", { codec: json<unknown>() }).put("u", { fullName: "Ada" });
    const strict = kv.bucket("users", { codec: json(user), resolve: resolvers.lww() });
    expect(await rejection(strict.get("u"))).toMatchObject({
      code: "bad-value",
      message: expect.stringMatching(/users\/u.*name/),
    });
    const migrating = kv.bucket("users", {
      codec: json(user, { migrate: (old) => ({ name: (old as { fullName: string }).fullName }) }),
      resolve: resolvers.lww(),
    });
    expect((await migrating.get("u"))?.value).toEqual({ name: "Ada", age: 0 });
    await migrating.update("u", (known) => known ?? { name: "?", age: 0 });
    expect((await strict.get("u"))?.value).toEqual({ name: "Ada", age: 0 });
  });

  test("a schema may answer with a promise", async () => {
    const slow = user.refine(async ({ name }) => Promise.resolve(name !== "nobody"));
    const users = (await fake()).bucket("users", { codec: json(slow), resolve: resolvers.lww() });
    await users.put("u", { name: "Ada", age: 36 });
    expect((await users.get("u"))?.value).toEqual({ name: "Ada", age: 36 });
    expect(await rejection(users.put("u", { name: "nobody", age: 1 }))).toMatchObject({ code: "bad-value" });
  });

  test("any Standard Schema will do, also one that is a function", async () => {
    const even = Object.assign(() => {}, {
      "~standard": {
        version: 1,
        vendor: "mine",
        validate: (value: unknown) =>
          typeof value === "number" && value % 2 === 0
            ? { value }
            : { issues: [{ message: "not even", path: ["deep", { key: "er" }] }] },
      },
    } as const satisfies StandardSchemaV1<number>);
    const numbers = (await fake()).bucket("numbers", { codec: json(even), resolve: resolvers.max() });
    await numbers.put("k", 2);
    expect((await numbers.get("k"))?.value).toBe(2);
    const message = "numbers/k was not written: deep.er: not even";
    expect(await rejection(numbers.put("k", 3))).toMatchObject({ code: "bad-value", message });
    expect(() => json({} as typeof even)).toThrow(/Standard Schema/);
  });

  test("bytes come back as they were, and what is given is copied", async () => {
    const blobs = (await fake()).bucket("blobs", { codec: bytes("image/png"), resolve: resolvers.lww() });
    const given = new Uint8Array([0, 255, 1]);
    const writing = blobs.put("k", given);
    given.fill(7);
    await writing;
    const [sibling] = (await blobs.getSiblings("k"))?.siblings ?? [];
    expect(sibling).toMatchObject({ value: new Uint8Array([0, 255, 1]), contentType: "image/png" });
  });

  test("msgpack carries dates and bytes, with a schema too", async () => {
    const schema = z.object({ at: z.date(), raw: z.instanceof(Uint8Array) });
    const events = (await fake()).bucket("events", { codec: msgpack(schema), resolve: resolvers.lww() });
    const event = { at: new Date(1_700_000_000_123), raw: new Uint8Array([1, 2, 3]) };
    await events.put("k", event);
    const read = (await events.get("k"))?.value;
    expect(read?.at).toEqual(event.at);
    expect([...(read?.raw ?? [])]).toEqual([1, 2, 3]);
  });

  test.each([
    ["json of undefined", json<unknown>(), undefined],
    ["json of a function", json<unknown>(), () => 1],
    ["json of a bigint", json<unknown>(), 1n],
    ["half a character", text(), "\ud800"],
    ["a number as text", text(), 5],
    ["text as bytes", bytes(), "x"],
    ["msgpack of undefined", msgpack<unknown>(), undefined],
  ])("%s is refused before anything is sent", async (_, codec, value) => {
    const kv = await fake();
    const bucket = kv.bucket("b", { codec: codec as ReturnType<typeof json<unknown>> });
    expect(await rejection(bucket.put("k", value))).toMatchObject({ code: "bad-value", effect: "none" });
    expect(await bucket.get("k")).toBeUndefined();
  });

  test("values of another codec are an error that names the version, and can be read as bytes", async () => {
    const kv = await fake();
    await kv.bucket("b", { codec: bytes() }).put("k", new Uint8Array([0xff]));
    for (const codec of [json<unknown>(), text()]) {
      const error = await rejection(kv.bucket("b", { codec: codec as ReturnType<typeof text> }).get("k"));
      expect(error).toMatchObject({ code: "bad-value", message: expect.stringContaining("application/octet-stream") });
    }
    expect((await kv.bucket("b", { codec: bytes() }).get("k"))?.siblings[0]?.value).toEqual(new Uint8Array([0xff]));
  });
});

describe("many at once, and lists", () => {
  test("getMany and putMany give each item its own result, in order", async () => {
    const kv = await fake();
    const numbers = kv.bucket("numbers", { codec: json(z.int()), resolve: resolvers.max() });
    const written = await numbers.putMany([
      { key: "a", value: 1 },
      { key: "b", value: 0.5 },
      { key: "", value: 3 },
      { key: "c", value: 4 },
    ]);
    expect(written.map(({ key, ok }) => [key, ok])).toEqual([
      ["a", true],
      ["b", false],
      ["", false],
      ["c", true],
    ]);
    expect(written[1]).toMatchObject({ error: { code: "bad-value" } });
    expect(written[2]).toMatchObject({ error: { code: "bad-parameter" } });
    const read = await numbers.getMany(["c", "nothing", "", "a"]);
    expect(read.map((each) => (each.ok ? each.found?.value : (each.error as KvorumError).code))).toEqual([
      4,
      undefined,
      "bad-parameter",
      1,
    ]);
  });

  test("more at once than a node takes are not shed", async () => {
    const numbers = (await fake()).bucket("numbers", { codec: json<number>(), resolve: resolvers.max() });
    const entries = Array.from({ length: 6_000 }, (_, i) => ({ key: `k${i}`, value: i }));
    expect((await numbers.putMany(entries)).filter(({ ok }) => !ok)).toEqual([]);
    const read = await numbers.getMany(entries.map(({ key }) => key));
    expect(read.every((each, i) => each.ok && each.found?.value === i)).toBe(true);
  });

  test("keys come page by page, each once, under a prefix, and deleted ones never", async () => {
    const kv = await fake();
    const texts = kv.bucket("texts", { codec: text(), resolve: resolvers.lww() });
    await texts.putMany(Array.from({ length: 55 }, (_, i) => ({ key: `a${i}`, value: "x" })));
    await texts.put("b", "x");
    await texts.delete("a7");
    const keys = await collect(texts.keys({ prefix: "a", pageSize: 10 }));
    expect(keys.toSorted()).toEqual(
      Array.from({ length: 55 }, (_, i) => `a${i}`)
        .filter((key) => key !== "a7")
        .toSorted(),
    );
    expect(await rejection(collect(texts.keys({ pageSize: 0 })))).toMatchObject({ code: "bad-parameter" });
  });

  test("a bucket's configuration is read and changed", async () => {
    const kv = await fake();
    expect(await kv.configuration("prices")).toEqual({ n: 3, r: "quorum", w: "quorum", conflicts: "siblings" });
    expect(await kv.configure("prices", { conflicts: "lww", r: "one" })).toMatchObject({ conflicts: "lww", r: "one" });
    const prices = kv.bucket("prices", { codec: json<number>() });
    await kv.injectConflict(prices, "pen", [1, 2, 3]);
    expect((await prices.get("pen"))?.siblings.map(({ value }) => value)).toEqual([3]);
    expect(await rejection(kv.configuration("no/bucket"))).toMatchObject({ code: "bad-parameter" });
    for (const change of [{ r: 4 }, { w: 0 }, { ttl: 0 }, { ttl: 0.5 }, { conflicts: "mine" as "lww" }]) {
      expect(await rejection(kv.configure("prices", change))).toMatchObject({ code: "bad-parameter" });
    }
    expect(await kv.configure("prices", { ttl: 60 })).toMatchObject({ ttl: 60 });
    expect(await kv.configure("prices", { ttl: null })).not.toHaveProperty("ttl");
  });

  test("a value with a time to live says when it expires", async () => {
    const texts = (await fake()).bucket("texts", { codec: text() });
    await texts.put("k", "x", { ttl: 60 });
    const [sibling] = (await texts.get("k"))?.siblings ?? [];
    expect(sibling?.expires).toBeGreaterThan(Date.now());
    expect(await rejection(texts.put("k", "x", { ttl: -1 }))).toMatchObject({ code: "bad-parameter" });
  });
});
