/** Import and export: what is stored, what is named instead, and that a retry is the same write (CONTRACT §2, issue 2 "Real input"). */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KvorumApi } from "../../src/cli/api.js";
import { contentTypeOf } from "../../src/cli/bulk/content-types.js";
import type { SourceItem } from "../../src/cli/bulk/entry.js";
import { importAll, type ImportOptions } from "../../src/cli/bulk/importer.js";
import { readJsonLines } from "../../src/cli/bulk/json-lines.js";
import { eachAtOnce } from "../../src/cli/bulk/pool.js";
import { walk } from "../../src/cli/bulk/walk.js";
import { HttpClient } from "../../src/cli/http-client.js";
import { count } from "../../../core/test/counts.js";
import { FakeKvorum, problem } from "./fake-kvorum.js";
import { runCli, type CliSetup } from "./run-cli.js";

let fake: FakeKvorum;
let folder: string;
beforeEach(async () => {
  fake = await FakeKvorum.start();
  folder = mkdtempSync(join(tmpdir(), "kvorum-bulk-"));
});
afterEach(async () => {
  await fake.stop();
  rmSync(folder, { recursive: true, force: true });
});

function kvorum(args: readonly string[], setup: CliSetup = {}) {
  return runCli(args, { ...setup, env: { KVORUM_URL: fake.url } });
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("the walk of a folder", () => {
  test("every regular file once, its path with slashes as the key; links are counted and not followed", async () => {
    mkdirSync(join(folder, "a/deep"), { recursive: true });
    writeFileSync(join(folder, "a/deep/x.json"), "{}");
    writeFileSync(join(folder, "z"), "");
    writeFileSync(join(folder, "ü\n"), "odd");
    symlinkSync("/etc", join(folder, "etc"));
    symlinkSync(join(folder, "z"), join(folder, "a/link"));
    symlinkSync(folder, join(folder, "a/loop"));
    const items = await collect(walk(folder));
    expect(items.map(({ entry }) => entry?.key).filter((key) => key !== undefined)).toEqual([
      "a/deep/x.json",
      "z",
      "ü\n",
    ]);
    const skipped = items.flatMap(({ rejected }) => (rejected === undefined ? [] : [rejected]));
    expect(skipped).toEqual([
      { where: "a/link", reason: "a link", kind: "skipped" },
      { where: "a/loop", reason: "a link", kind: "skipped" },
      { where: "etc", reason: "a link", kind: "skipped" },
    ]);
  });

  test("a name that no key can be is told, not stored under another", async () => {
    const badName = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff])]);
    writeFileSync(badName, "x");
    const long = Array.from({ length: 5 }, () => "d".repeat(250)).join("/");
    mkdirSync(join(folder, long), { recursive: true });
    writeFileSync(join(folder, long, "f"), "x");
    const failed = (await collect(walk(folder))).flatMap(({ rejected }) =>
      rejected === undefined ? [] : [rejected.reason],
    );
    expect(failed).toEqual(["its path has 1256 bytes, a key at most 1024", "its name is not UTF-8, which keys are"]);
  });

  test("a folder that is not there fails at once", async () => {
    const { exit, err } = await kvorum(["import", "b", "--dir", join(folder, "none")]);
    expect(exit).toBe(2);
    expect(err).toContain("cannot be read");
  });
});

