/** CONTRACT §3, "Keys", sentence by sentence on three real nodes: names, values, contexts, siblings, the envelope, HEAD and DELETE. */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Cluster, useCluster } from "./support/cluster.js";
import { expectProblem } from "./support/expect-problem.js";
import { bytesOf, contextOf, ENVELOPE, jsonOf, kv, type Envelope, type Reply } from "./support/http.js";
import { until } from "./support/until.js";

const cluster = useCluster();
const http = (index = 0): Cluster["nodes"][number]["http"] => cluster().node(index).http;
const valuesOf = (envelope: Envelope): string[] =>
  envelope.siblings.map((sibling) => bytesOf(sibling).toString()).toSorted();

async function put(target: string, value: string, context?: string): Promise<string> {
  const reply = await http().put(target, value, context === undefined ? {} : { "kvorum-context": context });
  expect(reply.status, reply.body.toString()).toBe(204);
  return contextOf(reply);
}

describe("names", () => {
  const keys: readonly [string, string][] = [
    ["__proto__", "__proto__"],
    ["constructor", "constructor"],
    ["..", ".."],
    [".", "."],
    ["a%2F..%2F..%2Fb", "a/../../b"],
    ["%2F", "/"],
    ["%00", "\0"],
    ["%F0%9F%91%8D%20%C3%A9", "👍 é"],
    ["%2525", "%25"],
    ["a+b", "a+b"],
    ["%3Fr%3D1", "?r=1"],
    ["%20", " "],
    ["x".repeat(1024), "x".repeat(1024)],
    ["%C3%A9".repeat(512), "é".repeat(512)],
  ];

  it.each(keys)("the key %.40s is a key like any other, at every node", async (written, key) => {
    const value = `value of ${key}`;
    expect((await http(0).put(`/v1/kv/names/${written}`, value)).status).toBe(204);
    for (const index of [1, 2]) {
      const reply = await http(index).get(`/v1/kv/names/${written}`);
      expect(reply.status).toBe(200);
      expect(reply.body.toString()).toBe(value);
    }
    expect((await http(1).envelope(`/v1/kv/names/${written}`)).key).toBe(key);
  });

  it("each of them is listed once, as it is", async () => {
    const { keys: listed } = await http(2).json<{ keys: string[] }>("/v1/kv/names");
    expect(listed.toSorted()).toEqual(keys.map(([, key]) => key).toSorted());
  });

  it("__proto__ and names with dots are buckets like any other", async () => {
    for (const bucket of ["__proto__", "..", "a.b_c-D9", "b".repeat(64)]) {
      expect((await http(0).put(`/v1/kv/${bucket}/k`, `in ${bucket}`)).status).toBe(204);
      expect((await http(1).get(`/v1/kv/${bucket}/k`)).body.toString()).toBe(`in ${bucket}`);
    }
  });

  const bad: readonly [string, string][] = [
    ["a key of 1,025 bytes", `/v1/kv/names/${"x".repeat(1025)}`],
    ["a key of 513 two-byte characters", `/v1/kv/names/${"%C3%A9".repeat(513)}`],
    ["an empty key", "/v1/kv/names/"],
    ["a key that is not UTF-8", "/v1/kv/names/%FF"],
    ["a percent sign without digits", "/v1/kv/names/%zz"],
    ["a bucket of 65 characters", `/v1/kv/${"b".repeat(65)}/k`],
    ["a bucket with a slash", "/v1/kv/a%2Fb/k"],
    ["a bucket with a space", "/v1/kv/a%20b/k"],
    ["a bucket that is not ASCII", "/v1/kv/%C3%A9/k"],
  ];
  it.each(bad)("%s is refused with 400", async (_, target) => {
    expectProblem(await http().get(target), 400, "bad-parameter");
    expectProblem(await http().put(target, "v"), 400, "bad-parameter", "none");
    expectProblem(await http().delete(target), 400, "bad-parameter", "none");
  });
});

