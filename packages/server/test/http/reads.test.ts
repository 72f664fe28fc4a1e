/** GET and HEAD on a key (CONTRACT §3, "Keys"): every status, header and byte. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { fail, ok } from "@kvorum/core";
import { envelope } from "../../src/doors/http/schemas.js";
import { nothing } from "./fake-node.js";
import { gotOf, gotTombstone, openDoor } from "./harness.js";
import type { Harness } from "./harness.js";

const ENVELOPE = "application/vnd.kvorum+json";
const CONTEXT = Buffer.from([251, 239, 190, 0]).toString("base64url");
let door: Harness;

beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.door.close());
beforeEach(() => {
  door.node.got = ok(nothing);
  door.node.gets.length = 0;
});

test("one value stands: 200 with its bytes, its own content type, the context and the count", async () => {
  const value = Uint8Array.from({ length: 256 }, (_, at) => at);
  door.node.got = ok(gotOf({ value, contentType: "image/x-odd; Charset=Odd" }));
  const answer = await door.ask("GET", "/v1/kv/carts/alice");
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual(Buffer.from(value));
  expect(answer.headers).toMatchObject({
    "content-type": "image/x-odd; Charset=Odd",
    "content-length": "256",
    "kvorum-context": CONTEXT,
    "kvorum-siblings": "1",
    "cache-control": "no-store",
  });
  expect(door.node.lastId).toBe("carts/alice");
});

test.each(["application/json", "text/html", "foo", "text/plain", "application/problem+json"])(
  "a content type comes back byte for byte: %s",
  async (contentType) => {
    door.node.got = ok(gotOf({ value: "{}", contentType }));
    expect((await door.ask("GET", "/v1/kv/b/k")).headers["content-type"]).toBe(contentType);
  },
);

test.each(["", "with\r\nSet-Cookie: a line", "snow☃"])(
  "a content type that cannot stand in a header is given back as bytes: %j",
  async (contentType) => {
    door.node.got = ok(gotOf({ value: "x", contentType }));
    const answer = await door.ask("GET", "/v1/kv/b/k");
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
    expect(answer.headers["set-cookie"]).toBeUndefined();
  },
);

test("a value that a browser would run is kept from running as a page of the node's own", async () => {
  door.node.got = ok(gotOf({ value: "<script>", contentType: "text/html" }));
  expect((await door.ask("GET", "/v1/kv/b/k")).headers).toMatchObject({
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox",
  });
});

test("siblings stand: 300 with the envelope, in the order of their dots, and their count", async () => {
  door.node.got = ok(gotOf({ value: "red" }, { value: "blue", contentType: "text/x" }));
  const answer = await door.ask("GET", "/v1/kv/carts/alice");
  expect(answer.status).toBe(300);
  expect(answer.headers).toMatchObject({
    "content-type": ENVELOPE,
    "kvorum-siblings": "2",
    "kvorum-context": CONTEXT,
    "content-length": String(answer.body.length),
  });
  expect(answer.json()).toEqual({
    bucket: "carts",
    key: "alice",
    context: CONTEXT,
    siblings: [
      {
        value: "red",
        encoding: "utf8",
        contentType: "text/plain",
        dot: "000000000001.1.1:1",
        timestamp: 1_700_000_000_000,
        clock: { "000000000001.1.1": 1 },
        origin: { node: "n1", fallback: false, context: false },
      },
      {
        value: "blue",
        encoding: "utf8",
        contentType: "text/x",
        dot: "000000000002.1.1:1",
        timestamp: 1_700_000_000_001,
        clock: { "000000000002.1.1": 1 },
        origin: { node: "n2", fallback: false, context: false },
      },
    ],
    quorum: { needed: 2, received: 2, fallbacks: 0 },
  });
  expect(envelope.strict().safeParse(answer.json()).success).toBe(true);
});

test.each([
  [Buffer.from("plain"), "utf8"],
  [Buffer.from("\uFEFFa byte order mark stays"), "utf8"],
  [Buffer.from("snow ☃ \u0000 \u2028 \u{1F600}"), "utf8"],
  [Buffer.alloc(0), "utf8"],
  [Buffer.from([0xff, 0xfe]), "base64"],
  [Buffer.from([0xed, 0xa0, 0x80]), "base64"],
  [Buffer.from([0xc0, 0x80]), "base64"],
] as const)("an envelope gives a value's bytes back exactly: %j as %s", async (value, encoding) => {
  door.node.got = ok(gotOf({ value }));
  const answer = await door.ask("GET", "/v1/kv/b/k", { headers: { accept: ENVELOPE } });
  const [sibling] = answer.json()["siblings"] as { value: string; encoding: BufferEncoding }[];
  expect(sibling?.encoding).toBe(encoding);
  expect(Buffer.from(sibling?.value as string, sibling?.encoding)).toEqual(value);
});

test.each([ENVELOPE, `text/html, ${ENVELOPE}; q=0.5`, "Application/VND.kvorum+json"])(
  "with Accept: %s the answer is always the envelope: 200 for one value",
  async (accept) => {
    door.node.got = ok(gotOf({ value: "one" }));
    const answer = await door.ask("GET", "/v1/kv/b/k", { headers: { accept } });
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe(ENVELOPE);
    expect(answer.headers["kvorum-siblings"]).toBe("1");
    door.node.got = ok(gotOf({ value: "one" }, { value: "two" }));
    expect((await door.ask("GET", "/v1/kv/b/k", { headers: { accept } })).status).toBe(200);
  },
);

test.each(["*/*", "application/json", `${ENVELOPE};q=0`, "application/vnd.kvorum+jsonx"])(
  "with Accept: %s one value comes as it is",
  async (accept) => {
    door.node.got = ok(gotOf({ value: "one" }));
    expect((await door.ask("GET", "/v1/kv/b/k", { headers: { accept } })).body.toString()).toBe("one");
  },
);