describe("JSON lines", () => {
  const lines = (text: string | Buffer, chunk = 7): AsyncGenerator<SourceItem> => {
    const bytes = Buffer.from(text as string);
    const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
      bytes.subarray(i * chunk, (i + 1) * chunk),
    );
    return readJsonLines(Readable.from(chunks));
  };
  const reasons = async (text: string | Buffer) =>
    (await collect(lines(text))).map(({ rejected }) => rejected && `${rejected.where}: ${rejected.reason}`);

  test("property: what export writes, import reads as the same key, bytes and type, however it is cut", async () => {
    const unit = fc.constantFrom("a", "{", '"', "\\", "\n", "\r", "\u0000", "\u2028", "ü", "\ufeff", "😀");
    const entries = fc.array(
      fc.record({
        key: fc.string({ unit, minLength: 1, maxLength: 20 }),
        value: fc.string({ unit, maxLength: 20 }),
        contentType: fc.constantFrom("text/plain", "application/octet-stream"),
      }),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 3, max: 50 }), async (wanted, chunk) => {
        const text = wanted.map((entry) => JSON.stringify(entry)).join("\n");
        const found = await collect(lines(text, chunk));
        const back = await Promise.all(
          found.map(async ({ entry }) => ({
            key: entry?.key,
            value: Buffer.from((await entry?.open()) as Uint8Array).toString("utf8"),
            contentType: entry?.contentType,
          })),
        );
        expect(back).toEqual(wanted);
      }),
      { numRuns: count(30, 1000) },
    );
  });

  test("bad lines are told by number and the rest is read; blank ones and CRLF are fine", async () => {
    const text = [
      `{"key":"a","value":"1"}\r`,
      ``,
      `nonsense`,
      `[1]`,
      `{"key":1,"value":""}`,
      `{"key":"a","value":{"x":1}}`,
      `{"key":"a","value":"!","encoding":"base64"}`,
      `{"key":"a","value":"","encoding":"hex"}`,
      `{"key":"","value":""}`,
      `{"key":"a","value":"","ttl":1}`,
      `{"key":"a","value":"\\ud800"}`,
      `{"key":"b","value":"AP8=","encoding":"base64"}`,
    ].join("\n");
    expect(await reasons(text)).toEqual([
      undefined,
      "line 3: is not JSON",
      "line 4: is no JSON object",
      'line 5: needs a "key" that is a string',
      'line 6: needs a "value" that is a string (write JSON values as text)',
      'line 7: has a "value" that is not base64',
      'line 8: has the "encoding" "hex"; it is "utf8" or "base64"',
      "line 9: the key is empty; a key is 1-1024 bytes of UTF-8",
      'line 10: has the unknown field "ttl"',
      'line 11: has a "value" with half a surrogate pair, which is no text',
      undefined,
    ]);
    expect(await reasons(Buffer.from([0x7b, 0xff, 0x7d, 0x0a]))).toEqual(["line 1: is not UTF-8"]);
  });

  test("a line without an end is refused before it fills the memory", async () => {
    const endless = readJsonLines(Readable.from([Buffer.alloc(60), Buffer.alloc(60)]), 100);
    await expect(collect(endless)).rejects.toThrow("a line of more than 100 bytes");
  });
});