describe("values", () => {
  const mebibyte = randomBytes(1024 * 1024);
  const values: readonly [string, Buffer][] = [
    ["an empty one", Buffer.alloc(0)],
    ["one zero byte", Buffer.from([0])],
    ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ["1 MiB", mebibyte],
  ];
  it.each(values)("%s comes back byte for byte, through every node", async (name, value) => {
    const target = kv("values", name);
    expect((await http(0).put(target, value)).status).toBe(204);
    for (const index of [0, 1, 2]) {
      const reply = await http(index).get(target);
      expect(reply.status).toBe(200);
      expect(reply.body.equals(value)).toBe(true);
      expect(reply.headers["content-length"]).toBe(String(value.length));
      const { siblings } = await http(index).envelope(target);
      expect(bytesOf(siblings[0] as Envelope["siblings"][number]).equals(value)).toBe(true);
    }
  });

  it("the content type is stored with the value and comes back as it was", async () => {
    for (const type of ["application/json", "text/plain; charset=UTF-8", 'image/x-Odd;a="b c"']) {
      const target = kv("types", type);
      expect((await http(0).put(target, "{}", { "content-type": type })).status).toBe(204);
      expect((await http(1).get(target)).headers["content-type"]).toBe(type);
      expect((await http(2).envelope(target)).siblings[0]?.contentType).toBe(type);
    }
  });

  it("an envelope holds text as text, and other bytes in base64", async () => {
    await http().put(kv("values", "text"), "grün");
    await http().put(kv("values", "bytes"), Buffer.from([0xff, 0]));
    expect((await http(1).envelope(kv("values", "text"))).siblings[0]).toMatchObject({
      value: "grün",
      encoding: "utf8",
    });
    const bytes = (await http(1).envelope(kv("values", "bytes"))).siblings[0];
    expect(bytes).toMatchObject({ value: "/wA=", encoding: "base64" });
  });
});

describe("contexts", () => {
  it("a PUT answers 204 with a context that covers this write: the next PUT with it replaces the value", async () => {
    const target = kv("contexts", "replace");
    const first = await put(target, "one");
    expect(first.length).toBeLessThanOrEqual(512);
    await put(target, "two", first);
    const reply = await http(1).get(target);
    expect(reply.status).toBe(200);
    expect(reply.headers["kvorum-siblings"]).toBe("1");
    expect(reply.body.toString()).toBe("two");
  });

  it("without a context a write replaces nothing that it has not seen", async () => {
    const target = kv("contexts", "blind");
    await put(target, "one");
    await put(target, "two");
    const reply = await http(1).get(target);
    expect(reply.status).toBe(300);
    expect(reply.headers["kvorum-siblings"]).toBe("2");
    expect(valuesOf(jsonOf(reply))).toEqual(["one", "two"]);
  });

  it("a PUT's context covers this write and what its own context covered, and nothing else", async () => {
    const target = kv("contexts", "nothing-else");
    const seen = await put(target, "seen");
    await put(target, "not seen");
    // This write has seen "seen" alone: what its answer covers is "seen" and itself.
    const context = await put(target, "mine", seen);
    await put(target, "last", context);
    expect(valuesOf(await http(2).envelope(target))).toEqual(["last", "not seen"]);
  });

  it("a read's context covers all siblings that it shows: a write with it leaves one", async () => {
    const target = kv("contexts", "all");
    for (const value of ["one", "two", "three"]) await put(target, value);
    const read = await http(1).get(target);
    expect(read.headers["kvorum-siblings"]).toBe("3");
    expect(jsonOf<Envelope>(read).context).toBe(contextOf(read));
    await put(target, "four", contextOf(read));
    expect(valuesOf(await http(2).envelope(target))).toEqual(["four"]);
  });

  it("a context that was used already covers no more than it did: the second write with it is a sibling of the first", async () => {
    const target = kv("contexts", "twice");
    const old = await put(target, "old");
    await put(target, "left", old);
    await put(target, "right", old);
    expect(valuesOf(await http(1).envelope(target))).toEqual(["left", "right"]);
  });

  describe("that are none are refused with 400, and nothing is written", () => {
    const target = kv("contexts", "bad");
    const refused = async (context: string): Promise<void> => {
      expectProblem(await http().put(target, "x", { "kvorum-context": context }), 400, "bad-context", "none");
      expectProblem(await http().delete(target, { "kvorum-context": context }), 400, "bad-context", "none");
    };

    it("malformed, cut, stretched, or of 9,000 characters", async () => {
      const good = await put(target, "stands");
      for (const bad of ["x", "!!!!", "AAAA", good.slice(0, -4), `${good}AAAA`, "A".repeat(9000)]) await refused(bad);
      expect((await http(1).get(target)).body.toString()).toBe("stands");
    });

    it("changed in any one byte", async () => {
      const good = contextOf(await http().get(target));
      const bytes = Buffer.from(good, "base64url");
      for (let i = 0; i < bytes.length; i++) {
        const changed = Buffer.from(bytes);
        changed[i] = (changed[i] as number) ^ (1 << (i % 8));
        await refused(changed.toString("base64url"));
      }
      expect((await http(1).get(target)).body.toString()).toBe("stands");
    });

    it("of another key, and of the same key in another bucket", async () => {
      await refused(await put(kv("contexts", "bad2"), "x"));
      await refused(await put(kv("contexts2", "bad"), "x"));
      // Two pairs of names that are the same when they are written one after the other.
      const context = await put("/v1/kv/ab/c%2Fd", "x");
      expectProblem(
        await http().put("/v1/kv/ab%2Fc/d", "x", { "kvorum-context": context }),
        400,
        "bad-parameter",
        "none",
      );
      expectProblem(await http().put("/v1/kv/ab/c", "x", { "kvorum-context": context }), 400, "bad-context", "none");
    });

    it("of another cluster", async () => {
      const other = await Cluster.start({ count: 1, prefix: "other" });
      try {
        const reply = await other.node(0).http.put(target, "x");
        expect(reply.status).toBe(204);
        await refused(contextOf(reply));
      } finally {
        await other.destroy();
      }
    });
  });
});

