/** CONTRACT §3 on writes that are repeated, conditional, too large, too many, or ask for what cannot be: on three real nodes, siblings capped at 4. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Cluster, useCluster } from "./support/cluster.js";
import { expectProblem } from "./support/expect-problem.js";
import { contextOf, jsonOf, kv, type Problem } from "./support/http.js";
import { until } from "./support/until.js";

const SIBLINGS_MAX = 4;
const VALUE_BYTES_MAX = 65_536;
const cluster = useCluster({
  flags: ["--siblings-max", String(SIBLINGS_MAX), "--value-bytes-max", String(VALUE_BYTES_MAX)],
});
const http = (index = 0): Cluster["nodes"][number]["http"] => cluster().node(index).http;

describe("Idempotency-Key", () => {
  it("the same key sent again is the same write with the same dot, through any node", async () => {
    const target = kv("retries", "same");
    const headers = { "idempotency-key": randomUUID(), "kvorum-attempt": "1" };
    expect((await http(0).put(target, "once", headers)).status).toBe(204);
    const { siblings } = await http(0).envelope(target);
    for (const index of [0, 1, 2]) {
      const again = { "idempotency-key": headers["idempotency-key"], "kvorum-attempt": "2" };
      const reply = await http(index).put(target, "once", again);
      expect(reply.status).toBe(204);
      contextOf(reply);
    }
    // Without the number of the attempt too: then it counts as one that may be a retry.
    expect((await http(1).put(target, "once", { "idempotency-key": headers["idempotency-key"] })).status).toBe(204);
    for (const index of [0, 1, 2]) {
      const after = await http(index).envelope(target);
      expect(after.siblings.map(({ dot }) => dot)).toEqual(siblings.map(({ dot }) => dot));
    }
  });

  it("a retry does not bring back what was replaced meanwhile", async () => {
    const target = kv("retries", "replaced");
    const headers = { "idempotency-key": randomUUID() };
    const first = await http(0).put(target, "first", headers);
    await http(1).put(target, "second", { "kvorum-context": contextOf(first) });
    expect((await http(2).put(target, "first", headers)).status).toBe(204);
    const reply = await http(0).get(target);
    expect([reply.status, reply.body.toString()]).toEqual([200, "second"]);
  });

  it("a DELETE sent again is the same delete: a value written between the two stays", async () => {
    const target = kv("retries", "delete");
    const context = contextOf(await http(0).put(target, "old"));
    const headers = { "idempotency-key": randomUUID(), "kvorum-context": context };
    expect((await http(0).delete(target, headers)).status).toBe(204);
    expect((await http(1).put(target, "new")).status).toBe(204);
    expect((await http(2).delete(target, headers)).status).toBe(204);
    expect((await http(0).get(target)).body.toString()).toBe("new");
  });

  it("with another key, body or context it is refused with 422", async () => {
    const target = kv("retries", "mismatch");
    const context = contextOf(await http(0).put(target, "base"));
    const key = { "idempotency-key": randomUUID() };
    expect((await http(0).put(target, "one", { ...key, "kvorum-context": context })).status).toBe(204);
    const refused = [
      () => http(0).put(target, "two", { ...key, "kvorum-context": context }),
      () => http(0).put(target, "one", key),
      () => http(0).delete(target, { ...key, "kvorum-context": context }),
      () => http(0).put(kv("retries", "mismatch-2"), "one", { ...key, "kvorum-context": context }),
      () => http(0).put(kv("retries", "mismatch-3"), "one", key),
    ];
    for (const send of refused) expectProblem(await send(), 422, "idempotency-mismatch", "none");
    expect((await http(1).get(target)).body.toString()).toBe("one");
    // Through another node, which has the state.
    expectProblem(await http(1).put(target, "two", key), 422, "idempotency-mismatch", "none");
    expectProblem(await http(2).put(target, "two", key), 422, "idempotency-mismatch", "none");
  });

  it("one that is empty, too long or not ASCII, or an attempt that is no number, is refused with 400", async () => {
    const target = kv("retries", "bad");
    for (const key of ["", "x".repeat(256), "\u00e9"]) {
      expectProblem(await http().put(target, "x", { "idempotency-key": key }), 400, "bad-parameter", "none");
    }
    for (const attempt of ["0", "-1", "x", "1.5"]) {
      expectProblem(await http().put(target, "x", { "kvorum-attempt": attempt }), 400, "bad-parameter", "none");
    }
    expect((await http().get(target)).status).toBe(404);
  });
});

describe("If-None-Match: *", () => {
  const create = { "if-none-match": "*" };
  it("creates where a quorum sees no value, and is 412 where one does", async () => {
    const target = kv("creates", "k");
    expect((await http(0).put(target, "mine", create)).status).toBe(204);
    for (const index of [0, 1, 2]) expectProblem(await http(index).put(target, "x", create), 412, "exists", "none");
    expect((await http(1).get(target)).body.toString()).toBe("mine");
  });

  it("creates again after a delete", async () => {
    const target = kv("creates", "again");
    await http(0).put(target, "old", create);
    await http(1).delete(target);
    expect((await http(2).put(target, "new", create)).status).toBe(204);
    expect((await http(0).get(target)).body.toString()).toBe("new");
  });

  it("of concurrent creators at least one succeeds, and those who did are siblings", async () => {
    const target = kv("creates", "race");
    const replies = await Promise.all([0, 1, 2].map((index) => http(index).put(target, `by ${index}`, create)));
    const won = replies.flatMap(({ status }, index) => (status === 204 ? [`by ${index}`] : []));
    expect(won.length).toBeGreaterThan(0);
    for (const { status } of replies) expect([204, 412]).toContain(status);
    const { siblings } = await http(0).envelope(target);
    expect(siblings.map(({ value }) => value).toSorted()).toEqual(won);
  });

  it("other conditions, which would be broken in silence, are refused with 400", async () => {
    const target = kv("creates", "conditions");
    for (const headers of [{ "if-none-match": '"x"' }, { "if-match": '"x"' }, { "content-range": "bytes 0-1/2" }]) {
      expectProblem(await http().put(target, "x", headers as Record<string, string>), 400, "bad-parameter", "none");
    }
    expect((await http().get(target)).status).toBe(404);
  });
});

describe(`siblings are bounded, here at ${SIBLINGS_MAX}`, () => {
  it("a PUT without context past the bound is 409; one whose context covers siblings is always taken", async () => {
    const target = kv("siblings", "cap");
    for (let i = 0; i < SIBLINGS_MAX; i++) expect((await http(i % 3).put(target, `v${i}`)).status).toBe(204);
    for (const index of [0, 1, 2]) {
      // A coordinator counts what it holds: W of the writes may not have come here yet.
      await until("all siblings are here", async () => {
        const { siblings } = await http(index).envelope(`${target}?local=true`);
        return siblings.length === SIBLINGS_MAX;
      });
      const problem = expectProblem(await http(index).put(target, "more"), 409, "too-many-siblings", "none");
      expect(problem.detail).toContain("Kvorum-Context");
    }
    const read = await http(1).get(target);
    expect(read.headers["kvorum-siblings"]).toBe(String(SIBLINGS_MAX));
    expect((await http(2).put(target, "resolved", { "kvorum-context": contextOf(read) })).status).toBe(204);
    expect((await http(0).get(target)).body.toString()).toBe("resolved");
    expect((await http(0).put(target, "blind again")).status).toBe(204);
  });

  it("a DELETE is taken at the bound too", async () => {
    const target = kv("siblings", "delete");
    for (let i = 0; i < SIBLINGS_MAX; i++) await http(0).put(target, `v${i}`);
    expect((await http(1).delete(target)).status).toBe(204);
    expect((await http(2).get(target)).status).toBe(404);
  });
});

describe("r, w, sloppy and timeout", () => {
  it.each(["1", "2", "3", "one", "quorum", "all"])("%s is taken, for reads and writes", async (quorum) => {
    const target = kv("quorums", quorum);
    expect((await http(0).put(`${target}?w=${quorum}&r=${quorum}`, "v")).status).toBe(204);
    expect((await http(1).get(`${target}?r=all`)).status).toBe(200);
    const needed = { "1": 1, "2": 2, "3": 3, one: 1, quorum: 2, all: 3 }[quorum];
    const envelope = await http(1).envelope(`${target}?r=${quorum}`);
    expect(envelope.quorum.needed).toBe(needed);
    expect(envelope.quorum.received).toBeGreaterThanOrEqual(needed as number);
    expect((await http(2).delete(`${target}?w=${quorum}`)).status).toBe(204);
  });

  it.each([
    ["r=0"],
    ["r=4"],
    ["w=4"],
    ["w=-1"],
    ["w=two"],
    ["w="],
    ["r=1.5"],
    ["sloppy=maybe"],
    ["timeout=0"],
    ["timeout=x"],
    ["timeout=1000000000"],
    ["w=1&w=2"],
    ["unknown=1"],
    ["local=perhaps"],
  ])("%s is refused with 400", async (query) => {
    const target = `${kv("quorums", "bad")}?${query}`;
    expectProblem(await http().get(target), 400, "bad-parameter");
    expectProblem(await http().put(target, "v"), 400, "bad-parameter", "none");
    expectProblem(await http().delete(target), 400, "bad-parameter", "none");
    expect((await http().get(kv("quorums", "bad"))).status).toBe(404);
  });

  it("sloppy=false and sloppy=true are taken", async () => {
    for (const sloppy of ["true", "false"]) {
      expect((await http(0).put(`${kv("quorums", sloppy)}?sloppy=${sloppy}&timeout=20000`, "v")).status).toBe(204);
      expect((await http(1).get(`${kv("quorums", sloppy)}?sloppy=${sloppy}`)).status).toBe(200);
    }
  });

  it("a cluster smaller than N works with what it has, and refuses an explicit r or w above its members", async () => {
    const alone = await Cluster.start({ count: 1, prefix: "alone" });
    try {
      const node = alone.node(0).http;
      const target = kv("alone", "k");
      expect((await node.put(target, "v")).status).toBe(204);
      expect((await node.put(`${target}?w=all`, "v", {})).status).toBe(204);
      for (const w of ["2", "3"]) {
        const problem = expectProblem(await node.put(`${target}?w=${w}`, "v"), 503, "quorum-not-met", "none");
        expect(problem).toMatchObject({ needed: Number(w), received: 0, members: 1 });
        expectProblem(await node.get(`${target}?r=${w}`), 503, "quorum-not-met");
      }
      expectProblem(await node.put(`${target}?w=4`, "v"), 400, "bad-parameter", "none");
    } finally {
      await alone.destroy();
    }
  });
});

/** What comes back on a bare connection while its request is still being sent. */
class Bare {
  text = "";
  closed = false;

  constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => (this.text += chunk.toString("latin1")));
    socket.on("close", () => (this.closed = true));
    socket.on("error", () => undefined);
  }

  static async open(index = 0): Promise<Bare> {
    const socket = http(index).connect();
    await once(socket, "connect");
    return new Bare(socket);
  }

  /** The problem of the answer, as soon as it is whole. */
  async problem(): Promise<{ readonly status: number; readonly problem: Problem }> {
    return await until("an answer before the request has ended", () => {
      const end = this.text.indexOf("\r\n\r\n");
      if (end < 0) return undefined;
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(this.text)?.[1]);
      return { status, problem: JSON.parse(this.text.slice(end + 4)) as Problem };
    });
  }
}

describe("too large is 413 before it is read", () => {
  const tooLarge = { status: 413, problem: expect.objectContaining({ type: "urn:kvorum:too-large", effect: "none" }) };
  const head = (lines: string): string => `PUT ${kv("large", "k")} HTTP/1.1\r\nHost: x\r\n${lines}\r\n\r\n`;

  it("a length that says so is refused at the head: not one byte of the body was sent", async () => {
    const bare = await Bare.open();
    bare.socket.write(head(`Content-Length: ${10 * 1024 ** 3}`));
    expect(await bare.problem()).toEqual(tooLarge);
    bare.socket.destroy();
  });

  it("a client that asks first (Expect: 100-continue) is told before it sends", async () => {
    const bare = await Bare.open();
    bare.socket.write(head(`Content-Length: ${VALUE_BYTES_MAX + 1}\r\nExpect: 100-continue`));
    expect(await bare.problem()).toEqual(tooLarge);
    bare.socket.destroy();
  });

  it("chunks without a length are refused when they pass the limit, and the body never ends", async () => {
    const bare = await Bare.open();
    bare.socket.write(head("Transfer-Encoding: chunked"));
    const chunk = Buffer.alloc(16 * 1024, "x");
    for (let sent = 0; sent <= VALUE_BYTES_MAX; sent += chunk.length) {
      bare.socket.write(`${chunk.length.toString(16)}\r\n${chunk.toString()}\r\n`);
    }
    expect(await bare.problem()).toEqual(tooLarge);
    bare.socket.destroy();
  });

  it("a node does not wait for the rest of what it refused, however slowly it comes", async () => {
    const bare = await Bare.open();
    bare.socket.write(head(`Content-Length: ${VALUE_BYTES_MAX + 1000}`));
    await bare.problem();
    bare.socket.write("slow");
    await until("the connection is closed", () => bare.closed);
  });

  it("the limit itself is taken, one byte more is not, and nothing of it is kept", async () => {
    expect((await http().put(kv("large", "limit"), Buffer.alloc(VALUE_BYTES_MAX))).status).toBe(204);
    const over = await http().put(kv("large", "k"), Buffer.alloc(VALUE_BYTES_MAX + 1));
    expectProblem(over, 413, "too-large", "none");
    expect((await http().get(kv("large", "k"))).status).toBe(404);
  });

  it("a head beyond any reason is refused too", async () => {
    const reply = await http().get("/v1/kv/large/k", { "x-long": "x".repeat(100_000) });
    expect(reply.status).toBe(431);
    expect(jsonOf<Problem>(reply).type).toBe("urn:kvorum:headers-too-large");
  });

  it("what is no HTTP at all gets 400 with a problem, and the node goes on", async () => {
    const bare = await Bare.open();
    bare.socket.write("this is not HTTP\r\n\r\n");
    expect((await bare.problem()).status).toBe(400);
    expect((await http().get("/health/live")).status).toBe(200);
  });
});

describe("paths and methods", () => {
  it("an unknown path is 404, a method that is not for a path 405, each with a problem", async () => {
    for (const path of ["/v1", "/v1/kv", "/v2/kv/a/b", "/v1/kv/a/b/c", "/nothing"]) {
      expectProblem(await http().get(path), 404, "no-such-route");
    }
    const reply = await http().send("POST", kv("paths", "k"), {}, "x");
    expectProblem(reply, 405, "method-not-allowed", "none");
    expect(reply.headers["allow"]).toContain("PUT");
  });
});