describe("import", () => {
  test("files come back byte for byte under their paths; the summary counts and rates", async () => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub/a.json"), "{}");
    writeFileSync(join(folder, "b"), Buffer.from([0, 255]));
    const { exit, out, err } = await kvorum(["import", "files", "--dir", folder]);
    expect([exit, out]).toEqual([0, ""]);
    expect(err).toMatch(/^stored 2 keys, 4 B in .* keys\/s, .*\); skipped 0, too large 0, failed 0, retries 0\n$/);
    expect(fake.value("files", "sub/a.json")).toBe("{}");
    expect((await kvorum(["get", "files", "b"])).stdout).toEqual(Buffer.from([0, 255]));
    const put = fake.seen.find(({ method, url }) => method === "PUT" && url.includes("a.json"));
    expect(put?.headers["content-type"]).toBe("application/json");
  });

  test("a second import replaces what a quorum sees, siblings included; --blind adds siblings and does not read", async () => {
    fake.add("b", "k", "old");
    fake.add("b", "k", "other");
    const stdin = `{"key":"k","value":"new"}\n`;
    expect((await kvorum(["import", "b", "-"], { stdin })).exit).toBe(0);
    expect(fake.value("b", "k")).toBe("new");
    fake.seen.length = 0;
    await kvorum(["import", "b", "-", "--blind"], { stdin });
    expect(fake.value("b", "k")).toBe("new|new");
    expect(fake.seen.map(({ method }) => method)).toEqual(["PUT"]);
  });

  test("of two lines with one key the later stands", async () => {
    const stdin = Array.from({ length: 50 }, (_, i) => `{"key":"k${i % 5}","value":"${i}"}`).join("\n");
    await kvorum(["import", "b", "-"], { stdin });
    expect([0, 1, 2, 3, 4].map((i) => fake.value("b", `k${i}`))).toEqual(["45", "46", "47", "48", "49"]);
  });

  test("too large for the server: refused before it is read, named, exit 1; 0 only with --allow-too-large", async () => {
    fake.valueBytesMax = 1000;
    writeFileSync(join(folder, "small"), "x");
    writeFileSync(join(folder, "large"), Buffer.alloc(1001));
    writeFileSync(join(folder, "vast"), Buffer.alloc(3 * 1024 * 1024));
    const { exit, err, json } = await kvorum(["import", "b", "--dir", folder, "--json", "--concurrency", "1"]);
    expect(exit).toBe(1);
    expect(err).toContain("too large: large: 1001 bytes are more than the server takes\n");
    expect(err).toContain("too large: vast: 3145728 bytes");
    expect(json).toMatchObject({ stored: 1, failed: [], tooLarge: [{ where: "large" }, { where: "vast" }] });
    expect(fake.seen.filter(({ url }) => url.includes("vast"))).toEqual([]);
    expect((await kvorum(["import", "b", "--dir", folder, "--allow-too-large"])).exit).toBe(0);
  });

  test("a body beyond 1 MiB is offered first: refused without being sent, taken when it is not", async () => {
    writeFileSync(join(folder, "vast"), Buffer.alloc(3 * 1024 * 1024, 7));
    expect((await kvorum(["import", "b", "--dir", folder])).err).toContain("too large: vast");
    fake.valueBytesMax = 4 * 1024 * 1024;
    expect((await kvorum(["import", "b", "--dir", folder])).exit).toBe(0);
    expect(fake.keys.get("b/vast")?.[0]?.bytes.equals(Buffer.alloc(3 * 1024 * 1024, 7))).toBe(true);
  });

  async function importLines(stdin: string, options: Partial<ImportOptions> = {}) {
    const http = new HttpClient(fake.url);
    const source = readJsonLines(Readable.from([Buffer.from(stdin)]));
    const all = { bucket: "b", concurrency: 4, blind: false, retryMs: [1, 1, 1], ...options };
    return await importAll(new KvorumApi(http), source, all).finally(() => http.close());
  }

  test("a retry is the same write: one idempotency key, one context, the attempt counted", async () => {
    fake.add("b", "k", "old");
    let faults = 0;
    fake.fault = ({ method }, response) => {
      if (method !== "PUT" || ++faults > 3) return false;
      if (faults === 1) response.destroy();
      else if (faults === 2) problem(response, 503, "overloaded", "busy", { effect: "none" });
      else problem(response, 503, "quorum-not-met", "away", { effect: "unknown" });
      return true;
    };
    const summary = await importLines(`{"key":"k","value":"new"}`);
    expect(summary).toMatchObject({ stored: 1, retries: 3, failed: [] });
    const puts = fake.seen.filter(({ method }) => method === "PUT").map(({ headers }) => headers);
    expect(new Set(puts.map((headers) => headers["idempotency-key"])).size).toBe(1);
    expect(puts.map((headers) => [headers["kvorum-attempt"], headers["kvorum-context"]])).toEqual([
      ["1", "ctx1"],
      ["2", "ctx1"],
      ["3", "ctx1"],
      ["4", "ctx1"],
    ]);
    expect(fake.value("b", "k")).toBe("new");
  });

  test("what fails for good is named and the rest is stored", async () => {
    fake.fault = ({ method, url }, response) => {
      if (method !== "PUT" || !url.endsWith("bad")) return false;
      problem(response, 409, "too-many-siblings", "resolve first", { effect: "none" });
      return true;
    };
    const summary = await importLines(`{"key":"a","value":"1"}\n{"key":"bad","value":"2"}\n{"key":"c","value":"3"}`);
    expect(summary).toMatchObject({ stored: 2, retries: 0, failed: [{ where: "bad", reason: "resolve first" }] });
  });

  test("no server any more: it stops and says so, instead of failing every entry one by one", async () => {
    await fake.stop();
    const many = Array.from({ length: 1000 }, (_, i) => `{"key":"k${i}","value":""}`).join("\n");
    const summary = await importLines(many);
    expect(summary.stopped).toContain("no answer from");
    expect(summary.failed.length).toBeLessThanOrEqual(4);
    fake = await FakeKvorum.start();
  });

  test("neither a file nor --dir, or both, is wrong usage", async () => {
    expect((await kvorum(["import", "b"])).exit).toBe(2);
    expect((await kvorum(["import", "b", "-", "--dir", folder])).exit).toBe(2);
    expect((await kvorum(["import", "b", join(folder, "none.jsonl")])).exit).toBe(2);
  });
});

