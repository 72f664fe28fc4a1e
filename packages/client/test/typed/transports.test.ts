/** What stands between a bucket and whoever answers: the retry policy, sessions, what watchers see. Over the shipped core in memory, with faults. */
import { channel } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  json,
  QuorumNotMetError,
  REQUEST_CHANNEL,
  resolvers,
  text,
  TimeoutError,
  UnreachableError,
  type RequestTrace,
} from "@kvorum/client";
import { fake, rejection } from "./support.js";

const numbers = { codec: json<number>(), resolve: resolvers.max<number>() };

describe("retries", () => {
  test("what passes is tried again until it succeeds, and the caller does not see it", async () => {
    const kv = await fake();
    const bucket = kv.bucket("numbers", numbers);
    await bucket.put("k", 1);
    for (const how of ["lost-request", "lost-answer", "quorum-not-met", "timeout"] as const) {
      kv.injectFailure({ how, times: 2, operation: "get" });
      expect((await bucket.get("k"))?.value).toBe(1);
    }
  });

  test("a write whose answer was lost is not made twice", async () => {
    const kv = await fake();
    const bucket = kv.bucket("numbers", { codec: json<number>() });
    kv.injectFailure({ how: "lost-answer", operation: "put", times: 3 });
    await bucket.put("k", 1);
    expect((await bucket.get("k"))?.siblings.map(({ value }) => value)).toEqual([1]);
    kv.injectFailure({ how: "lost-answer", operation: "put" });
    await bucket.put("k", 1);
    // The second put is another write, though of the same value.
    expect((await bucket.get("k"))?.siblings).toHaveLength(2);
  });

  test("an update whose write's answer was lost changes once", async () => {
    const kv = await fake();
    const bucket = kv.bucket("numbers", { codec: json<number>(), resolve: resolvers.manual() });
    kv.injectFailure({ how: "lost-answer", operation: "put", times: 2 });
    await bucket.update("k", (n) => (n ?? 0) + 1);
    expect(await bucket.get("k")).toMatchObject({ value: 1, siblings: 1 });
  });

  test("retries end with the call's time, and the error says what may have been done", async () => {
    const kv = await fake();
    const bucket = kv.bucket("numbers", numbers);
    kv.injectFailure({ how: "lost-answer", operation: "put" });
    kv.injectFailure({ how: "lost-request", operation: "put", times: 1000 });
    const error = await rejection(bucket.put("k", 1, { timeout: 60 }));
    expect(error).toBeInstanceOf(UnreachableError);
    // The last attempt did nothing, but the first one did.
    expect(error).toMatchObject({ effect: "unknown" });
    kv.clearFailures();
    kv.injectFailure({ how: "lost-request", operation: "get", times: 1000 });
    expect(await rejection(bucket.get("k", { timeout: 40 }))).toMatchObject({ code: "unreachable", effect: "none" });
  });

  test("what will not pass is told at once", async () => {
    const kv = await fake();
    const bucket = kv.bucket("numbers", numbers);
    const startedMs = performance.now();
    const foreign = await bucket.put("other", 1);
    expect(await rejection(bucket.put("k", 1, foreign))).toMatchObject({ code: "bad-context", effect: "none" });
    expect(await rejection(bucket.put("k", 1, { context: "no context!" }))).toMatchObject({ code: "bad-context" });
    expect(await rejection(bucket.get("k", { r: 9 }))).toMatchObject({ code: "bad-parameter" });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test("a quorum larger than the cluster is told at once, with how many members there are", async () => {
    const bucket = (await fake()).bucket("numbers", numbers);
    const startedMs = performance.now();
    for (const call of [bucket.get("k", { r: 2 }), bucket.put("k", 1, { w: 3 }), bucket.delete("k", { w: 2 })]) {
      const error = await rejection(call);
      expect(error).toBeInstanceOf(QuorumNotMetError);
      expect(error).toMatchObject({ members: 1, received: 0, effect: "none" });
      expect((error as Error).message).toContain("the cluster has 1 member;");
    }
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test("an abort ends the pause between two attempts, with the signal's reason", async () => {
    const kv = await fake();
    kv.injectFailure({ how: "lost-request", times: 1000 });
    const stop = new AbortController();
    const reading = kv.bucket("numbers", numbers).get("k", { signal: stop.signal, timeout: 60_000 });
    setTimeout(() => stop.abort("enough"), 30);
    expect(await rejection(reading)).toBe("enough");
  });

  test("an update that waits for its turn beyond its time is told, and can be aborted", async () => {
    const kv = await fake();
    const bucket = kv.bucket("numbers", numbers);
    let finish = (): void => {};
    const first = bucket.update("k", () => new Promise((resolve) => (finish = () => resolve(1))));
    const stop = new AbortController();
    const aborted = bucket.update("k", () => 2, { signal: stop.signal });
    const late = bucket.update("k", () => 3, { timeout: 20 });
    stop.abort("enough");
    expect(await rejection(aborted)).toBe("enough");
    setTimeout(() => finish(), 50);
    await first;
    expect(await rejection(late)).toBeInstanceOf(TimeoutError);
    expect((await bucket.get("k"))?.value).toBe(1);
  });

  test("an idempotency key of your own makes two puts one", async () => {
    const bucket = (await fake()).bucket("numbers", { codec: json<number>() });
    await bucket.put("k", 1, { idempotencyKey: "mine" });
    await bucket.put("k", 1, { idempotencyKey: "mine" });
    expect((await bucket.get("k"))?.siblings).toHaveLength(1);
    expect(await rejection(bucket.put("k", 2, { idempotencyKey: "mine" }))).toMatchObject({
      code: "idempotency-mismatch",
    });
  });
});

describe("what watchers see", () => {
  const watch = (event: string): RequestTrace[] => {
    const seen: RequestTrace[] = [];
    const watched = channel(`tracing:${REQUEST_CHANNEL}:${event}`);
    const listen = (message: unknown): void => void seen.push(message as RequestTrace);
    watched.subscribe(listen);
    onTestFinished(() => {
      watched.unsubscribe(listen);
    });
    return seen;
  };

  test("each request once, with what it asked, how long it took, and what it found", async () => {
    const kv = await fake();
    const [started, ended] = [watch("start"), watch("asyncEnd")];
    const notes = kv.bucket("notes", { codec: text() });
    await kv.injectConflict(notes, "k", ["a", "b"]);
    kv.injectFailure({ how: "lost-request", operation: "get", times: 2 });
    await notes.get("k");
    await notes.delete("k");
    for await (const key of notes.keys()) expect(key).toBeDefined();
    expect(started).toEqual(ended);
    expect(ended.map(({ operation, key }) => [operation, key])).toEqual([
      ["put", "k"],
      ["put", "k"],
      ["get", "k"],
      ["delete", "k"],
      ["list-keys", undefined],
    ]);
    expect(ended[2]).toMatchObject({
      ...{ bucket: "notes", siblings: 2, retries: 2, hedged: false, target: "embedded" },
      quorum: { needed: 1, received: 1, fallbacks: 0 },
    });
    expect(ended[2]?.durationMs).toBeGreaterThan(1);
  });

  test("a failure, with its error", async () => {
    const kv = await fake();
    const failed = watch("error");
    const error = await rejection(kv.bucket("n", numbers).get("k", { r: 9 }));
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({ operation: "get", error });
  });
});
