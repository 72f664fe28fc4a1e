/** The raw client and members that fail, are silent for too long, or answer with an error. */
import { describe, expect, onTestFinished, test } from "vitest";
import { limits } from "@kvorum/core";
import {
  KvorumError,
  OverloadedError,
  QuorumNotMetError,
  TimeoutError,
  ValidationError,
} from "@kvorum/client/internal";
import { FakeClock } from "./fake-clock.js";
import { answerAll, bytes, cluster, connected, inboxOf } from "./fake-cluster.js";
import { FakeNode, got, putDone } from "./fake-node.js";
import { rejection } from "./rejection.js";

const nothing = got(bytes());

describe("a member that fails", () => {
  test("a read that was under way is asked of another owner", async () => {
    const nodes = await cluster(2);
    const client = await connected(nodes);
    const read = client.get("b", "k");
    const { cut } = await inboxOf(nodes).take("get");
    cut();
    const again = await inboxOf(nodes).take("get");
    again.reply(nothing);
    expect((await read).siblings).toEqual([]);
  });

  test("a write that may have arrived is not sent again: its effect is unknown", async () => {
    const nodes = await cluster(2);
    const client = await connected(nodes);
    const write = rejection(client.put("b", "k", bytes(1)));
    const { cut } = await inboxOf(nodes).take("put");
    cut();
    expect(await write).toMatchObject({ name: "UnreachableError", code: "unreachable", effect: "unknown" });
    expect(inboxOf(nodes).arrivals).toEqual([]);
  });

  test("with an idempotency key it is sent again, and says that it may be a retry", async () => {
    const nodes = await cluster(2);
    const client = await connected(nodes);
    const write = client.put("b", "k", bytes(1), { idempotencyKey: "order-1", attempt: 1 });
    const first = await inboxOf(nodes).take("put");
    expect(first.message.operation?.maybeRetry).toBe(false);
    first.cut();
    const second = await inboxOf(nodes).take("put");
    expect(second.message.operation).toEqual({ ...first.message.operation, maybeRetry: true });
    second.reply(putDone());
    expect((await write).quorum).toEqual({ needed: 2, received: 3, fallbacks: 0 });
  });

  test("a write that never left is sent elsewhere: a dial that fails has no effect", async () => {
    const nodes = await cluster(3);
    answerAll(nodes);
    const client = await connected(nodes);
    await Promise.all([nodes[0]?.kill(), nodes[1]?.kill()]);
    for (let i = 0; i < 6; i++) expect((await client.put("b", `k${i}`, bytes(1))).context).toEqual(bytes(2));
  });

  test("with all down every call is refused at once, and the first that comes back is used", async () => {
    const clock = new FakeClock();
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes, { clock });
    await node.kill();
    // The read finds out; what is written afterwards never leaves.
    expect(await rejection(client.get("b", "k"))).toMatchObject({ code: "unreachable" });
    expect(await rejection(client.put("b", "k", bytes(1)))).toMatchObject({ code: "unreachable", effect: "none" });
    const back = await FakeNode.start(node.port);
    onTestFinished(() => back.kill());
    answerAll([back]);
    await client.get("b", "k");
  });

  test.each(["not-owner", "stopping", "storage-failed"] as const)(
    "one that answers %s is passed over",
    async (code) => {
      const nodes = await cluster(2);
      const client = await connected(nodes);
      const write = client.put("b", "k", bytes(1));
      (await inboxOf(nodes).take("put")).fail({ code });
      (await inboxOf(nodes).take("put")).reply(putDone());
      await write;
    },
  );

  test("one whose store failed in the middle of a write is not passed over: the write may stand", async () => {
    const nodes = await cluster(2);
    const client = await connected(nodes);
    const write = rejection(client.put("b", "k", bytes(1)));
    (await inboxOf(nodes).take("put")).fail({ code: "storage-failed", effect: "unknown" });
    expect(await write).toMatchObject({ code: "storage-failed", effect: "unknown" });
  });
});

