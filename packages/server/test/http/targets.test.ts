/** Names and parameters (CONTRACT §3, "Keys"; TRAPS 30): what is sent is what is meant, or it is 400 with a sentence that names it. */
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { count } from "../../../core/test/counts.js";
import { decodeSegment, parseQuery } from "../../src/doors/http/target.js";
import { openDoor } from "./harness.js";
import type { Harness } from "./harness.js";

let door: Harness;

beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.door.close());
beforeEach(() => {
  door.node.gets.length = 0;
  door.node.puts.length = 0;
});

test.each([
  ["a%2Fb", "a/b"],
  ["..", ".."],
  [".", "."],
  ["%2e%2e", ".."],
  ["__proto__", "__proto__"],
  ["constructor", "constructor"],
  ["a+b", "a+b"],
  ["a%20b", "a b"],
  ["100%25", "100%"],
  ["%252F", "%2F"],
  ["a;b=c", "a;b=c"],
  ["a%3Fb%23c%26d", "a?b#c&d"],
  ["explain", "explain"],
  ["a%2Fexplain", "a/explain"],
  ["%00", "\0"],
  ["caf%C3%A9", "café"],
  ["%F0%9F%98%80", "\u{1F600}"],
  ["%EF%BB%BFbom", "\uFEFFbom"],
  ["%c3%a9", "é"],
  ["x".repeat(1024), "x".repeat(1024)],
  ["%E2%98%83".repeat(341), "☃".repeat(341)],
])("a key is percent-decoded once and is otherwise itself: %.30s", async (sent, key) => {
  await door.ask("GET", `/v1/kv/b/${sent}`);
  expect(door.node.lastId).toBe(`b/${key}`);
  expect((await door.ask("PUT", `/v1/kv/b/${sent}`, { body: "x" })).status).toBe(204);
  expect(door.node.lastId).toBe(`b/${key}`);
});

test("every string that is UTF-8 makes the way there", async () => {
  const anyKey = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
  const property = fc.asyncProperty(anyKey, async (key) => {
    await door.ask("GET", `/v1/kv/b/${encodeURIComponent(key)}`);
    expect(door.node.lastId).toBe(`b/${key}`);
  });
  await fc.assert(property, { numRuns: count(30, 5_000) });
});

test.each([
  ["/v1/kv/b/%FF", "UTF-8"],
  ["/v1/kv/b/%C0%80", "UTF-8"],
  ["/v1/kv/b/%ED%A0%80", "UTF-8"],
  ["/v1/kv/b/%", "%25"],
  ["/v1/kv/b/%2", "%25"],
  ["/v1/kv/b/a%zz", "%25"],
  ["/v1/kv/b/", "empty"],
  ["/v1/kv//k", "bucket"],
  ["/v1/kv/b/" + "x".repeat(1025), "1025 bytes"],
  ["/v1/kv/b/" + "%E2%98%83".repeat(342), "1026 bytes"],
  ["/v1/kv/b/" + "x".repeat(9000), "9000 bytes"],
  ["/v1/kv/b/k#fragment", "%23"],
  ["/v1/kv/no%20spaces/k", "bucket"],
  ["/v1/kv/caf%C3%A9/k", "bucket"],
  [`/v1/kv/${"b".repeat(65)}/k`, "bucket"],
])("a name that is none is refused, on reads and writes: %.40s", async (path, says) => {
  for (const method of ["GET", "PUT", "DELETE"]) {
    const answer = await door.ask(method, path);
    expect(answer.status).toBe(400);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.json()).toMatchObject({ type: "urn:kvorum:bad-parameter" });
    expect(answer.json()["detail"]).toContain(says);
    expect(answer.json()["effect"]).toBe(method === "GET" ? undefined : "none");
  }
  expect(door.node.gets.length + door.node.puts.length).toBe(0);
});

test.each(["A", "a.b_c-9", "..", "x".repeat(64)])("a bucket may be called %.20s", async (bucket) => {
  await door.ask("GET", `/v1/kv/${bucket}/k`);
  expect(door.node.lastId).toBe(`${bucket}/k`);
});

test.each([
  ["r=0", "r "],
  ["r=4", "n=3"],
  ["w=4", "n=3"],
  ["w=most", "w "],
  ["r=", "r "],
  ["r=2.5", "r "],
  ["r=-1", "r "],
  ["r=1&r=2", "twice"],
  ["sloppy=maybe", "sloppy"],
  ["sloppy=", "sloppy"],
  ["local=1", "local"],
  ["timeout=0", "timeout"],
  ["timeout=120001", "timeout"],
  ["timeout=5s", "timeout"],
  ["timeout=1e3", "timeout"],
  ["q=1", '"q"'],
  ["R=1", '"R"'],
  ["__proto__=1", "__proto__"],
  ["r=%FF", "UTF-8"],
  ["%=1", "%25"],
])("a parameter that is wrong is refused by name: ?%s", async (query, says) => {
  const answer = await door.ask("GET", `/v1/kv/b/k?${query}`);
  expect(answer.status).toBe(400);
  expect(answer.json()["type"]).toBe("urn:kvorum:bad-parameter");
  expect(answer.json()["detail"]).toContain(says);
  expect(door.node.gets.length).toBe(0);
});

test("local is for reads: a write says so", async () => {
  const answer = await door.ask("PUT", "/v1/kv/b/k?local=true", { body: "x" });
  expect(answer.status).toBe(400);
  expect(answer.json()["detail"]).toContain('"local"');
});

test("an empty query and stray ampersands ask for nothing", async () => {
  expect((await door.ask("GET", "/v1/kv/b/k?")).status).toBe(404);
  expect((await door.ask("GET", "/v1/kv/b/k?&r=1&")).status).toBe(404);
});

test("a target with a scheme and a host, as proxies send it, is the same target", async () => {
  await door.ask("GET", "http://elsewhere:80/v1/kv/b/a%2Fb?r=1");
  expect(door.node.lastId).toBe("b/a/b");
  expect(door.node.gets.at(-1)?.command.r).toBe(1);
});

test("decoding a piece of a path never does what decodeURIComponent does not", () => {
  const anyText = fc.oneof(fc.string(), fc.string().map(encodeURIComponent), fc.stringMatching(/^[%0-9a-fA-F]{0,12}$/));
  const attempt = (decode: () => string): string | undefined => {
    try {
      return decode();
    } catch {
      return undefined;
    }
  };
  const property = fc.property(anyText, (text) => {
    expect(attempt(() => decodeSegment(text, "it"))).toBe(attempt(() => decodeURIComponent(text)));
  });
  fc.assert(property, { numRuns: count(1_000, 100_000) });
});

test("a query says what URLSearchParams says, where both take it", () => {
  const pair = fc.tuple(fc.constantFrom("a", "b c", "é"), fc.string({ unit: "grapheme" }));
  const property = fc.property(fc.uniqueArray(pair, { selector: ([name]) => name }), (pairs) => {
    const query = new URLSearchParams(pairs).toString();
    expect([...parseQuery(query, ["a", "b c", "é"])]).toEqual([...new URLSearchParams(query)]);
  });
  fc.assert(property, { numRuns: count(300, 20_000) });
});
