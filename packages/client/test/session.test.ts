/** Sessions over a transport that forgets: what a session has seen it sees again, or hears that it can't (I-sessions in SPEC.md). */
import { afterEach, describe, expect, test } from "vitest";
import { Kvorum } from "@kvorum/client/internal";
import { json, resolvers, type Bucket } from "@kvorum/client";
import type { DeleteOptions, GetOptions, PutOptions, WriteResult } from "../src/request-options.js";
import type { ReadResult } from "../src/read-result.js";
import { startMemoryNode } from "../src/testing/memory-node.js";
import { SessionTransport } from "../src/transports/session.js";
import { TransportAround } from "../src/transports/around.js";

/** A coordinator that answers with what it was made to remember: for so many reads, of quorums or of all. */
class Forgetful extends TransportAround {
  remembered: ReadResult | undefined;
  staleReads = 0;
  staleReadsOfAll = 0;
  byFallbacks = 0;
  readonly asked: (number | string | undefined)[] = [];

  override async get(bucket: string, key: string, options: GetOptions): Promise<ReadResult> {
    this.asked.push(options.r);
    const isAll = options.r === "all";
    const isStale = isAll ? this.staleReadsOfAll-- > 0 : this.staleReads-- > 0;
    return isStale && this.remembered !== undefined ? this.remembered : this.inner.get(bucket, key, options);
  }

  override async put(bucket: string, key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    return this.#marked(await this.inner.put(bucket, key, value, options));
  }

  override async delete(bucket: string, key: string, options: DeleteOptions): Promise<WriteResult> {
    return this.#marked(await this.inner.delete(bucket, key, options));
  }

  #marked(result: WriteResult): WriteResult {
    return { ...result, quorum: { ...result.quorum, fallbacks: this.byFallbacks } };
  }
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface World {
  readonly store: Forgetful;
  /** Without a session, and in one. */
  readonly plain: Bucket<number>;
  readonly session: Bucket<number>;
}

async function world(): Promise<World> {
  const store = new Forgetful(await startMemoryNode());
  cleanups.push(() => store.close());
  const kv = new Kvorum(store);
  const options = { codec: json<number>(), resolve: resolvers.max<number>() };
  return { store, plain: kv.bucket("b", options), session: kv.session().bucket("b", options) };
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a session", () => {
  test("sees its own write where a plain read would not, and asks all replicas only then", async () => {
    const { store, plain, session } = await world();
    store.remembered = await store.inner.get("b", "k", {});
    await session.put("k", 1);
    store.staleReads = 1;
    expect(await plain.get("k")).toBeUndefined();
    store.staleReads = 1;
    store.asked.length = 0;
    expect((await session.get("k"))?.value).toBe(1);
    expect(store.asked).toEqual([undefined, "all"]);
    expect((await session.get("k"))?.value).toBe(1);
    expect(store.asked).toEqual([undefined, "all", undefined]);
  });

  test("never goes back: what it has read, others' writes and deletes too, it reads again", async () => {
    const { store, plain, session } = await world();
    await plain.put("k", 1);
    store.remembered = await store.inner.get("b", "k", {});
    await plain.update("k", () => 2);
    expect((await session.get("k"))?.value).toBe(2);
    store.staleReads = 1;
    expect((await session.get("k"))?.value).toBe(2);
    await session.delete("k");
    store.staleReads = 1;
    expect(await session.get("k")).toBeUndefined();
    // Another session has seen nothing, and may be told what is old.
    store.staleReads = 1;
    expect((await plain.get("k"))?.value).toBe(1);
  });

  test("what all primaries have forgotten together was reaped: the session forgets it too", async () => {
    const { store, session } = await world();
    store.remembered = await store.inner.get("b", "k", {});
    await session.put("k", 1);
    store.staleReads = 1;
    store.staleReadsOfAll = 1;
    expect(await session.get("k")).toBeUndefined();
    store.asked.length = 0;
    store.staleReads = 1;
    expect(await session.get("k")).toBeUndefined();
    expect(store.asked).toEqual([undefined]);
  });

  test("what only fallbacks took is waited for until it is home, or the time is over", async () => {
    const { store, session } = await world();
    store.remembered = await store.inner.get("b", "k", {});
    store.byFallbacks = 1;
    await session.put("k", 1);
    store.staleReads = 1;
    store.staleReadsOfAll = 3;
    expect((await session.get("k"))?.value).toBe(1);
    await session.put("k", 2);
    store.staleReads = 1;
    store.staleReadsOfAll = 1_000;
    expect(await rejection(session.get("k", { timeout: 60 }))).toMatchObject({ code: "session-not-met" });
    const stop = new AbortController();
    setTimeout(() => stop.abort("enough"), 20);
    store.staleReads = 1;
    expect(await rejection(session.get("k", { timeout: 60_000, signal: stop.signal }))).toBe("enough");
  });

  test("what primaries have shown since is theirs, and may be reaped by them", async () => {
    const { store, session } = await world();
    store.remembered = await store.inner.get("b", "k", {});
    store.byFallbacks = 1;
    await session.put("k", 1);
    expect((await session.get("k"))?.value).toBe(1);
    store.staleReads = 1;
    store.staleReadsOfAll = 1;
    expect(await session.get("k")).toBeUndefined();
  });

  test("that is closed leaves its client open, and ends with it", async () => {
    const node = await startMemoryNode();
    const kv = new Kvorum(node);
    const session = kv.session();
    const options = { codec: json<number>(), resolve: resolvers.max<number>() };
    await session.close();
    await kv.bucket("b", options).put("k", 1);
    expect((await session.bucket("b", options).get("k"))?.value).toBe(1);
    await kv.close();
    expect(await rejection(session.bucket("b", options).get("k"))).toMatchObject({ code: "closed" });
  });

  test("remembers so many keys, and forgets the one unused for longest", async () => {
    const store = await startMemoryNode();
    cleanups.push(() => store.close());
    const session = new SessionTransport(store, 3);
    const bytes = new Uint8Array([1]);
    for (const key of ["a", "b", "c"]) await session.put("b", key, bytes, {});
    await session.get("b", "a", {});
    await session.put("b", "d", bytes, {});
    expect(session.size).toBe(3);
    const forgetful = new Forgetful(store);
    forgetful.remembered = await store.get("b", "none", {});
    const again = new SessionTransport(forgetful, 1);
    await again.put("b", "x", bytes, {});
    await again.put("b", "y", bytes, {});
    forgetful.staleReads = 1;
    expect((await again.get("b", "x", {})).siblings).toEqual([]);
  });
});
