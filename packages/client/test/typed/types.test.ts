/** What the compiler promises: inference from codec and resolver, siblings where nothing resolves, mismatches that do not compile. */
import { expect, expectTypeOf, test } from "vitest";
import {
  json,
  resolvers,
  union,
  type Bucket,
  type Codec,
  type Counter,
  type Kvorum,
  type Resolved,
  type Resolver,
  type Sibling,
  type Siblings,
} from "@kvorum/client";
import { openFake } from "@kvorum/client/testing";
import { z } from "zod";

interface Cart {
  readonly items: readonly string[];
}

declare const kv: Kvorum;
declare const resolving: Kvorum<true>;

/** Only compiled: what stands in it is never run. */
const compiled = (_check: () => unknown): void => {};

test("the value's type comes from the codec, and reaches the resolver", () => {
  compiled(() => {
    const carts = kv.bucket("carts", {
      codec: json<Cart>(),
      resolve: resolvers.merge((a, b) => {
        expectTypeOf(a).toEqualTypeOf<Cart>();
        return { items: union(a.items, b.items) };
      }),
    });
    expectTypeOf(carts).toEqualTypeOf<Bucket<Cart>>();
    expectTypeOf(carts.get("k")).resolves.toEqualTypeOf<Resolved<Cart> | undefined>();
    expectTypeOf(carts.getSiblings("k")).resolves.toEqualTypeOf<Siblings<Cart> | undefined>();
    void carts.update("k", (cart) => {
      expectTypeOf(cart).toEqualTypeOf<Cart | undefined>();
      return { items: [...(cart?.items ?? []), "book"] };
    });
    kv.bucket("n", {
      codec: json<number>(),
      resolve: (siblings) => {
        expectTypeOf(siblings).toEqualTypeOf<readonly Sibling<number>[]>();
        return 1;
      },
    });
    expectTypeOf(kv.bucket("n", { codec: json<Counter>(), resolve: resolvers.counter() })).toEqualTypeOf<
      Bucket<Counter>
    >();
    expectTypeOf(kv.bucket("n", { codec: json<number>(), resolve: resolvers.lww() })).toEqualTypeOf<Bucket<number>>();
    expectTypeOf(kv.bucket("n", { codec: json<string[]>(), resolve: resolvers.union() })).toEqualTypeOf<
      Bucket<string[]>
    >();
    expectTypeOf(kv.bucket("n", { codec: json<Cart>(), resolve: resolvers.fields() })).toEqualTypeOf<Bucket<Cart>>();
  });
});

test("options made beforehand are inferred alike, also with a resolver for any value", () => {
  compiled(() => {
    for (const resolve of [resolvers.lww(), resolvers.manual()]) {
      const options = { codec: json<Cart>(), resolve };
      expectTypeOf(kv.bucket("carts", options)).toEqualTypeOf<Bucket<Cart>>();
    }
    const merging = { codec: json<Cart>(), resolve: resolvers.merge<Cart>((a) => a) };
    expectTypeOf(kv.bucket("carts", merging)).toEqualTypeOf<Bucket<Cart>>();
  });
});

test("without a resolver reads give siblings, which cannot be read as one value", () => {
  compiled(async () => {
    const carts = kv.bucket("carts", { codec: json<Cart>() });
    expectTypeOf(carts).toEqualTypeOf<Bucket<Cart, Siblings<Cart>>>();
    const found = await carts.get("k");
    expectTypeOf(found).toEqualTypeOf<Siblings<Cart> | undefined>();
    // @ts-expect-error there is no one value
    void found?.value;
    // @ts-expect-error siblings are a list
    void found?.siblings.value;
    expectTypeOf(found?.siblings[0]?.value).toEqualTypeOf<Cart | undefined>();
    expectTypeOf(await carts.get("k", { resolve: resolvers.lww() })).toEqualTypeOf<Resolved<Cart> | undefined>();
    const [first] = await carts.getMany(["k"]);
    // @ts-expect-error whether it is there is asked first
    void first?.found;
    if (first?.ok === true) expectTypeOf(first.found).toEqualTypeOf<Siblings<Cart> | undefined>();
  });
});

test("a client's own resolver makes all its buckets give one value", () => {
  compiled(async () => {
    expectTypeOf(await resolving.bucket("n", { codec: json<Cart>() }).get("k")).toEqualTypeOf<
      Resolved<Cart> | undefined
    >();
    expectTypeOf(openFake({ resolve: resolvers.lww() })).resolves.toExtend<Kvorum<true>>();
    // @ts-expect-error one for all buckets needs to know nothing of their values
    void openFake({ resolve: resolvers.max<number>() });
  });
});

test("a schema gives the type, and what does not fit it does not compile", () => {
  const user = z.object({ name: z.string(), born: z.coerce.date(), age: z.int().default(0) });
  compiled(() => {
    const users = kv.bucket("users", { codec: json(user) });
    expectTypeOf(users).toEqualTypeOf<Bucket<z.output<typeof user>, Siblings<z.output<typeof user>>>>();
    void users.put("u", { name: "Ada", born: new Date(0), age: 36 });
    // @ts-expect-error a field is missing
    void users.put("u", { name: "Ada", born: new Date(0) });
    // @ts-expect-error a field has another type
    void users.put("u", { name: 1, born: new Date(0), age: 36 });
    // @ts-expect-error what the schema gives is not what it takes: it could not be read again
    json(z.string().transform((text) => text.length));
    // @ts-expect-error not a schema
    json({ name: "string" });
    // @ts-expect-error a resolver of other values
    kv.bucket("users", { codec: json(user), resolve: resolvers.max<number>() });
  });
  expect(json(user).contentType).toBe("application/json");
});

test("options are checked", () => {
  compiled(() => {
    const carts = kv.bucket("carts", { codec: json<Cart>(), resolve: resolvers.lww() });
    const cart: Resolved<Cart> | undefined = undefined as Resolved<Cart> | undefined;
    void carts.delete("k", { context: cart?.context, w: "all", sloppy: false, timeout: 100 });
    void carts.get("k", { r: 2, hedge: 10, signal: AbortSignal.timeout(10), writeBack: true });
    // @ts-expect-error no such quorum
    void carts.get("k", { r: "most" });
    // @ts-expect-error a read has no context
    void carts.get("k", { context: "x" });
    // @ts-expect-error a bucket has a codec
    kv.bucket("carts", {});
    const mine: Codec<number> = { contentType: "x/y", encode: () => new Uint8Array(), decode: () => 1 };
    const resolver: Resolver<number> = (siblings) => siblings.length;
    expectTypeOf(kv.bucket("n", { codec: mine, resolve: resolver })).toEqualTypeOf<Bucket<number>>();
  });
});
