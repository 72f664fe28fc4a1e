/** The typed client on real processes: CONTRACT §5 as a program meets it, beside HTTP, through nodes that come and go. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  ConflictError,
  connect,
  json,
  QuorumNotMetError,
  REQUEST_CHANNEL,
  resolvers,
  text,
  union,
  type Kvorum,
  type RequestTrace,
} from "@kvorum/client";
import { startCluster, type LocalCluster } from "kvorum/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Http, kv as path } from "../support/http.js";
import { until } from "../support/until.js";

interface Cart {
  readonly items: readonly string[];
}

let cluster: LocalCluster;
let kv: Kvorum;
beforeAll(async () => {
  cluster = await startCluster(3);
  kv = await cluster.connect({ name: "contract" });
});
afterAll(async () => {
  await kv?.close();
  await cluster?.close();
});

const merging = resolvers.merge<Cart>((a, b) => ({ items: union(a.items, b.items) }));

function http(): Http {
  const [host = "", port = ""] = (cluster.nodes[0]?.http ?? "").split(":");
  const client = new Http(host, Number(port));
  onTestFinished(() => client.close());
  return client;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("the contract's example", () => {
  it("updates, reads, deletes and lists", async () => {
    const carts = kv.bucket("carts", {
      codec: json<Cart>(),
      resolve: resolvers.merge((a, b) => ({ items: union(a.items, b.items) })),
    });
    await carts.update("alice", (cart) => ({ items: [...(cart?.items ?? []), "book"] }));
    const cart = await carts.get("alice");
    expect(cart).toEqual({ value: { items: ["book"] }, context: expect.any(String), siblings: 1 });
    expect(await collect(carts.keys({ prefix: "a" }))).toEqual(["alice"]);
    await carts.delete("alice", { context: cart?.context });
    expect(await carts.get("alice")).toBeUndefined();
    expect(await collect(carts.keys())).toEqual([]);
  });
});

describe("beside HTTP", () => {
  it("a context is the same text on both sides, and so are values, siblings and content types", async () => {
    const web = http();
    const notes = kv.bucket("notes", { codec: text(), resolve: resolvers.manual() });
    const { context } = await notes.put("k", "from the client");
    const reply = await web.get(path("notes", "k"));
    expect(reply.body.toString()).toBe("from the client");
    expect(reply.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect((await web.put(path("notes", "k"), "from HTTP", { "kvorum-context": context })).status).toBe(204);
    expect(await notes.get("k")).toMatchObject({ value: "from HTTP", siblings: 1 });
    await web.put(path("notes", "k"), "blind");
    const error = await notes.get("k").catch((reason: unknown) => reason as ConflictError<string>);
    expect(error).toBeInstanceOf(ConflictError);
    const { siblings } = await web.envelope(path("notes", "k"));
    const seen = (error as ConflictError<string>).siblings;
    for (const { value, dot, timestamp, contentType, clock, origin } of siblings) {
      expect(seen).toContainEqual({ value, dot, timestamp, contentType, clock, origin });
    }
    const inbox = await until("the conflict is in the inbox", async () => {
      const found = await collect(notes.conflicts());
      return found.length === 1 ? found : undefined;
    });
    expect(inbox).toEqual([{ bucket: "notes", key: "k", siblings: 2, since: expect.any(Number) }]);
    const chosen = (error as ConflictError<string>).context;
    expect((await web.put(path("notes", "k"), "chosen", { "kvorum-context": chosen })).status).toBe(204);
    expect(await notes.get("k")).toMatchObject({ value: "chosen" });
  });

  it("a bucket that is configured here is configured there", async () => {
    expect(await kv.configure("prices", { conflicts: "lww", w: "all" })).toMatchObject({ conflicts: "lww", w: "all" });
    const web = http();
    await until("the node has heard of it", async () => {
      const said = await web.json<{ conflicts: string; w: string }>("/v1/buckets/prices");
      return said.conflicts === "lww" && said.w === "all";
    });
  });
});

describe("nodes that come and go", () => {
  it("goes on with any one node killed, through any seed, and takes it in again", async () => {
    const carts = kv.bucket("going-on", { codec: json<Cart>(), resolve: merging });
    for (const [place, node] of cluster.nodes.entries()) {
      await carts.update("k", (cart) => ({ items: [...(cart?.items ?? []), `before ${place}`] }));
      await node.kill();
      const others = cluster.nodes.filter((other) => other !== node).map(({ address }) => address);
      const fresh = await connect([node.address, ...others]);
      onTestFinished(() => fresh.close());
      for (const each of [carts, fresh.bucket("going-on", { codec: json<Cart>(), resolve: merging })]) {
        for (let i = 0; i < 10; i++) {
          await each.update("k", (cart) => ({ items: union(cart?.items ?? [], [`without ${place}`]) }));
        }
      }
      await node.start();
      await cluster.settled();
    }
    expect((await carts.get("k"))?.value.items).toHaveLength(6);
  });

  it("says so, in time, when a quorum can't be had, and what became of a write", async () => {
    const strict = kv.bucket("strict", { codec: text(), resolve: resolvers.lww(), sloppy: false });
    await strict.put("k", "there");
    const others = cluster.nodes.slice(1);
    await Promise.all(others.map((node) => node.kill()));
    const startedMs = performance.now();
    const reading = await strict.get("k", { timeout: 1_500 }).catch((error: unknown) => error);
    expect(reading).toMatchObject({ effect: "none" });
    const writing = await strict.put("k", "maybe", { timeout: 1_500 }).catch((error: unknown) => error);
    expect(writing).toMatchObject({ effect: "unknown" });
    for (const error of [reading, writing]) {
      expect(error).toBeInstanceOf(QuorumNotMetError);
      expect(error).toMatchObject({ code: "quorum-not-met", needed: 2 });
    }
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect((await strict.get("k", { r: "one" }))?.value).toMatch(/there|maybe/);
    await Promise.all(others.map((node) => node.start()));
    await cluster.settled();
    // The same client goes on.
    expect((await strict.get("k"))?.value).toMatch(/there|maybe/);
  });

  it("follows the ring: a member that joins is asked for what it owns, by a client that was there before", async () => {
    const asked = new Set<string | undefined>();
    const note = (message: unknown): void => void asked.add((message as RequestTrace).target);
    subscribe(`tracing:${REQUEST_CHANNEL}:asyncEnd`, note);
    onTestFinished(() => {
      unsubscribe(`tracing:${REQUEST_CHANNEL}:asyncEnd`, note);
    });
    const texts = kv.bucket("ring", { codec: text(), resolve: resolvers.lww() });
    const keys = Array.from({ length: 200 }, (_, i) => `k${i}`);
    await texts.putMany(keys.map((key) => ({ key, value: key })));
    const joined = await cluster.add();
    await until("the client asks the new member", async () => {
      const read = await texts.getMany(keys);
      expect(read.filter((each) => !each.ok || each.found?.value !== each.key)).toEqual([]);
      return asked.has(joined.address);
    });
    await cluster.settled();
    expect((await collect(texts.keys())).toSorted()).toEqual(keys.toSorted());
  });
});
