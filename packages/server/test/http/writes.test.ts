/** PUT and DELETE on a key (CONTRACT §3, "Keys"): contexts, idempotency, conditions, and three outcomes that are told apart. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { fail, failureCodes, ok } from "@kvorum/core";
import type { FailureCode } from "@kvorum/core";
import { problem } from "../../src/doors/http/schemas.js";
import { done } from "./fake-node.js";
import { openDoor } from "./harness.js";
import type { Harness } from "./harness.js";

let door: Harness;
const KEY = "/v1/kv/carts/alice";

beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.door.close());
beforeEach(() => {
  door.node.put_ = ok(done);
  door.node.puts.length = 0;
  door.node.operations.length = 0;
});

const lastPut = (): Harness["node"]["puts"][number] => door.node.puts.at(-1) as Harness["node"]["puts"][number];

test("PUT keeps the bytes and their content type: 204 with the new context, and nothing else", async () => {
  const value = Uint8Array.from({ length: 256 }, (_, at) => 255 - at);
  const answer = await door.ask("PUT", KEY, { body: value, headers: { "content-type": "image/x; a=1" } });
  expect(answer.status).toBe(204);
  expect(answer.body.length).toBe(0);
  expect(answer.headers["kvorum-context"]).toBe(Buffer.from(done.context).toString("base64url"));
  expect(answer.headers["content-length"]).toBeUndefined();
  const { command, timeoutMs } = lastPut();
  expect(Buffer.from(command.value as Uint8Array)).toEqual(Buffer.from(value));
  expect(command).toMatchObject({ kind: "put", contentType: "image/x; a=1", sloppy: true, ifAbsent: false, hops: 0 });
  expect([command.w, command.operation, command.context.length, timeoutMs]).toEqual([undefined, undefined, 0, 5000]);
  expect(door.node.lastId).toBe("carts/alice");
});

test.each(["application/json", "foo", "text/plain;charset=UTF-8", "multipart/form-data; boundary=x", "x".repeat(255)])(
  "any content type is kept as it came, and no body is parsed: %s",
  async (type) => {
    const answer = await door.ask("PUT", KEY, { body: "{not json", headers: { "content-type": type } });
    expect(answer.status).toBe(204);
    expect(lastPut().command.contentType).toBe(type);
  },
);

test("without a content type a value is bytes", async () => {
  await door.ask("PUT", KEY, { body: "x" });
  expect(lastPut().command.contentType).toBe("application/octet-stream");
});

test("an empty body is an empty value, not a deletion", async () => {
  for (const options of [{ body: "" }, {}]) {
    expect((await door.ask("PUT", KEY, options)).status).toBe(204);
    expect(lastPut().command.value?.length).toBe(0);
  }
});

test.each([
  ["1", 1],
  ["3155760000", 3_155_760_000],
  ["none", 0],
])("Kvorum-TTL: %s is passed on with the write", async (ttl, ttlSeconds) => {
  expect((await door.ask("PUT", KEY, { body: "x", headers: { "kvorum-ttl": ttl } })).status).toBe(204);
  expect(lastPut().command.ttlSeconds).toBe(ttlSeconds);
});

test.each(["0", "-1", "1.5", "1e3", "", "soon", "01", "3155760001", "10, 10"])(
  "a Kvorum-TTL that is no number of seconds is refused before anything is done: %s",
  async (ttl) => {
    const answer = await door.ask("PUT", KEY, { body: "x", headers: { "kvorum-ttl": ttl } });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ type: "urn:kvorum:bad-parameter", effect: "none" });
    expect(answer.json()["detail"]).toContain("whole number of seconds from 1");
    expect(door.node.puts).toEqual([]);
  },
);

test("a DELETE takes no Kvorum-TTL", async () => {
  const answer = await door.ask("DELETE", KEY, { headers: { "kvorum-ttl": "5" } });
  expect(answer.status).toBe(400);
  expect(door.node.puts).toEqual([]);
});

test("a chunked body is a value like any other", async () => {
  const answer = await door.ask("PUT", KEY, { body: "chunk", headers: { "transfer-encoding": "chunked" } });
  expect(answer.status).toBe(204);
  expect(Buffer.from(lastPut().command.value as Uint8Array).toString()).toBe("chunk");
});

test("DELETE is a write without a value; its body has no meaning", async () => {
  const answer = await door.ask("DELETE", KEY, { body: "ignored", headers: { "content-type": "nonsense" } });
  expect(answer.status).toBe(204);
  expect(answer.headers["kvorum-context"]).toBe("AQID");
  expect(lastPut().command).toMatchObject({ kind: "put", value: undefined, ifAbsent: false });
});

test.each(["PUT", "DELETE"])("%s passes on its context, w, sloppy and timeout", async (method) => {
  const headers = { "kvorum-context": "--__AQ" };
  await door.ask(method, `${KEY}?w=2&sloppy=false&timeout=99&r=1`, { headers });
  expect(Buffer.from(lastPut().command.context).toString("base64url")).toBe("--__AQ");
  expect(lastPut()).toMatchObject({ timeoutMs: 99, command: { w: 2, sloppy: false } });
});

test.each(["", "not base64!", "AQID=", "AR", "A", "AQ==", "a+b/", "A".repeat(8196), "AQID, AQID"])(
  "a context that was not given out in this form is refused: %.20s",
  async (context) => {
    const answer = await door.ask("PUT", KEY, { body: "x", headers: { "kvorum-context": context } });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ type: "urn:kvorum:bad-context", effect: "none" });
    expect(door.node.puts.length).toBe(0);
  },
);

test("an idempotency key names the write; the attempt says whether anybody need look for it", async () => {
  const headers = { "idempotency-key": "order 17" };
  await door.ask("PUT", KEY, { body: "x", headers });
  expect(lastPut().command.operation?.maybeRetry).toBe(true);
  await door.ask("PUT", KEY, { body: "x", headers: { ...headers, "kvorum-attempt": "1" } });
  expect(lastPut().command.operation?.maybeRetry).toBe(false);
  await door.ask("DELETE", KEY, { headers: { ...headers, "kvorum-attempt": "2" } });
  expect(door.node.operations).toEqual([
    { idempotencyKey: "order 17", attempt: undefined },
    { idempotencyKey: "order 17", attempt: 1 },
    { idempotencyKey: "order 17", attempt: 2 },
  ]);
});

test.each([
  [{ "idempotency-key": "" }, "Idempotency-Key"],
  [{ "idempotency-key": "x".repeat(256) }, "Idempotency-Key"],
  [{ "idempotency-key": "\u00e9" }, "Idempotency-Key"],
  [{ "kvorum-attempt": "0" }, "Kvorum-Attempt"],
  [{ "kvorum-attempt": "first" }, "Kvorum-Attempt"],
  [{ "content-type": "x".repeat(256) }, "Content-Type"],
  [{ "content-type": "caf\u00e9" }, "Content-Type"],
  [{ "if-none-match": '"tag"' }, "If-None-Match"],
  [{ "if-match": "*" }, "if-match"],
  [{ "content-range": "bytes 0-1/2" }, "content-range"],
  [{ "content-encoding": "gzip" }, "content-encoding"],
])("a header that cannot be honoured is refused by name: %j", async (headers, name) => {
  const answer = await door.ask("PUT", KEY, { body: "x", headers });
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({ type: "urn:kvorum:bad-parameter", effect: "none" });
  expect(answer.json()["detail"]).toContain(name);
  expect(door.node.puts.length).toBe(0);
});

test("If-None-Match: * asks for a value only where none is; a DELETE has no such condition", async () => {
  await door.ask("PUT", KEY, { body: "x", headers: { "if-none-match": "*" } });
  expect(lastPut().command.ifAbsent).toBe(true);
  door.node.put_ = fail("exists", "a quorum read sees a value");
  const answer = await door.ask("PUT", KEY, { body: "x", headers: { "if-none-match": "*" } });
  expect([answer.status, answer.json()["type"]]).toEqual([412, "urn:kvorum:exists"]);
  expect((await door.ask("DELETE", KEY, { headers: { "if-none-match": "*" } })).status).toBe(400);
});

const statuses: Readonly<Record<FailureCode, number>> = {
  "bad-parameter": 400,
  "bad-context": 400,
  "too-large": 413,
  overloaded: 503,
  "storage-full": 507,
  "quorum-not-met": 503,
  "idempotency-mismatch": 422,
  exists: 412,
  "too-many-siblings": 409,
  "clock-skew": 503,
  "n-fixed": 409,
  "not-found": 404,
  "not-owner": 503,
  stopping: 503,
  "storage-failed": 503,
  "join-refused": 409,
  "member-alive": 409,
};

test.each(failureCodes)("a failure keeps its name, status and effect, on PUT and DELETE alike: %s", async (code) => {
  for (const [method, effect] of [
    ["PUT", "unknown"],
    ["DELETE", "none"],
  ] as const) {
    door.node.put_ = fail(code, "what was wrong", effect, { needed: 2, received: 1 });
    const answer = await door.ask(method, KEY, method === "PUT" ? { body: "x" } : {});
    expect(answer.status).toBe(statuses[code]);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.json()).toEqual({
      type: `urn:kvorum:${code}`,
      title: expect.any(String) as string,
      status: statuses[code],
      detail: "what was wrong",
      effect,
      needed: 2,
      received: 1,
    });
    expect(problem.strict().safeParse(answer.json()).success).toBe(true);
  }
});

test("shed load says when to come back, in whole seconds", async () => {
  door.node.put_ = fail("overloaded", "too much at once", "none", { retryAfterMs: 2500 });
  expect((await door.ask("PUT", KEY, { body: "x" })).headers["retry-after"]).toBe("3");
  door.node.put_ = fail("overloaded", "too much at once");
  expect((await door.ask("PUT", KEY, { body: "x" })).headers["retry-after"]).toBe("1");
});

test("a mistake of ours after the write was handed over has an unknown effect; before, none", async () => {
  const own = await openDoor();
  own.node.put_ = undefined as never;
  expect((await own.ask("PUT", KEY, { body: "x" })).json()).toMatchObject({ status: 500, effect: "unknown" });
  own.node.operationOf = () => {
    throw new Error("before");
  };
  const answer = await own.ask("PUT", KEY, { body: "x", headers: { "idempotency-key": "k" } });
  expect(answer.json()).toMatchObject({ status: 500, effect: "none" });
  await own.door.close();
});
