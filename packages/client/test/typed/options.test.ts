/** What is said with a call is looked at before anything is sent: plain JavaScript has no compiler to do it. */
import { expect, test } from "vitest";
import { json, resolvers, ValidationError, type BucketChange } from "@kvorum/client";
import { Kvorum, RawClient } from "@kvorum/client/internal";
import { got, startNodes } from "../fake-node.js";
import { openFake } from "@kvorum/client/testing";
import { fake, rejection } from "./support.js";

const numbers = { codec: json<number>(), resolve: resolvers.max<number>() };

const refusedReads: readonly object[] = [
  ...[-1, 0, Number.NaN, Infinity, "5", null].map((timeout) => ({ timeout })),
  ...[-1, 0, 2.5, Number.NaN, 200, "2", "most", null].map((r) => ({ r })),
  ...[-1, Number.NaN, "x"].map((hedge) => ({ hedge })),
  ...[{ sloppy: "no" }, { signal: 5 }, { signal: null }, { resolve: "lww" }, { writeBack: "yes" }],
];
const refusedWrites: readonly object[] = [
  ...[-1, 0, 2.5, Number.NaN, 200, "2", "most"].map((w) => ({ w })),
  ...[-1, 1.5, "1", 1e12].map((ttl) => ({ ttl })),
  ...[{ ifAbsent: "x" }, { idempotencyKey: 5 }, { idempotencyKey: "" }, { context: 5 }, { timeout: "5" }],
];

test.each(refusedReads)("a read with %o is refused, naming the option", async (options) => {
  const kv = await fake();
  const bucket = kv.bucket("n", numbers);
  await bucket.put("k", 1);
  for (const call of [bucket.get("k", options), bucket.update("k", () => 2, options)]) {
    expect(await rejection(call)).toBeInstanceOf(ValidationError);
  }
  const [only] = await bucket.getMany(["k"], options);
  expect(only).toMatchObject({ ok: false, error: { code: "bad-parameter" } });
  expect((await bucket.get("k"))?.value).toBe(1);
});

test.each(refusedWrites)("a write with %o is refused, and nothing is written", async (options) => {
  const kv = await fake();
  const bucket = kv.bucket("n", numbers);
  const error = await rejection(bucket.put("k", 1, options));
  expect(error).toBeInstanceOf(ValidationError);
  expect(error).toMatchObject({ effect: "none" });
  expect(await bucket.get("k")).toBeUndefined();
});

test("keys and buckets that are no strings, and a list's options, are refused", async () => {
  const kv = await fake();
  const bucket = kv.bucket("n", numbers);
  for (const key of [undefined, null, 5] as unknown as string[]) {
    expect(await rejection(bucket.get(key))).toMatchObject({ code: "bad-parameter" });
    expect(await rejection(kv.bucket(key, numbers).put("k", 1))).toMatchObject({ code: "bad-parameter" });
  }
  for (const options of [{ prefix: 5 }, { pageSize: 0 }, { pageSize: 1.5 }, { timeout: 0 }] as object[]) {
    expect(await rejection(bucket.keys(options).next())).toMatchObject({ code: "bad-parameter" });
  }
  expect(await rejection(kv.conflicts({ timeout: -1 }).next())).toMatchObject({ code: "bad-parameter" });
});

test("a bucket, and a client, with defaults that cannot be is not made", async () => {
  const kv = await fake();
  for (const options of [{ r: 0 }, { w: "most" }, { timeout: -1 }, { resolve: "lww" }] as object[]) {
    expect(() => kv.bucket("n", { codec: json(), ...options })).toThrow(ValidationError);
  }
  await expect(openFake({ timeout: 0 })).rejects.toThrow(ValidationError);
});

test("what the protocol has no form for is never sent: others wait on the same connection", async () => {
  const [node] = await startNodes(1);
  if (node === undefined) throw new Error("no node");
  try {
    const kv = Kvorum.over(await RawClient.connect([node.address]), {});
    const bucket = kv.bucket("n", numbers);
    const waiting = bucket.get("k");
    const arrival = await node.inbox.take("get");
    const changes = [{ conflicts: "x" }, { r: -1 }, { w: "most" }, { ttl: -1 }] as unknown as BucketChange[];
    for (const change of changes) {
      expect(await rejection(kv.configure("n", change))).toMatchObject({ code: "bad-parameter" });
    }
    expect(await rejection(bucket.get("k", { r: "most" as "all" }))).toMatchObject({ code: "bad-parameter" });
    arrival.reply(got(new Uint8Array()));
    expect(await waiting).toBeUndefined();
    expect(node.connections).toBe(1);
    await kv.close();
  } finally {
    await node.kill();
  }
});
