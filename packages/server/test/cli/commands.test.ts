/** The client commands against a fake door: exact bytes, one JSON document, and the exit codes of CONTRACT §2. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeKvorum, problem } from "./fake-kvorum.js";
import { runCli, type CliSetup } from "./run-cli.js";

let fake: FakeKvorum;
beforeEach(async () => {
  fake = await FakeKvorum.start();
});
afterEach(() => fake.stop());

function kvorum(args: readonly string[], setup: CliSetup = {}) {
  return runCli(args, { ...setup, env: { KVORUM_URL: fake.url, ...setup.env } });
}

describe("put, get, delete", () => {
  test("get writes the value's exact bytes and nothing else, whatever they are", async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 27, 0x80]);
    fake.add("b", "k", bytes, "application/octet-stream");
    const { exit, stdout, err } = await kvorum(["get", "b", "k"]);
    expect([exit, stdout, err]).toEqual([0, bytes, ""]);
  });

  test("put takes its value from the argument or from stdin, byte for byte", async () => {
    expect((await kvorum(["put", "b", "k", ""])).exit).toBe(0);
    expect(fake.value("b", "k")).toBe("");
    const bytes = Buffer.from([0, 255, 10]);
    await kvorum(["put", "b", "piped"], { stdin: bytes });
    expect((await kvorum(["get", "b", "piped"])).stdout).toEqual(bytes);
    await kvorum(["put", "b", "negative", "-5"]);
    await kvorum(["put", "b", "dashed", "--", "--value"]);
    expect([fake.value("b", "negative"), fake.value("b", "dashed")]).toEqual(["-5", "--value"]);
  });

  test("put tells the context: as data with --json, in words without", async () => {
    const plain = await kvorum(["put", "b", "k", "v"]);
    expect([plain.exit, plain.out, plain.err]).toEqual([0, "", "stored\ncontext ctx1\n"]);
    const json = await kvorum(["put", "b", "k", "v", "--json", "--context", "ctx1"]);
    expect([json.exit, json.json, json.err]).toEqual([0, { context: "ctx2" }, ""]);
    expect(fake.value("b", "k")).toBe("v");
  });

  test("two writes from one old context are siblings: get shows both with clocks and exits 4", async () => {
    await kvorum(["put", "b", "k", "red"]);
    await kvorum(["put", "b", "k", "blue"]);
    const { exit, out, err } = await kvorum(["get", "b", "k"]);
    expect(exit).toBe(4);
    for (const part of ["red", "blue", "a1:1", "a2:1", "n1, blind", "1970-01-01 00:00:01.000Z"])
      expect(out).toContain(part);
    expect(err).toContain("kvorum resolve b k");
    const json = await kvorum(["get", "b", "k", "--json"]);
    expect(json.exit).toBe(4);
    expect(json.json).toMatchObject({ context: "ctx2", siblings: [{ value: "red" }, { value: "blue" }] });
  });

  test("get --json is the envelope also for one value; a missing key's is the problem too", async () => {
    fake.add("b", "k", "v");
    expect((await kvorum(["get", "b", "k", "--json"])).json).toMatchObject({ bucket: "b", siblings: [{ value: "v" }] });
    const missing = await kvorum(["get", "b", "none", "--json"]);
    expect(missing.exit).toBe(3);
    expect(missing.json).toMatchObject({ type: "urn:kvorum:not-found", status: 404, siblings: [] });
    const plain = await kvorum(["get", "b", "none"]);
    expect([plain.exit, plain.out, plain.err]).toEqual([3, "", "kvorum get: nothing there\n"]);
  });

  test("delete says its context and is done also where nothing was", async () => {
    fake.add("b", "k", "v");
    expect((await kvorum(["delete", "b", "k"])).exit).toBe(0);
    expect(fake.value("b", "k")).toBeUndefined();
    expect((await kvorum(["delete", "b", "k", "--json"])).json).toMatchObject({
      context: expect.stringMatching(/^ctx/),
    });
  });

  test("options travel as CONTRACT §3 names them", async () => {
    await kvorum(["put", "b", "k", "v", "--w", "all", "--strict", "--timeout", "2s", "--if-absent"]);
    expect(fake.seen[0]?.url).toBe("/v1/kv/b/k?w=all&sloppy=false&timeout=2000");
    expect(fake.seen[0]?.headers).toMatchObject({ "if-none-match": "*", "content-type": "text/plain; charset=utf-8" });
    await kvorum(["get", "b", "k", "--r", "one", "--local"]);
    expect(fake.seen[1]?.url).toBe("/v1/kv/b/k?r=one&local=true");
  });

  test.each(["..", ".", "a/b", "a b", "ü", "%2e%2e", "?x#y;z+", "__proto__", "\n"])(
    "the key %j arrives as it is",
    async (key) => {
      await kvorum(["put", "b", "--", key, "v"]);
      expect(fake.seen[0]?.url.split("/")).toHaveLength(5);
      expect(decodeURIComponent(fake.seen[0]?.url.split("/")[4] ?? "")).toBe(key);
      expect((await kvorum(["get", "b", "--", key])).out).toBe("v");
    },
  );
});

describe("what goes wrong", () => {
  test("bad names are refused before anything is sent", async () => {
    for (const args of [
      ["get", "b/c", "k"],
      ["get", "b", ""],
      ["put", "b", "k".repeat(1025), "v"],
      ["keys", "ü"],
    ]) {
      const { exit, err } = await kvorum(args);
      expect([exit, err.split("\n").length]).toEqual([2, 2]);
    }
    expect((await kvorum(["get", "a b", "k", "--json"])).json).toMatchObject({
      type: "urn:kvorum:bad-parameter",
      status: 400,
    });
    expect(fake.seen).toEqual([]);
  });

  test("the server's problem is the JSON document, and its detail the line", async () => {
    fake.fault = (_request, response) => {
      problem(response, 503, "quorum-not-met", "2 of 3 are away", { needed: 2, received: 1, effect: "unknown" });
      return true;
    };
    const { exit, json, err } = await kvorum(["put", "b", "k", "v", "--json"]);
    expect(exit).toBe(1);
    expect(json).toEqual({
      type: "urn:kvorum:quorum-not-met",
      title: "quorum-not-met",
      status: 503,
      detail: "2 of 3 are away",
      needed: 2,
      received: 1,
      effect: "unknown",
    });
    expect(err).toBe("kvorum put: 2 of 3 are away. The write is neither promised nor undone: it may still appear\n");
  });

  test("a context that is none is wrong usage, whoever finds it", async () => {
    expect((await kvorum(["put", "b", "k", "v", "--context", "nonsense"])).exit).toBe(2);
    expect((await kvorum(["put", "b", "k", "v", "--context", "a\nb"])).exit).toBe(2);
  });

  test("no server: exit 1, one line, and nothing was started", async () => {
    await fake.stop();
    const { exit, err, json } = await kvorum(["put", "b", "k", "v", "--json"]);
    expect([exit, err.trim().split("\n").length]).toEqual([1, 1]);
    expect(json).toMatchObject({ type: "urn:kvorum:unreachable", effect: "none" });
    fake = await FakeKvorum.start();
  });

  test("an answer that is not Kvorum's is told as such", async () => {
    fake.fault = (_request, response) => {
      response.end("<html>");
      return true;
    };
    const { exit, err } = await kvorum(["status"]);
    expect([exit, err]).toEqual([1, 'kvorum status: the answer is no JSON object: "<html>"\n']);
  });

  test("--url wins over KVORUM_URL; one that is none is wrong usage", async () => {
    expect((await kvorum(["get", "b", "k", "--url", "ftp://x"])).exit).toBe(2);
    expect((await kvorum(["get", "b", "k"], { env: { KVORUM_URL: "http://[" } })).exit).toBe(2);
    expect((await runCli(["get", "b", "k", "--url", fake.url.replace("http://", "")])).exit).toBe(3);
  });
});

describe("keys", () => {
  test("all pages, a key a line; one that could be mistaken is a JSON string", async () => {
    fake.pageSize = 2;
    const keys = ["a", "a\nb", '"q"', "ü", "\u001b[31m"];
    for (const key of keys) fake.add("b", key, "v");
    const { exit, out, err } = await kvorum(["keys", "b"]);
    expect([exit, err]).toEqual([0, ""]);
    const lines = out.trimEnd().split("\n");
    expect(lines).toEqual(["a", '"a\\nb"', '"\\"q\\""', "ü", '"\\u001b[31m"']);
    expect(lines.map((line) => (line.startsWith('"') ? (JSON.parse(line) as string) : line))).toEqual(keys);
    expect((await kvorum(["keys", "b", "--json"])).json).toEqual({ keys, cursor: null });
  });

  test("--limit stops and gives the cursor; --prefix narrows", async () => {
    for (const key of ["a1", "a2", "a3", "b1"]) fake.add("b", key, "v");
    const first = await kvorum(["keys", "b", "--prefix", "a", "--limit", "2"]);
    expect([first.out, first.err]).toEqual(["a1\na2\n", "there are more: go on with --cursor 2\n"]);
    const rest = await kvorum(["keys", "b", "--prefix", "a", "--cursor", "2", "--json"]);
    expect(rest.json).toEqual({ keys: ["a3"], cursor: null });
  });

  test("a page that fails fails the list: exit 1, and with --json no list at all", async () => {
    fake.pageSize = 1;
    for (const key of ["a", "b"]) fake.add("b", key, "v");
    fake.fault = ({ url }, response) => {
      if (!url.includes("cursor")) return false;
      problem(response, 503, "quorum-not-met", "partition 3 cannot be read");
      return true;
    };
    const plain = await kvorum(["keys", "b"]);
    expect([plain.exit, plain.out, plain.err]).toEqual([1, "a\n", "kvorum keys: partition 3 cannot be read\n"]);
    expect((await kvorum(["keys", "b", "--json"])).json).toMatchObject({ type: "urn:kvorum:quorum-not-met" });
  });
});

describe("resolve", () => {
  function stock(): void {
    fake.add("b", "k", '{"count":5}', "application/json", 1000);
    fake.add("b", "k", '{"count":7}', "application/stock+json", 500);
  }

  test("--pick writes that sibling back, its bytes and type, in the place of all", async () => {
    stock();
    const { exit, err } = await kvorum(["resolve", "b", "k", "--pick", "2"]);
    expect([exit, err]).toEqual([0, "resolved: 2 became one\ncontext ctx3\n"]);
    expect(fake.value("b", "k")).toBe('{"count":7}');
    const put = fake.seen.at(-1);
    expect(put?.headers).toMatchObject({ "kvorum-context": "ctx2", "content-type": "application/stock+json" });
  });

  test("--pick of bytes that are no text gives the same bytes", async () => {
    fake.add("b", "k", "x");
    fake.add("b", "k", Buffer.from([0, 255, 1]));
    await kvorum(["resolve", "b", "k", "--pick", "2"]);
    expect((await kvorum(["get", "b", "k"])).stdout).toEqual(Buffer.from([0, 255, 1]));
  });

  test("--pick counts from 1, and there must be such a sibling", async () => {
    stock();
    for (const pick of ["0", "3", "x"]) expect((await kvorum(["resolve", "b", "k", "--pick", pick])).exit).toBe(2);
    expect(fake.value("b", "k")).toContain("|");
  });

  test("--value replaces them all", async () => {
    stock();
    expect((await kvorum(["resolve", "b", "k", "--value", "9", "--json"])).json).toEqual({ context: "ctx3" });
    expect(fake.value("b", "k")).toBe("9");
  });

  test("--merge refuses differing fields with exit 4 and their names, and changes nothing", async () => {
    stock();
    const plain = await kvorum(["resolve", "b", "k", "--merge"]);
    expect([plain.exit, plain.out]).toEqual([4, ""]);
    expect(plain.err).toContain('the siblings differ in field "count"');
    const json = await kvorum(["resolve", "b", "k", "--merge", "--json"]);
    expect(json.exit).toBe(4);
    expect(json.json).toMatchObject({ type: "urn:kvorum:merge-refused", fields: ["count"] });
    expect(fake.value("b", "k")).toBe('{"count":5}|{"count":7}');
  });

  test("--merge --prefer newest takes the newest's field, by timestamp and not by listing", async () => {
    stock();
    expect((await kvorum(["resolve", "b", "k", "--merge", "--prefer", "newest"])).exit).toBe(0);
    expect(fake.value("b", "k")).toBe('{"count":5}');
  });

  test("without a way and a terminal it says what to do and exits 2", async () => {
    stock();
    const { exit, err } = await kvorum(["resolve", "b", "k"]);
    expect(exit).toBe(2);
    expect(err).toContain("--pick N, --value V or --merge");
  });

  test("one value stands: nothing to do; none: exit 3; two ways at once: exit 2", async () => {
    fake.add("b", "one", "v");
    expect(await kvorum(["resolve", "b", "one", "--merge"])).toMatchObject({ exit: 0, out: "" });
    expect((await kvorum(["resolve", "b", "none", "--pick", "1"])).exit).toBe(3);
    expect((await kvorum(["resolve", "b", "one", "--pick", "1", "--merge"])).exit).toBe(2);
    expect((await kvorum(["resolve", "b", "one", "--prefer", "newest"])).exit).toBe(2);
    expect(fake.seen.filter(({ method }) => method === "PUT")).toEqual([]);
  });
});

describe("the cluster", () => {
  const cluster = {
    cluster: "00ff",
    node: "n1",
    partitions: 64,
    replicas: 3,
    settled: false,
    underReplicated: true,
    members: [
      { name: "n1\u001b[2J", address: "h:1", http: "h:2", zone: "z", status: "up", ownership: 0.335, hints: 2 },
    ],
    transfers: [{ partition: 3, from: "n1", to: "n2", done: 1, total: 9 }],
    extra: "kept",
  };

  test("status and members: tables, and with --json the server's own document", async () => {
    fake.documents.set("/v1/cluster", cluster);
    const { exit, out } = await kvorum(["status"]);
    expect(exit).toBe(0);
    for (const part of ["not settled", "under-replicated", "33.5%", "1 of 9", "n1\\u001b[2J"])
      expect(out).toContain(part);
    expect(out).not.toContain("\u001b");
    expect((await kvorum(["members"])).out).toContain("h:2");
    expect((await kvorum(["status", "--json"])).json).toEqual(cluster);
    expect((await kvorum(["members", "--json"])).json).toEqual(cluster);
  });

  test("ring: all partitions, or where one key lives", async () => {
    fake.documents.set("/v1/ring", { version: "7", partitions: [{ partition: 0, owners: ["n1", "n2"] }] });
    expect((await kvorum(["ring"])).out).toMatch(/PARTITION {2}OWNERS\n0 +n1 n2\n/);
    fake.documents.set("/v1/ring", { partition: 5, preferenceList: ["n2", "n1"], fallbacks: ["n3"] });
    expect((await kvorum(["ring", "b", "k"])).out).toMatch(/5 +n2 n1 +n3/);
    expect(fake.seen.at(-1)?.url).toBe("/v1/ring?bucket=b&key=k");
    expect((await kvorum(["ring", "b"])).exit).toBe(2);
  });

  test("conflicts: a table, one document over all pages, and silence on stdout where there are none", async () => {
    fake.documents.set("/v1/conflicts", {
      conflicts: [{ bucket: "b", key: "k", siblings: 2, since: 0 }],
      cursor: null,
      total: 1,
    });
    expect((await kvorum(["conflicts"])).out).toMatch(/b +k +2 +1970-01-01 00:00:00\.000Z/);
    expect((await kvorum(["conflicts", "b", "--json"])).json).toMatchObject({ total: 1, conflicts: [{ key: "k" }] });
    expect(fake.seen.at(-1)?.url).toBe("/v1/conflicts?bucket=b&limit=1000");
    fake.documents.set("/v1/conflicts", { conflicts: [], cursor: null, total: 0 });
    expect(await kvorum(["conflicts"])).toMatchObject({ exit: 0, out: "", err: "no key has siblings\n" });
  });
});
