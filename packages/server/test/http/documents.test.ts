/** Buckets, lists, conflicts, cluster, ring and explain (CONTRACT §3): every document, and what is refused. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { fail, ok } from "@kvorum/core";
import { documents } from "../../src/doors/http/schemas.js";
import { clusterView } from "./fake-node.js";
import { openDoor } from "./harness.js";
import type { Answer, Harness } from "./harness.js";

let door: Harness;
const DEFAULT = { n: 3, r: "quorum", w: "quorum", conflicts: "siblings" };

beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.door.close());
beforeEach(() => {
  door.node.config = { n: 3, r: "quorum", w: "quorum", conflicts: "siblings" };
  door.node.lists.length = 0;
  door.node.explained.length = 0;
});

const putBucket = (document: unknown): Promise<Answer> =>
  door.ask("PUT", "/v1/buckets/carts", { body: typeof document === "string" ? document : JSON.stringify(document) });

test.each([
  ["/v1/kv/carts", "KeyPage"],
  ["/v1/conflicts", "ConflictPage"],
  ["/v1/buckets", "BucketList"],
  ["/v1/buckets/carts", "BucketConfig"],
  ["/v1/cluster", "Cluster"],
  ["/v1/ring", "Ring"],
  ["/v1/digests", "Digests"],
  ["/v1/repair", "Repair"],
  ["/v1/risk", "Risk"],
  ["/v1/cluster/plan?change=join&name=n9&zone=z&weight=2", "Change"],
  ["/v1/cluster/plan?change=leave&name=n1", "Change"],
  ["/v1/ring?bucket=b&key=k", "Place"],
  ["/v1/kv/b/k/explain", "Explanation"],
  ["/health/live", "Health"],
] as const)("%s is what the description calls %s, and HEAD is the same without it", async (path, name) => {
  const answer = await door.ask("GET", path);
  expect(answer.status).toBe(200);
  expect(answer.headers["content-type"]).toBe("application/json");
  expect(documents[name].strict().safeParse(answer.json()).error).toBeUndefined();
  const head = await door.ask("HEAD", path);
  expect([head.status, head.body.length]).toEqual([200, 0]);
  expect(head.headers["content-length"]).toBe(String(answer.body.length));
});

test("a bucket that was never configured has the defaults; a change keeps what it does not name", async () => {
  expect((await door.ask("GET", "/v1/buckets/carts")).json()).toEqual(DEFAULT);
  const answer = await putBucket({ conflicts: "lww", w: 1 });
  expect([answer.status, answer.json()]).toEqual([200, { ...DEFAULT, conflicts: "lww", w: 1 }]);
  expect((await putBucket({ n: 3, r: "all" })).json()).toEqual({ n: 3, r: "all", w: 1, conflicts: "lww" });
  expect((await putBucket({})).status).toBe(200);
});

test("a bucket's ttl is seconds, there while it is set, and taken away by null", async () => {
  expect((await putBucket({ ttl: 60 })).json()).toEqual({ ...DEFAULT, ttl: 60 });
  expect((await putBucket({ w: 1 })).json()).toEqual({ ...DEFAULT, w: 1, ttl: 60 });
  expect((await putBucket({ w: "quorum", ttl: null })).json()).toEqual(DEFAULT);
});

test("n is the cluster's: another one is 409", async () => {
  const answer = await putBucket({ n: 5, w: 1 });
  expect(answer.status).toBe(409);
  expect(answer.json()).toMatchObject({ type: "urn:kvorum:n-fixed", effect: "none" });
  expect(door.node.config).toEqual(DEFAULT);
});

test.each([
  ['{"conflicts":"newest"}', "conflicts"],
  ['{"w":0}', "w"],
  ['{"w":"some"}', "w"],
  ['{"r":4}', "n=3"],
  ['{"w":1.5}', "w"],
  ['{"w":"1"}', "w"],
  ['{"ttl":0}', "ttl"],
  ['{"ttl":1.5}', "ttl"],
  ['{"ttl":"60"}', "ttl"],
  ['{"ttl":99999999999}', "ttl"],
  ['{"replicas":3}', "replicas"],
  ['{"__proto__":{"w":1}}', "__proto__"],
  ["[]", "object"],
  ["null", "object"],
  ["{", "JSON"],
  ["", "JSON"],
  ['{"w":1}\xff', "JSON"],
])("a bucket document that is wrong is refused by name: %s", async (document, says) => {
  const answer = await door.ask("PUT", "/v1/buckets/carts", { body: Buffer.from(document, "latin1") });
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({ type: "urn:kvorum:bad-parameter", effect: "none" });
  expect(answer.json()["detail"]).toContain(says);
  expect(door.node.config).toEqual(DEFAULT);
});

test("a bucket document has a size", async () => {
  const answer = await putBucket(" ".repeat(64 * 1024 + 1));
  expect([answer.status, answer.json()["effect"]]).toEqual([413, "none"]);
});

test("a list passes on bucket, prefix, limit and cursor, and gives the node's page", async () => {
  door.node.keyPage = ok({ keys: ["a/b", "☃"], cursor: "next" });
  const answer = await door.ask("GET", "/v1/kv/carts?prefix=a%2F&limit=2&cursor=abc");
  expect(answer.json()).toEqual({ keys: ["a/b", "☃"], cursor: "next" });
  expect(door.node.lists.at(-1)).toEqual({ bucket: "carts", prefix: "a/", limit: 2, cursor: "abc" });
});

test("empty list parameters, as a form sends them, are as if they were not there", async () => {
  await door.ask("GET", "/v1/kv/carts?prefix=&limit=&cursor=");
  expect(door.node.lists.at(-1)).toEqual({ bucket: "carts", prefix: "", limit: 1000 });
  await door.ask("GET", "/v1/conflicts?bucket=&limit=&cursor=");
  expect(door.node.lists.at(-1)).toEqual({ limit: 1000 });
  await door.ask("GET", "/v1/conflicts?bucket=carts&limit=10000");
  expect(door.node.lists.at(-1)).toEqual({ bucket: "carts", limit: 10_000 });
});

test.each([
  "/v1/kv/carts?limit=0",
  "/v1/kv/carts?limit=10001",
  "/v1/kv/carts?limit=all",
  "/v1/kv/carts?after=a",
  `/v1/kv/carts?prefix=${"x".repeat(1025)}`,
  "/v1/kv/carts?prefix=%FF",
  "/v1/kv/no%20name",
  "/v1/kv/",
  "/v1/conflicts?bucket=no%20name",
  "/v1/conflicts?prefix=a",
  "/v1/buckets/no%20name",
  "/v1/buckets?x=1",
  "/v1/ring?bucket=b",
  "/v1/ring?key=k",
  "/v1/ring?bucket=no%20name&key=k",
  "/v1/ring?bucket=b&key=%FF",
  "/v1/cluster?x=1",
  "/v1/kv/b/k/explain?r=1",
])("%s is a bad parameter", async (path) => {
  const answer = await door.ask("GET", path);
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({ type: "urn:kvorum:bad-parameter", status: 400 });
});

test("a partition that cannot be read is 503, never a shorter list", async () => {
  door.node.keyPage = fail("quorum-not-met", "partition 7", "none", { needed: 2, received: 1 });
  const answer = await door.ask("GET", "/v1/kv/carts");
  expect(answer.status).toBe(503);
  expect(answer.json()).toMatchObject({ type: "urn:kvorum:quorum-not-met", needed: 2, received: 1 });
});

test("the cluster and the ring are the node's own view", async () => {
  expect((await door.ask("GET", "/v1/cluster")).json()).toEqual(clusterView);
  expect((await door.ask("GET", "/v1/ring")).json()).toEqual(door.node.ringView());
});

test("a key's place and its explanation are of exactly that key", async () => {
  await door.ask("GET", "/v1/ring?bucket=b&key=a%2Fb+c%2B");
  await door.ask("GET", "/v1/kv/b/a%2Fb%2Fexplain/explain");
  expect(door.node.explained).toEqual(["b/a/b c+", "b/a/b/explain"]);
});

test("a member is asked to leave with POST, and removed with DELETE when it is down, or by force", async () => {
  const left = await door.ask("POST", "/v1/cluster/members/n1/leave");
  expect(left.status).toBe(202);
  expect(documents.Change.strict().safeParse(left.json()).error).toBeUndefined();
  const refused = await door.ask("DELETE", "/v1/cluster/members/n1");
  expect([refused.status, refused.json()]).toMatchObject([409, { type: "urn:kvorum:member-alive", effect: "none" }]);
  const removed = await door.ask("DELETE", "/v1/cluster/members/n1?force=true");
  expect([removed.status, removed.json()]).toMatchObject([202, { change: "remove", keysBelowN: 7 }]);
  expect(documents.Removal.strict().safeParse(removed.json()).error).toBeUndefined();
  expect((await door.ask("POST", "/v1/cluster/members/nobody/leave")).status).toBe(404);
  expect((await door.ask("DELETE", "/v1/cluster/members/n1?force=perhaps")).status).toBe(400);
});

test.each(["", "?change=join", "?name=n1", "?change=split&name=n1", "?change=join&name=n9&weight=0"])(
  "a plan without a change or a name is refused: %s",
  async (query) => {
    expect((await door.ask("GET", `/v1/cluster/plan${query}`)).status).toBe(400);
  },
);

test("a repair is asked for with POST and no body: 202, and what GET says then", async () => {
  const before = door.node.repairs;
  const answer = await door.ask("POST", "/v1/repair");
  expect(answer.status).toBe(202);
  expect(door.node.repairs).toBe(before + 1);
  expect(answer.json()).toMatchObject({ running: true, finishedAt: null });
  expect((await door.ask("GET", "/v1/repair")).json()).toEqual(answer.json());
  expect((await door.ask("POST", "/v1/repair?now=1")).status).toBe(400);
});
