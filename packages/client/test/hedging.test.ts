/** Slow reads asked of a second member, over real connections to members that answer when a test says so; and how connecting meets members that hang. */
import { describe, expect, onTestFinished, test } from "vitest";
import { connect, json, KvorumError } from "@kvorum/client";
import { RawClient } from "@kvorum/client/internal";
import { FakeClock } from "./fake-clock.js";
import { cluster, connected } from "./fake-cluster.js";
import { got, ringOf, type FakeNode } from "./fake-node.js";
import { rejection } from "./rejection.js";

const nothing = new Uint8Array();
const from = (place: number): ReturnType<typeof got> => got(nothing, new Uint8Array([place]));
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe("hedging", () => {
  test("a read without an answer is asked of another owner too, and the first answer counts", async () => {
    const nodes = await cluster(3);
    const clock = new FakeClock();
    const client = await connected(nodes, { clock });
    const trace = { target: undefined as string | undefined, retries: 0, hedged: false };
    const reading = client.get("b", "k", { hedgeMs: 30, trace });
    const first = await nodes[0]!.inbox.take("get");
    clock.advance(29);
    await settled();
    expect(nodes[0]?.inbox.arrivals).toEqual([]);
    clock.advance(1);
    const second = await nodes[0]!.inbox.take("get");
    expect(second.node).not.toBe(first.node);
    second.reply(from(2));
    expect((await reading).context).toEqual(new Uint8Array([2]));
    expect(trace).toEqual({ target: second.node.address, retries: 0, hedged: true });
    // What comes late is dropped.
    first.reply(from(1));
    await settled();
  });

  test("one that is answered in time is asked once", async () => {
    const nodes = await cluster(3);
    const clock = new FakeClock();
    const client = await connected(nodes, { clock });
    const reading = client.get("b", "k", { hedgeMs: 30 });
    (await nodes[0]!.inbox.take("get")).reply(from(1));
    await reading;
    clock.advance(100);
    await settled();
    expect(nodes[0]?.inbox.arrivals).toEqual([]);
  });

  test("a failure of one of the two waits for the other", async () => {
    const nodes = await cluster(3);
    const clock = new FakeClock();
    const client = await connected(nodes, { clock });
    const reading = client.get("b", "k", { hedgeMs: 30 });
    const first = await nodes[0]!.inbox.take("get");
    clock.advance(30);
    const second = await nodes[0]!.inbox.take("get");
    first.fail({ code: "quorum-not-met", needed: 2, received: 1 });
    await settled();
    second.reply(from(2));
    expect((await reading).context).toEqual(new Uint8Array([2]));
    const failing = client.get("b", "k", { hedgeMs: 30 });
    const third = await nodes[0]!.inbox.take("get");
    clock.advance(30);
    const fourth = await nodes[0]!.inbox.take("get");
    fourth.fail({ code: "quorum-not-met", detail: "the fourth", needed: 2, received: 1 });
    await settled();
    third.fail({ code: "quorum-not-met", detail: "the third", needed: 2, received: 0 });
    expect(await rejection(failing)).toMatchObject({ code: "quorum-not-met", message: "the third" });
  });

  test("a failure before that is told at once, and an abort ends both", async () => {
    const nodes = await cluster(3);
    const clock = new FakeClock();
    const client = await connected(nodes, { clock });
    const failing = client.get("b", "k", { hedgeMs: 30 });
    (await nodes[0]!.inbox.take("get")).fail({ code: "bad-parameter" });
    expect(await rejection(failing)).toMatchObject({ code: "bad-parameter" });
    const stop = new AbortController();
    const aborted = client.get("b", "k", { hedgeMs: 30, signal: stop.signal });
    await nodes[0]!.inbox.take("get");
    clock.advance(30);
    await nodes[0]!.inbox.take("get");
    stop.abort("enough");
    expect(await rejection(aborted)).toBe("enough");
  });

  test("a bucket's hedge is for its reads, and a call's own comes first", async () => {
    const nodes = await cluster(2);
    const kv = await connect(nodes.map(({ address }) => address));
    onTestFinished(() => kv.close());
    const bucket = kv.bucket("b", { codec: json<number>(), hedge: 10 });
    const reading = bucket.get("k");
    const first = await nodes[0]!.inbox.take("get");
    const second = await nodes[0]!.inbox.take("get");
    expect(second.node).not.toBe(first.node);
    second.reply(got(nothing));
    expect(await reading).toBeUndefined();
    const writing = bucket.delete("k");
    const put = await nodes[0]!.inbox.take("put");
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(nodes[0]?.inbox.arrivals).toEqual([]);
    put.reply({ kind: "put-done", context: nothing, needed: 1, received: 1, fallbacks: 0 });
    await writing;
  });
});

describe("connecting", () => {
  test("a seed that hangs is given up, and another asked", async () => {
    const [hanging, well] = (await cluster(2)) as [FakeNode, FakeNode];
    hanging.ring = undefined;
    well.ring = ringOf([well]);
    const client = await RawClient.connect([hanging.address, well.address]);
    onTestFinished(() => client.close());
    expect(client.ring.members).toEqual([well.address]);
  });

  test("seeds that all hang are a timeout, as soon as the call's time is over", async () => {
    const nodes = await cluster(2);
    for (const node of nodes) node.ring = undefined;
    const seeds = nodes.map(({ address }) => address);
    const error = await rejection(RawClient.connect(seeds, { timeoutMs: 100 }));
    expect(error).toBeInstanceOf(KvorumError);
    expect(error).toMatchObject({ code: "timeout" });
  });

  test("a client is disposed of like any other thing", async () => {
    const nodes = await cluster(1);
    const kv = await connect((nodes[0] as FakeNode).address);
    await kv[Symbol.asyncDispose]();
    expect(await rejection(kv.bucket("b", { codec: json() }).get("k"))).toMatchObject({ code: "closed" });
  });
});