describe("deadlines", () => {
  test("a call ends at its timeout, which travels with it; a write's effect is then unknown", async () => {
    const clock = new FakeClock();
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes, { clock });
    const write = rejection(client.put("b", "k", bytes(1), { timeoutMs: 300 }));
    const read = rejection(client.get("b", "k", { timeoutMs: 300 }));
    expect((await node.inbox.take("put")).envelope.deadlineMs).toBe(300);
    await node.inbox.take("get");
    clock.advance(250);
    clock.advance(200);
    expect(await write).toMatchObject({ name: "TimeoutError", code: "timeout", effect: "unknown", timeoutMs: 300 });
    expect(await read).toMatchObject({ name: "TimeoutError", effect: "none" });
  });

  test("an answer that comes too late is dropped, and the connection is as good as before", async () => {
    const clock = new FakeClock();
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes, { clock });
    const read = rejection(client.get("b", "k", { timeoutMs: 10 }));
    const late = await node.inbox.take("get");
    clock.advance(200);
    expect(await read).toBeInstanceOf(TimeoutError);
    late.reply(nothing);
    node.behaviour = ({ reply }) => reply(got(bytes(), bytes(9)));
    expect((await client.get("b", "k")).context).toEqual(bytes(9));
    expect(node.greeted.length).toBe(1);
  });

  test("after a timeout in silence the connection is dialled anew rather than waited for", async () => {
    const clock = new FakeClock();
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes, { clock });
    const read = rejection(client.get("b", "k", { timeoutMs: 1_000 }));
    await node.inbox.take("get");
    clock.advance(1_200);
    expect(await read).toBeInstanceOf(TimeoutError);
    node.behaviour = ({ reply }) => reply(nothing);
    await client.get("b", "k");
    expect(node.greeted.length).toBe(2);
  });

  test("no timer runs while nothing waits", async () => {
    const clock = new FakeClock();
    const nodes = await cluster(1);
    answerAll(nodes);
    const client = await connected(nodes, { clock });
    await client.get("b", "k");
    clock.advance(100);
    expect(clock.timers).toBe(0);
  });

  test.each([0, -1, NaN, Infinity, limits.requestTimeoutMaxMs + 1])("a timeout of %d is refused", async (timeoutMs) => {
    const client = await connected(await cluster(1));
    expect(await rejection(client.get("b", "k", { timeoutMs }))).toBeInstanceOf(ValidationError);
  });
});

describe("errors", () => {
  test.each([
    [{ code: "quorum-not-met", needed: 2, received: 1, effect: "unknown" }, QuorumNotMetError],
    [{ code: "overloaded", retryAfterMs: 250 }, OverloadedError],
    [{ code: "bad-context" }, ValidationError],
    [{ code: "too-large" }, ValidationError],
    [{ code: "too-many-siblings" }, KvorumError],
    [{ code: "clock-skew" }, KvorumError],
  ] as const)("%o has its class and keeps its code", async (failure, expected) => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    node.behaviour = ({ fail }) => fail(failure);
    const client = await connected(nodes);
    const error = await rejection(client.put("b", "k", bytes(1)));
    expect(error).toBeInstanceOf(expected);
    expect(error).toMatchObject({ effect: "none", ...failure, message: "told to" });
  });

  test("an answer of the wrong kind is a protocol error, never a hang", async () => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    node.behaviour = ({ reply }) => reply(putDone());
    const client = await connected(nodes);
    expect(await rejection(client.get("b", "k"))).toMatchObject({ code: "protocol" });
  });

  test.each([
    ["no spaces", "k"],
    ["", "k"],
    ["b", ""],
    ["b", "\ud800"],
    ["b", "k".repeat(limits.keyBytesMax + 1)],
  ])("bucket %j and key %.20j are refused before anything is sent", async (bucket, key) => {
    const nodes = await cluster(1);
    const client = await connected(nodes);
    for (const call of [client.get(bucket, key), client.put(bucket, key, bytes(1)), client.delete(bucket, key)]) {
      expect(await rejection(call)).toMatchObject({ name: "ValidationError", code: "bad-parameter", effect: "none" });
    }
    expect(inboxOf(nodes).arrivals).toEqual([]);
  });

  test("a request too large for a frame is refused here, and costs nobody else anything", async () => {
    const nodes = await cluster(1);
    answerAll(nodes);
    const client = await connected(nodes);
    const large = new Uint8Array(limits.clientFrameBytesMax);
    const [refused] = await Promise.all([rejection(client.put("b", "k", large)), client.get("b", "k")]);
    expect(refused).toMatchObject({ name: "ValidationError", code: "too-large", effect: "none" });
  });
});
