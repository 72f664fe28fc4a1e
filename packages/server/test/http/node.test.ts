/** What a process says of itself (CONTRACT §3): health, metrics, a page; what is no resource; what is no HTTP; and how it stops. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fail, ok } from "@kvorum/core";
import { nothing } from "./fake-node.js";
import { gotOf, openDoor, untilClosed } from "./harness.js";
import type { Harness } from "./harness.js";

let door: Harness;

beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.door.close());

test("live says that the process answers, ready that it takes requests", async () => {
  expect((await door.ask("GET", "/health/live")).json()).toEqual({ status: "live" });
  expect((await door.ask("GET", "/health/ready")).json()).toEqual({ status: "ready" });
  door.node.isReady = false;
  const answer = await door.ask("GET", "/health/ready");
  expect([answer.status, answer.json()["type"]]).toEqual([503, "urn:kvorum:not-ready"]);
  expect((await door.ask("GET", "/health/live")).status).toBe(200);
  door.node.isReady = true;
});

test("metrics have the contract's names, and count what was answered", async () => {
  const own = await openDoor();
  own.node.got = ok(gotOf({ value: "a" }, { value: "b" }));
  await own.ask("GET", "/v1/kv/b/k");
  own.node.got = ok(nothing);
  await own.ask("HEAD", "/v1/kv/b/k");
  own.node.put_ = fail("quorum-not-met", "", "unknown");
  await own.ask("PUT", "/v1/kv/b/k", { body: "x" });
  await own.ask("DELETE", "/v1/kv/b/k?w=9");
  await own.ask("GET", "/nowhere");

  const answer = await own.ask("GET", "/metrics");
  expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
  const lines = answer.body.toString().split("\n");
  for (const line of [
    'kvorum_requests_total{op="get",result="ok"} 1',
    'kvorum_requests_total{op="get",result="not-found"} 1',
    'kvorum_requests_total{op="put",result="quorum-not-met"} 1',
    'kvorum_requests_total{op="delete",result="bad-parameter"} 1',
    'kvorum_requests_total{op="other",result="no-such-route"} 1',
    'kvorum_request_seconds_count{op="get"} 2',
    'kvorum_siblings_bucket{le="1"} 0',
    'kvorum_siblings_bucket{le="2"} 1',
    "kvorum_siblings_count 1",
    "kvorum_read_repairs_total 1",
    "kvorum_gossip_bytes_sent_total 2",
    "kvorum_conflicts 7",
    "kvorum_keys 8",
    "kvorum_transfer_keys_total 10",
    "kvorum_hints_pending 11",
    "kvorum_hints_oldest_seconds 13.5",
    "kvorum_hints_replayed_total 14",
  ]) {
    expect(lines).toContain(line);
  }
  own.node.nodeStats = { ...own.node.nodeStats, readRepairs: 41 };
  expect((await own.ask("GET", "/metrics")).body.toString()).toContain("kvorum_read_repairs_total 41\n");
  expect((await door.ask("GET", "/metrics")).body.toString()).not.toContain("quorum-not-met");
  await own.door.close();
});

test("the page says what this is, runs no scripts, and its links lead somewhere", async () => {
  const answer = await door.ask("GET", "/");
  expect(answer.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(answer.headers["content-security-policy"]).toContain("default-src 'none'");
  const page = answer.body.toString();
  expect(page).toContain("n1");
  const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, link]) => link as string);
  expect(links.length).toBeGreaterThan(5);
  for (const link of links) expect((await door.ask("GET", link)).status).toBe(200);
});

test.each([
  ["GET", "/nowhere"],
  ["GET", "/v1"],
  ["GET", "/v1/kv/b/k/"],
  ["GET", "/v1/kv/b/a/b"],
  ["GET", "//v1/cluster"],
  ["PUT", "/v2/kv/b/k"],
  ["PROPFIND", "/nowhere"],
  ["GET", "/v1/nothing"],
  ["POST", "/v1/nothing"],
  ["POST", "/v1/cluster/members/n1/stay"],
  ["DELETE", "/v1/cluster/members"],
])("%s %s is no resource: 404, and a write says that nothing was started", async (method, path) => {
  const answer = await door.ask(method, path);
  expect(answer.status).toBe(404);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.json()).toMatchObject({ type: "urn:kvorum:no-such-route", status: 404 });
  expect(answer.json()["effect"]).toBe(method === "GET" ? undefined : "none");
});

test.each([
  ["POST", "/v1/kv/b/k", "DELETE, GET, HEAD, PUT"],
  ["PATCH", "/v1/kv/b/k", "DELETE, GET, HEAD, PUT"],
  ["PROPFIND", "/v1/kv/b/k", "DELETE, GET, HEAD, PUT"],
  ["OPTIONS", "/v1/buckets/b", "GET, HEAD, PUT"],
  ["DELETE", "/v1/cluster", "GET, HEAD"],
  ["POST", "/", "GET, HEAD"],
])("%s on %s is 405 that says what is taken", async (method, path, allow) => {
  const answer = await door.ask(method, path, { body: "x", headers: { "content-type": "nonsense" } });
  expect(answer.status).toBe(405);
  expect(answer.headers["allow"]).toBe(allow);
  expect(answer.json()["type"]).toBe("urn:kvorum:method-not-allowed");
});

test.each([
  ["not HTTP at all\r\n\r\n", 400, "malformed-request"],
  ["GET /v1/kv/b/caf\u00e9 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed-request"],
  ["GET /v1/kv/b/a b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed-request"],
  ["PUT /v1/kv/b/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "malformed-request"],
  [`GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(40_000)}\r\n\r\n`, 431, "headers-too-large"],
])("what is not well-formed HTTP gets a problem all the same: %.50j", async (text, status, name) => {
  const said = await door.raw(text);
  expect(said).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(said).toContain("Content-Type: application/problem+json");
  expect(JSON.parse(said.slice(said.indexOf("\r\n\r\n")))).toMatchObject({
    type: `urn:kvorum:${name}`,
    status,
    effect: "none",
  });
});

test("an answer whose client has left goes nowhere, and does no harm", async () => {
  const own = await openDoor();
  own.node.waiting = [];
  own.node.got = ok(gotOf({ value: Buffer.alloc(1024 * 1024) }));
  const socket = own.open();
  socket.write("GET /v1/kv/b/k HTTP/1.1\r\nHost: x\r\n\r\n");
  await expect.poll(() => own.node.waiting?.length).toBe(1);
  const gone = once(socket, "close");
  socket.resetAndDestroy();
  await gone;
  await own.ask("GET", "/health/live");
  for (const answer of own.node.waiting) answer();
  expect((await own.ask("GET", "/health/live")).status).toBe(200);
  await own.door.close();
});

test("connections past the limit are not taken", async () => {
  const own = await openDoor({ httpConnectionsMax: 1 });
  const first = own.open();
  first.write("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(first, "data");
  const second = own.open();
  second.on("error", () => undefined);
  await once(second, "close");
  first.end();
  await own.door.close();
});

test("a stop lets requests in flight end, refuses new ones, and then no connection is left", async () => {
  const own = await openDoor();
  own.node.waiting = [];
  own.node.got = ok(gotOf({ value: "kept" }));
  const inFlight = own.ask("GET", "/v1/kv/b/k");
  await expect.poll(() => own.node.waiting?.length).toBe(1);
  const idle = own.open();
  await once(idle, "connect");

  const closed = own.door.close();
  idle.write("PUT /v1/kv/b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
  const refused = await untilClosed(idle);
  expect(refused).toMatch(/^HTTP\/1\.1 503 /);
  expect(refused).toContain("urn:kvorum:stopping");
  expect(refused).toContain('"effect":"none"');

  for (const answer of own.node.waiting) answer();
  expect((await inFlight).body.toString()).toBe("kept");
  await closed;
  await expect(own.ask("GET", "/health/live")).rejects.toThrow(/ECONNREFUSED/);
});

test("a stop does not cut an answer that is still on its way to a slow reader", async () => {
  const own = await openDoor();
  const value = Buffer.alloc(8 * 1024 * 1024, "v");
  own.node.got = ok(gotOf({ value }));
  const socket = own.open();
  socket.pause();
  socket.write("GET /v1/kv/b/k HTTP/1.1\r\nHost: x\r\n\r\n");
  await expect.poll(() => own.node.gets.length).toBe(1);
  const closed = own.door.close();
  const said = untilClosed(socket.resume());
  expect((await said).length).toBeGreaterThan(value.length);
  await closed;
});

test("a stop does not wait for ever for a client that holds its request open", async () => {
  const own = await openDoor({ httpStopGraceMs: 50 });
  const socket = own.open();
  socket.on("error", () => undefined);
  socket.write("PUT /v1/kv/b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\npart");
  await once(socket, "connect");
  await own.door.close();
  expect(own.node.puts.length).toBe(0);
});

test("a request that was sent ahead begins when the one before it is answered", async () => {
  const own = await openDoor();
  const waiting: (() => void)[] = [];
  own.node.waiting = waiting;
  const all = own.raw(
    "PUT /v1/kv/b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1GET /v1/kv/b/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  );
  await expect.poll(() => waiting.length).toBe(1);
  expect([own.node.puts.length, own.node.gets.length]).toEqual([1, 0]);
  own.node.waiting = undefined;
  waiting[0]?.();
  expect((await all).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 204", "HTTP/1.1 404"]);
  expect(own.node.gets.length).toBe(1);
  await own.door.close();
});

test("who sends ahead more than is kept is cut", async () => {
  const own = await openDoor({ httpPipelinedMax: 10 });
  const waiting: (() => void)[] = [];
  own.node.waiting = waiting;
  const sent = "PUT /v1/kv/b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  expect(await own.raw(sent.repeat(12))).toBe("");
  for (const answer of waiting) answer();
  expect(own.node.puts.length, "and nothing of it begins").toBe(1);
  await own.door.close();
});

test("an address that is taken is an error of listen, in the system's words", async () => {
  await expect(openDoor({}, door.port)).rejects.toThrow(/EADDRINUSE/);
});