describe("GET and HEAD", () => {
  const targets = {
    none: kv("reads", "none"),
    one: kv("reads", "one"),
    two: kv("reads", "two"),
    gone: kv("reads", "gone"),
  };

  it("200 with the value, 300 with the envelope, 404 with none; the context wherever the key was ever seen", async () => {
    await put(targets.one, "one");
    await put(targets.two, "one");
    await put(targets.two, "two");
    expect((await http().delete(targets.gone, { "kvorum-context": await put(targets.gone, "x") })).status).toBe(204);

    const one = await http(1).get(targets.one);
    expect([one.status, one.body.toString(), one.headers["kvorum-siblings"]]).toEqual([200, "one", "1"]);
    contextOf(one);

    const two = await http(1).get(targets.two);
    expect([two.status, two.headers["content-type"], two.headers["kvorum-siblings"]]).toEqual([300, ENVELOPE, "2"]);
    contextOf(two);

    const none = await http(1).get(targets.none);
    expectProblem(none, 404, "not-found");
    expect(none.headers["kvorum-context"]).toBeUndefined();
    expect(none.headers["kvorum-siblings"]).toBeUndefined();

    const gone = await http(1).get(targets.gone);
    expectProblem(gone, 404, "not-found");
    contextOf(gone);
  });

  it("with Accept the answer is always the envelope: 200, or 404 with an empty list", async () => {
    const ask = async (target: string): Promise<Reply> => {
      const reply = await http(2).get(target, { accept: ENVELOPE });
      expect(reply.headers["content-type"]).toBe(ENVELOPE);
      return reply;
    };
    expect((await ask(targets.one)).status).toBe(200);
    expect((await ask(targets.two)).status).toBe(200);
    for (const target of [targets.none, targets.gone]) {
      const reply = await ask(target);
      expect(reply.status).toBe(404);
      expect(jsonOf<Envelope>(reply).siblings).toEqual([]);
    }
    expect(jsonOf<Envelope>(await ask(targets.none)).context).toBeNull();
    expect(jsonOf<Envelope>(await ask(targets.gone)).context).toBe(contextOf(await ask(targets.gone)));
  });

  it("the envelope says for each sibling its dot, time, clock with its own dot, and where it came from", async () => {
    const before = Date.now();
    const target = kv("reads", "envelope");
    await put(target, "one");
    const first = (await http().envelope(target)).siblings[0] as Envelope["siblings"][number];
    await put(target, "two", contextOf(await http().get(target)));
    await put(target, "three");
    const envelope = await http(1).envelope(target);
    expect(envelope).toMatchObject({ bucket: "reads", key: "envelope", quorum: { needed: 2, fallbacks: 0 } });
    expect(envelope.quorum.received).toBeGreaterThanOrEqual(2);
    for (const { dot, clock, timestamp, origin, value } of envelope.siblings) {
      const at = dot.lastIndexOf(":");
      expect(clock[dot.slice(0, at)]).toBe(Number(dot.slice(at + 1)));
      expect(timestamp).toBeGreaterThanOrEqual(before);
      expect(timestamp).toBeLessThanOrEqual(Date.now());
      expect(origin).toEqual({ node: expect.stringMatching(/^n[123]$/), fallback: false, context: value === "two" });
    }
    // The write with a context followed the first version, and its clock says so.
    const two = envelope.siblings.find(({ value }) => value === "two");
    for (const [actor, count] of Object.entries(first.clock)) expect(two?.clock[actor]).toBeGreaterThanOrEqual(count);
  });

  it("HEAD is GET without a body", async () => {
    for (const target of Object.values(targets)) {
      const [get, head] = [await http(1).get(target), await http(1).send("HEAD", target)];
      expect(head.status).toBe(get.status);
      expect(head.body.length).toBe(0);
      for (const name of ["content-type", "content-length", "kvorum-context", "kvorum-siblings"]) {
        expect(head.headers[name], `${name} of ${target}`).toBe(get.headers[name]);
      }
    }
  });
});

