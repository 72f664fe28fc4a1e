/** Many keys at once, lists of keys, and what a bucket is set to (CONTRACT §5). */
import { describe, expect, test } from "vitest";
import { json, KvorumError, resolvers, text } from "@kvorum/client";
import { z } from "zod";
import { collect, fake, rejection } from "./support.js";

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