describe("export", () => {
  test("writes what import reads", async () => {
    fake.add("b", "text", "ü\n", "text/plain");
    fake.add("b", "bytes", Buffer.from([0, 255]), "application/octet-stream");
    const { exit, out } = await kvorum(["export", "b"]);
    expect(exit).toBe(0);
    const entries = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { key: string });
    expect(entries.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
      { key: "bytes", value: "AP8=", encoding: "base64" },
      { key: "text", value: "ü\n", contentType: "text/plain" },
    ]);
    expect((await kvorum(["import", "copy", "-"], { stdin: out })).exit).toBe(0);
    expect((await kvorum(["get", "copy", "bytes"])).stdout).toEqual(Buffer.from([0, 255]));
    expect(fake.value("copy", "text")).toBe("ü\n");
  });

  test("keys with siblings are named and exit 4, or decided by a rule", async () => {
    fake.add("b", "one", "1");
    fake.add("b", "two", "new", "text/plain", 9000);
    fake.add("b", "two", "old", "text/plain", 8000);
    const refused = await kvorum(["export", "b"]);
    expect([refused.exit, refused.out]).toEqual([4, `{"key":"one","value":"1","contentType":"text/plain"}\n`]);
    expect(refused.err).toContain("siblings: two: not written");
    const newest = await kvorum(["export", "b", "--siblings", "newest"]);
    expect(newest.exit).toBe(0);
    expect(newest.out).toContain(`{"key":"two","value":"new","contentType":"text/plain"}`);
    const skipped = await kvorum(["export", "b", "--siblings", "skip", "--json"]);
    expect([skipped.exit, skipped.json]).toMatchObject([0, { entries: [{ key: "one" }], conflicts: ["two"] }]);
  });

  test("a key that cannot be read fails the export", async () => {
    for (const key of ["a", "b", "c"]) fake.add("b", key, "v");
    fake.fault = ({ url }, response) => {
      if (!url.endsWith("/b/b")) return false;
      problem(response, 503, "quorum-not-met", "away");
      return true;
    };
    expect(await kvorum(["export", "b"])).toMatchObject({
      exit: 1,
      err: expect.stringContaining("kvorum export: away"),
    });
  });
});

test("eachAtOnce keeps its width, its order per key, and stops at the first error", async () => {
  let now = 0;
  let most = 0;
  const ended: number[] = [];
  await eachAtOnce(
    Array.from({ length: 40 }, (_, i) => i),
    5,
    async (i) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      ended.push(i);
    },
    (i) => String(i % 3),
  );
  expect(most).toBeLessThanOrEqual(3);
  expect(ended).toHaveLength(40);
  for (const k of [0, 1, 2]) {
    const mine = ended.filter((i) => i % 3 === k);
    expect(mine).toEqual(mine.toSorted((a, b) => a - b));
  }
  let started = 0;
  const failing = eachAtOnce(Array.from({ length: 100 }), 2, async () => {
    if (++started === 3) throw new Error("third");
  });
  await expect(failing).rejects.toThrow("third");
  expect(started).toBeLessThan(8);
});

test("content types by ending; names that begin with a dot have none", () => {
  const cases = ["a/b.JSON", "x.tar.gz", ".json", "a/.js", "noending", "a.b/c", "weird.zzz"];
  expect(cases.map(contentTypeOf)).toEqual([
    "application/json",
    "application/gzip",
    ...Array.from({ length: 5 }, () => "application/octet-stream"),
  ]);
});
