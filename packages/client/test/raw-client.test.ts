/** The raw client against members that do as they are told: routing, failing over, deadlines, errors. */
import { afterEach, describe, expect, test } from "vitest";
import { limits, type OperationTag } from "@kvorum/core";
import {
  ClosedError,
  KvorumError,
  OverloadedError,
  QuorumNotMetError,
  RawClient,
  TimeoutError,
  UnreachableError,
  ValidationError,
  type ClientOptions,
} from "@kvorum/client/internal";
import { FakeClock } from "./fake-clock.js";
import { FakeNode, got, type Inbox, putDone, ringOf, startNodes } from "./fake-node.js";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function cluster(count: number): Promise<FakeNode[]> {
  const nodes = await startNodes(count);
  for (const node of nodes) cleanups.push(() => node.kill());
  return nodes;
}

async function connected(nodes: readonly FakeNode[], options: ClientOptions = {}): Promise<RawClient> {
  const client = await RawClient.connect(
    nodes.map((node) => node.address),
    options,
  );
  cleanups.push(() => client.close());
  return client;
}

const inboxOf = ([first]: readonly FakeNode[]): Inbox => (first as FakeNode).inbox;
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const nothing = got(bytes());
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error) => error,
  );

/** All nodes answer, each naming itself in the context's first byte. */
function answerAll(nodes: readonly FakeNode[]): void {
  nodes.forEach((node, place) => {
    node.behaviour = ({ envelope, reply }) =>
      reply(envelope.message.kind === "get" ? got(bytes(), bytes(place)) : putDone(bytes(place)));
  });
}

describe("connecting", () => {
  test("a client greets as one, learns the cluster and the ring from a seed", async () => {
    const [node] = await cluster(1);
    const client = await connected([node as FakeNode], { name: "shop" });
    expect(client.ring.partitions).toBe(64);
    expect(client.ring.members).toEqual([node?.address]);
    expect(node?.greeted).toEqual([{ kind: "hello", role: "client", name: "shop", instance: 0 }]);
  });

  test("a seed that is down is passed over", async () => {
    const [up, down] = (await cluster(2)) as [FakeNode, FakeNode];
    await down.kill();
    const client = await RawClient.connect([down.address, up.address]);
    await client.close();
  });

  test("no seed to be reached is one error that says why for each", async () => {
    const [a, b] = (await cluster(2)) as [FakeNode, FakeNode];
    const seeds = [a.address, b.address];
    await Promise.all([a.kill(), b.kill()]);
    const error = await rejection(RawClient.connect(seeds));
    expect(error).toBeInstanceOf(UnreachableError);
    expect(String(error)).toContain(seeds[0]);
    expect(String(error)).toContain(seeds[1]);
  });

  test.each(["", "localhost", "localhost:0", "localhost:65536", "a:b:c:1"])("%j is no seed", async (seed) => {
    expect(await rejection(RawClient.connect([seed]))).toMatchObject({
      name: "ValidationError",
      code: "bad-parameter",
    });
  });

  test("members of two clusters are never mixed: the first cluster that answered is the client's", async () => {
    const [mine, foreign] = (await cluster(2)) as [FakeNode, FakeNode];
    answerAll([mine, foreign]);
    foreign.clusterId = 8n;
    const client = await RawClient.connect([mine.address]);
    cleanups.push(() => client.close());
    for (let i = 0; i < 8; i++) expect((await client.get("b", `k${i}`)).context).toEqual(bytes(0));
    expect(foreign.inbox.arrivals).toEqual([]);
  });
});

describe("routing", () => {
  test("a request goes straight to an owner of its partition, and owners take turns", async () => {
    const nodes = await cluster(4);
    answerAll(nodes);
    // The last member owns nothing.
    const ring = { ...ringOf(nodes), owners: ringOf(nodes.slice(0, 3)).owners };
    for (const node of nodes) node.ring = ring;
    const client = await connected(nodes);
    const answeredBy = new Map<number, number>();
    for (let i = 0; i < 30; i++) {
      const [place] = (await client.get("b", `k${i}`)).context;
      answeredBy.set(place as number, (answeredBy.get(place as number) ?? 0) + 1);
    }
    expect([...answeredBy].sort(([a], [b]) => a - b)).toEqual([
      [0, 10],
      [1, 10],
      [2, 10],
    ]);
  });

  test("when no owner can be reached any other member is asked: it passes the request on", async () => {
    const nodes = await cluster(3);
    answerAll(nodes);
    const ring = { ...ringOf(nodes), owners: ringOf(nodes.slice(0, 2)).owners };
    for (const node of nodes) node.ring = ring;
    const client = await connected(nodes);
    await Promise.all([nodes[0]?.kill(), nodes[1]?.kill()]);
    expect((await client.put("b", "k", bytes(1))).context).toEqual(bytes(2));
  });

  test("replies are matched by request id, in whatever order they come", async () => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes);
    const reads = [client.get("b", "k1"), client.get("b", "k2"), client.get("b", "k3")];
    const arrivals = [await node.inbox.take("get"), await node.inbox.take("get"), await node.inbox.take("get")];
    arrivals.forEach((arrival, i) => setImmediate(() => arrival.reply(got(bytes(), bytes(i)))));
    arrivals.reverse();
    expect((await Promise.all(reads)).map((read) => read.context)).toEqual([bytes(0), bytes(1), bytes(2)]);
  });

  test("an old ring is replaced, and a new owner asked", async () => {
    const clock = new FakeClock();
    const [old, fresh] = (await cluster(2)) as [FakeNode, FakeNode];
    answerAll([old, fresh]);
    old.ring = ringOf([old], "1");
    const client = await RawClient.connect([old.address], { clock, ringMaxAgeMs: 5_000 });
    cleanups.push(() => client.close());
    old.ring = fresh.ring = ringOf([fresh], "2");
    clock.advance(4_999);
    expect((await client.get("b", "k")).context).toEqual(bytes(0));
    expect(client.ring.version).toBe("1");
    clock.advance(1);
    await client.get("b", "k");
    await client.refreshRing();
    expect(client.ring.version).toBe("2");
    expect((await client.get("b", "k")).context).toEqual(bytes(1));
  });
});

