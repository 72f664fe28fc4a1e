/**
 * The design's own walk (Dynamo §4.4): two clients write one key through two nodes from one old context; both versions are shown with their
 * clocks; one is chosen or they are merged and written back; every node then gives one version.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { useCluster } from "./support/cluster.js";
import { bytesOf, contextOf, jsonOf, kv, type Envelope, type Sibling } from "./support/http.js";
import { kvorum, type Ended } from "./support/program.js";
import { until } from "./support/until.js";

const cluster = useCluster();
const url = (index: number): string => cluster().node(index).http.url;
const cli = (...args: string[]): Promise<Ended> => kvorum(args);
const textOf = (sibling: Sibling): string => bytesOf(sibling).toString();

/** True when everything that `old` has seen `clock` has seen too. */
function descends(clock: Sibling["clock"], old: Sibling["clock"]): boolean {
  return Object.entries(old).every(([actor, count]) => (clock[actor] ?? 0) >= count);
}

/** Two clients, both knowing `first`, write through two nodes without hearing of each other. */
async function diverge(key: string, first: string, left: string, right: string): Promise<Envelope> {
  const target = kv("carts", key);
  const [a, b] = [cluster().node(0).http, cluster().node(1).http];
  const json = { "content-type": "application/json" };
  expect((await a.put(target, first, json)).status).toBe(204);
  const old = contextOf(await b.get(target));
  const base = (await a.envelope(target)).siblings[0] as Sibling;
  const both = await Promise.all([
    a.put(target, left, { ...json, "kvorum-context": old }),
    b.put(target, right, { ...json, "kvorum-context": old }),
  ]);
  expect(both.map(({ status }) => status)).toEqual([204, 204]);

  const seen = await cluster().node(2).http.get(target);
  expect(seen.status).toBe(300);
  expect(seen.headers["kvorum-siblings"]).toBe("2");
  const envelope = jsonOf<Envelope>(seen);
  expect(envelope.siblings.map(textOf).toSorted()).toEqual([left, right].toSorted());
  const [one, other] = envelope.siblings as [Sibling, Sibling];
  // The clocks say what happened: both follow the first version, neither follows the other.
  for (const { clock } of [one, other]) expect(descends(clock, base.clock)).toBe(true);
  expect(descends(one.clock, other.clock)).toBe(false);
  expect(descends(other.clock, one.clock)).toBe(false);
  return envelope;
}

/** Every owner by itself, and every node by a quorum, gives `value` and nothing else. */
async function everyNodeGives(bucket: string, key: string, value: string): Promise<void> {
  for (const { name, http } of cluster().nodes) {
    for (const query of ["", "?local=true"]) {
      await until(`${name} gives one version of ${key}${query}`, async () => {
        const reply = await http.get(kv(bucket, key) + query);
        if (reply.status === 200 && reply.body.toString() === value) return true;
        throw new Error(`${reply.status} ${reply.body.toString()}`);
      });
    }
  }
}