test("a key never seen: 404, and no context", async () => {
  const answer = await door.ask("GET", "/v1/kv/b/k");
  expect(answer.status).toBe(404);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.headers["kvorum-context"]).toBeUndefined();
  expect(answer.headers["kvorum-siblings"]).toBeUndefined();
  expect(answer.json()).toMatchObject({ type: "urn:kvorum:not-found", status: 404 });
  expect(answer.json()).not.toHaveProperty("effect");
});

test("a key that was deleted: 404 that still carries the context", async () => {
  door.node.got = ok(gotTombstone());
  const answer = await door.ask("GET", "/v1/kv/b/k");
  expect(answer.status).toBe(404);
  expect(answer.headers["kvorum-context"]).toBe(CONTEXT);
});

test("with Accept: envelope a missing key is 404 with an empty list", async () => {
  const answer = await door.ask("GET", "/v1/kv/b/k", { headers: { accept: ENVELOPE } });
  expect(answer.status).toBe(404);
  expect(answer.headers["content-type"]).toBe(ENVELOPE);
  expect(answer.json()).toMatchObject({ bucket: "b", key: "k", context: null, siblings: [] });
  door.node.got = ok(gotTombstone());
  expect((await door.ask("GET", "/v1/kv/b/k", { headers: { accept: ENVELOPE } })).json()["context"]).toBe(CONTEXT);
});

test.each([
  ["a value", gotOf({ value: "four" })],
  ["siblings", gotOf({ value: "a" }, { value: "b" })],
  ["nothing", nothing],
])("HEAD is GET without a body: %s", async (_what, got) => {
  door.node.got = ok(got);
  const [get, head] = [await door.ask("GET", "/v1/kv/b/k"), await door.ask("HEAD", "/v1/kv/b/k")];
  expect(head.status).toBe(get.status);
  expect(head.body.length).toBe(0);
  expect({ ...head.headers, date: "" }).toEqual({ ...get.headers, date: "" });
  expect(head.headers["content-length"]).toBe(String(get.body.length));
});

test("how many fallbacks were counted is said, when some were", async () => {
  door.node.got = ok({ ...gotOf({ value: "x" }), fallbacks: 1 });
  expect((await door.ask("GET", "/v1/kv/b/k")).headers["kvorum-fallbacks"]).toBe("1");
  const answer = await door.ask("GET", "/v1/kv/b/k", { headers: { accept: ENVELOPE } });
  expect(answer.json()["quorum"]).toEqual({ needed: 2, received: 2, fallbacks: 1 });
});

test("r, sloppy, local and timeout reach the node as they were given", async () => {
  await door.ask("GET", "/v1/kv/b/k");
  expect(door.node.gets.at(-1)).toMatchObject({ timeoutMs: 5000, command: { sloppy: true, local: false, hops: 0 } });
  expect(door.node.gets.at(-1)?.command.r).toBeUndefined();
  await door.ask("GET", "/v1/kv/b/k?r=3&sloppy=false&local=true&timeout=250&w=all");
  expect(door.node.gets.at(-1)).toMatchObject({ timeoutMs: 250, command: { r: 3, sloppy: false, local: true } });
  await door.ask("GET", "/v1/kv/b/k?r=one");
  expect(door.node.gets.at(-1)?.command.r).toBe("one");
});

test("a quorum that was not met: 503 that says how many replies were needed and received, and no effect on a read", async () => {
  door.node.got = fail("quorum-not-met", "1 of 2 replicas answered", "unknown", { needed: 2, received: 1 });
  const answer = await door.ask("GET", "/v1/kv/b/k");
  expect(answer.status).toBe(503);
  expect(answer.json()).toMatchObject({ type: "urn:kvorum:quorum-not-met", needed: 2, received: 1 });
  expect(answer.json()).not.toHaveProperty("effect");
});

test("a state that cannot be read is a mistake of ours: 500, and the door goes on", async () => {
  door.node.got = ok({ ...nothing, body: Uint8Array.of(99, 1, 2) });
  expect((await door.ask("GET", "/v1/kv/b/k")).json()["type"]).toBe("urn:kvorum:internal");
  door.node.got = ok(gotOf({ value: "x" }));
  expect((await door.ask("GET", "/v1/kv/b/k")).status).toBe(200);
});