describe("DELETE", () => {
  it("with a context removes what it covers, and a value written concurrently survives it", async () => {
    const target = kv("deletes", "concurrent");
    const seen = await put(target, "seen");
    await put(target, "concurrent");
    const reply = await http(1).delete(target, { "kvorum-context": seen });
    expect(reply.status).toBe(204);
    contextOf(reply);
    for (const index of [0, 1, 2]) expect((await http(index).get(target)).body.toString()).toBe("concurrent");
  });

  it("without a context removes what a quorum read sees now", async () => {
    const target = kv("deletes", "all");
    await put(target, "one");
    await put(target, "two");
    const reply = await http(1).delete(target);
    expect(reply.status).toBe(204);
    contextOf(reply);
    for (const index of [0, 1, 2]) {
      expect((await http(index).get(target)).status).toBe(404);
      await until("no replica holds it", async () => (await http(index).get(`${target}?local=true`)).status === 404);
    }
  });

  it("of nothing is 204 too, with a context", async () => {
    const reply = await http().delete(kv("deletes", "never"));
    expect(reply.status).toBe(204);
    contextOf(reply);
    expect((await http(1).get(kv("deletes", "never"))).status).toBe(404);
  });

  it("a key that was deleted can be written again, and an old context does not remove the new value", async () => {
    const target = kv("deletes", "again");
    const old = await put(target, "old");
    expect((await http().delete(target, { "kvorum-context": old })).status).toBe(204);
    await put(target, "new");
    expect((await http(1).delete(target, { "kvorum-context": old })).status).toBe(204);
    expect((await http(2).get(target)).body.toString()).toBe("new");
  });

  it("the context of a delete covers it: a PUT with it stands alone", async () => {
    const target = kv("deletes", "then-put");
    await put(target, "old");
    const deleted = contextOf(await http().delete(target));
    await put(target, "new", deleted);
    expect((await http(1).get(target)).body.toString()).toBe("new");
  });
});

describe("local=true", () => {
  it("answers from this node's own store alone, with the same headers", async () => {
    const target = kv("local", "k");
    await put(target, "here");
    for (const index of [0, 1, 2]) {
      const reply = await until("the write has reached this node", async () => {
        const found = await http(index).get(`${target}?local=true`);
        return found.status === 200 && found;
      });
      expect(reply.body.toString()).toBe("here");
      contextOf(reply);
      const { quorum } = await http(index).envelope(`${target}?local=true`);
      expect(quorum.received).toBeLessThanOrEqual(1);
    }
  });
});