describe("two clients write one cart from the same old context", () => {
  it("--pick: the chosen version stands alone at every node", async () => {
    const { siblings } = await diverge("pick", '{"book":1}', '{"book":1,"pen":1}', '{"book":2}');
    const shown = await cli("get", "carts", "pick", "--url", url(1));
    expect(shown.code).toBe(4);
    const screen = shown.stdout.toString();
    for (const part of ['"pen": 1', '"book": 2', ...siblings.map(({ dot }) => dot)]) expect(screen).toContain(part);
    const document = await cli("get", "carts", "pick", "--json", "--url", url(1));
    expect(document.code).toBe(4);
    const listed = JSON.parse(document.stdout.toString()) as Envelope;
    expect(listed.siblings.map(({ dot }) => dot)).toEqual(siblings.map(({ dot }) => dot));

    expect((await cli("resolve", "carts", "pick", "--pick", "2", "--url", url(2))).code).toBe(0);
    await everyNodeGives("carts", "pick", textOf(listed.siblings[1] as Sibling));
    expect((await cli("get", "carts", "pick", "--url", url(0))).stdout.toString()).toBe(listed.siblings[1]?.value);
  });

  it("--value: a new version replaces both at every node", async () => {
    await diverge("value", '{"book":1}', '{"book":1,"pen":1}', '{"book":2}');
    expect((await cli("resolve", "carts", "value", "--value", '{"book":3}', "--url", url(0))).code).toBe(0);
    await everyNodeGives("carts", "value", '{"book":3}');
  });

  it("--merge: fields of both stand at every node, and a field that both changed is refused by name", async () => {
    await diverge("merge", "{}", '{"book":1}', '{"pen":2}');
    expect((await cli("resolve", "carts", "merge", "--merge", "--url", url(1))).code).toBe(0);
    const merged = (await cluster().node(0).http.get(kv("carts", "merge"))).body.toString();
    expect(JSON.parse(merged)).toEqual({ book: 1, pen: 2 });
    await everyNodeGives("carts", "merge", merged);

    await diverge("clash", "{}", '{"book":1,"ink":3}', '{"book":2}');
    const refused = await cli("resolve", "carts", "clash", "--merge", "--url", url(1));
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain("book");
    expect(refused.stderr).not.toContain("ink");
    expect((await cluster().node(2).http.get(kv("carts", "clash"))).headers["kvorum-siblings"]).toBe("2");
    expect((await cli("resolve", "carts", "clash", "--merge", "--prefer", "newest", "--url", url(1))).code).toBe(0);
    expect((await cluster().node(2).http.get(kv("carts", "clash"))).status).toBe(200);
  });

  it("neither has heard of the other: blind writes stand side by side until one is chosen", async () => {
    expect((await cli("put", "carts", "blind", "one", "--url", url(0))).code).toBe(0);
    expect((await cli("put", "carts", "blind", "two", "--url", url(1))).code).toBe(0);
    const { siblings } = await cluster().node(2).http.envelope(kv("carts", "blind"));
    expect(siblings.map(textOf).toSorted()).toEqual(["one", "two"]);
    expect((await cli("resolve", "carts", "blind", "--pick", "1", "--url", url(2))).code).toBe(0);
    await everyNodeGives("carts", "blind", textOf(siblings[0] as Sibling));
  });
});

describe("last write wins, in a bucket that asks for it", () => {
  beforeAll(async () => {
    const { http } = cluster().node(0);
    const body = JSON.stringify({ conflicts: "lww" });
    expect((await http.put("/v1/buckets/prices", body, { "content-type": "application/json" })).status).toBe(200);
    for (const { name, http: each } of cluster().nodes) {
      await until(`${name} knows the bucket`, async () => {
        return (await each.json<{ conflicts: string }>("/v1/buckets/prices")).conflicts === "lww";
      });
    }
  });

  it("keeps the newer of two concurrent writes at every node, and loses the older", async () => {
    const target = kv("prices", "pen");
    expect((await cluster().node(0).http.put(target, "100")).status).toBe(204);
    const old = contextOf(await cluster().node(1).http.get(target));
    expect((await cluster().node(0).http.put(target, "110", { "kvorum-context": old })).status).toBe(204);
    const { siblings } = await cluster().node(2).http.envelope(target);
    const olderMs = siblings[0]?.timestamp as number;
    await until("the clock goes on", () => Date.now() > olderMs);
    expect((await cluster().node(1).http.put(target, "120", { "kvorum-context": old })).status).toBe(204);
    await everyNodeGives("prices", "pen", "120");
    const { siblings: kept } = await cluster().node(2).http.envelope(target);
    expect(kept.map(textOf)).toEqual(["120"]);
    expect(kept[0]?.timestamp).toBeGreaterThan(olderMs);
  });
});

describe("two counts of one stock", () => {
  it("a client's rule, the higher one wins, makes one version at every node", async () => {
    const target = kv("stock", "screws");
    const [a, b, c] = [0, 1, 2].map((index) => cluster().node(index).http);
    expect((await a?.put(target, "40"))?.status).toBe(204);
    const old = contextOf(await cluster().node(1).http.get(target));
    await Promise.all([
      a?.put(target, "37", { "kvorum-context": old }),
      b?.put(target, "42", { "kvorum-context": old }),
    ]);
    const envelope = await cluster().node(2).http.envelope(target);
    expect(envelope.siblings.map(textOf).toSorted()).toEqual(["37", "42"]);
    const highest = Math.max(...envelope.siblings.map((sibling) => Number(textOf(sibling))));
    expect((await c?.put(target, String(highest), { "kvorum-context": envelope.context as string }))?.status).toBe(204);
    await everyNodeGives("stock", "screws", "42");
  });
});