test("a member that came back at another address is found, though the ring is the same", async () => {
  const [seed, before, after] = (await cluster(3)) as [FakeNode, FakeNode, FakeNode];
  answerAll([seed, before, after]);
  const owners = ringOf([seed]).owners.map(() => [1]);
  seed.ring = { ...ringOf([seed, before]), owners };
  const client = await RawClient.connect([seed.address]);
  cleanups.push(() => client.close());
  expect((await client.get("b", "k")).context).toEqual(bytes(1));
  seed.ring = { ...ringOf([seed, after]), owners };
  before.ring = seed.ring;
  await client.refreshRing();
  expect((await client.get("b", "k")).context).toEqual(bytes(2));
});

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
    cleanups.push(() => back.kill());
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

describe("ending", () => {
  test("an aborted call rejects with the signal's reason, and what comes later is dropped", async () => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes);
    const controller = new AbortController();
    const reason = new Error("enough");
    const read = rejection(client.get("b", "k", { signal: controller.signal }));
    const arrival = await node.inbox.take("get");
    controller.abort(reason);
    expect(await read).toBe(reason);
    arrival.reply(nothing);
    expect(await rejection(client.get("b", "k", { signal: controller.signal }))).toBe(reason);
  });

  test("close ends the connections; calls under way reject, a write's effect being unknown", async () => {
    const nodes = await cluster(2);
    const client = await connected(nodes);
    const read = rejection(client.get("b", "k"));
    const write = rejection(client.put("b", "k", bytes(1)));
    await inboxOf(nodes).take("put");
    await client.close();
    expect(await read).toMatchObject({ name: "ClosedError", effect: "none" });
    expect(await write).toMatchObject({ name: "ClosedError", effect: "unknown" });
    expect(await rejection(client.get("b", "k"))).toBeInstanceOf(ClosedError);
  });
});

describe("writes", () => {
  test("a delete is a write without a value; with no context the cluster removes what it sees", async () => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes);
    for (const context of [undefined, bytes(5, 6)]) {
      const removed = client.delete("b", "k", context === undefined ? {} : { context });
      const { message, reply } = await node.inbox.take("put");
      expect(message).toMatchObject({ value: undefined, context: context ?? bytes() });
      reply(putDone());
      await removed;
    }
  });

  test("a put carries what the caller said, and is blind and of any bytes when he said nothing", async () => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes);
    const plain = client.put("b", "k", bytes(1, 2));
    const first = await node.inbox.take("put");
    expect(first.message).toMatchObject({
      value: bytes(1, 2),
      contentType: "application/octet-stream",
      context: bytes(),
      w: undefined,
      sloppy: true,
      ifAbsent: false,
      operation: undefined,
    });
    first.reply(putDone());
    await plain;
    const options = { context: bytes(7), contentType: "text/plain", w: "all", sloppy: false, ifAbsent: true } as const;
    const full = client.put("b", "k", bytes(3), options);
    const second = await node.inbox.take("put");
    expect(second.message).toMatchObject(options);
    second.reply(putDone());
    await full;
  });

  test("the same idempotency key names the same write in every attempt, and another write is told apart", async () => {
    const nodes = await cluster(1);
    const [node] = nodes as [FakeNode];
    const client = await connected(nodes);
    const tagOf = async (value: number, attempt?: number): Promise<OperationTag | undefined> => {
      const options = attempt === undefined ? {} : { attempt };
      const write = client.put("b", "k", bytes(value), { idempotencyKey: "order-7", ...options });
      const { message, reply } = await node.inbox.take("put");
      reply(putDone());
      await write;
      return message.operation;
    };
    const [first, retry, unsaid, other] = [await tagOf(1, 1), await tagOf(1, 2), await tagOf(1), await tagOf(2, 1)];
    expect([first?.maybeRetry, retry?.maybeRetry, unsaid?.maybeRetry]).toEqual([false, true, true]);
    expect(retry).toEqual({ ...first, maybeRetry: true });
    expect(other?.id).toEqual(first?.id);
    expect(other?.check).not.toBe(first?.check);
  });

  test.each(["", "k".repeat(limits.idempotencyKeyBytesMax + 1)])(
    "an idempotency key of no or too many bytes is refused",
    async (idempotencyKey) => {
      const client = await connected(await cluster(1));
      expect(await rejection(client.put("b", "k", bytes(1), { idempotencyKey }))).toBeInstanceOf(ValidationError);
    },
  );
});
