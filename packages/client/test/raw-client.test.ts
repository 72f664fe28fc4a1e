/** The raw client against members that do as they are told: connecting, routing, and its end. */
import { describe, expect, onTestFinished, test } from "vitest";
import { ClosedError, RawClient, UnreachableError } from "@kvorum/client/internal";
import { FakeClock } from "./fake-clock.js";
import { answerAll, bytes, cluster, connected, inboxOf } from "./fake-cluster.js";
import { type FakeNode, got, ringOf } from "./fake-node.js";
import { rejection } from "./rejection.js";

const nothing = got(bytes());

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
    onTestFinished(() => client.close());
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
    onTestFinished(() => client.close());
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
  onTestFinished(() => client.close());
  expect((await client.get("b", "k")).context).toEqual(bytes(1));
  seed.ring = { ...ringOf([seed, after]), owners };
  before.ring = seed.ring;
  await client.refreshRing();
  expect((await client.get("b", "k")).context).toEqual(bytes(2));
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
