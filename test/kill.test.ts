/**
 * `kill -9`, of any one node and of all at once (issue "A three-node cluster", Must hold; CHECKERS.md C1, C3-C6). It shows that a process may
 * end at any moment; that a machine may, is not shown here: the page cache outlives the process (flush.test.ts shows the flush).
 */
import { afterEach, describe, expect, it } from "vitest";
import { Cluster, useCluster } from "./support/cluster.js";
import { expectProblem } from "./support/expect-problem.js";
import { kv } from "./support/http.js";
import { findings, Load } from "./support/load.js";
import type { KvorumNode } from "./support/node.js";
import { until } from "./support/until.js";
import { tagOf, valueOf } from "./support/values.js";

const isLong = process.env["KVORUM_TEST_LONG"] !== undefined;
/** A round with fewer acknowledged writes before its kill proves nothing. */
const ACKNOWLEDGED_MIN = 300;

// What a node holds after a restart is what it had: no repair hides a loss.
const cluster = useCluster({ flags: ["--no-read-repair", "--no-anti-entropy", "--no-hints"] });

async function inTurns<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

async function acknowledged(load: Load, count: number): Promise<void> {
  const from = load.history.acknowledged;
  await until(`${count} more writes are acknowledged`, () => load.history.acknowledged >= from + count);
}

describe("kill -9 of any one node", () => {
  let load: Load | undefined;
  afterEach(() => load?.stop());

  it.each([0, 1, 2])("node %i: quorums go on without it, and it comes back with all it had", async (index) => {
    const { nodes } = cluster();
    const victim = cluster().node(index);
    const others = nodes.filter((node) => node !== victim);
    const bucket = `kill-${index}`;
    const keys = Array.from({ length: 200 }, (_, i) => `had-${i}`);
    await inTurns(keys, 16, async (key) => {
      expect((await victim.http.put(`${kv(bucket, key)}?w=all`, valueOf(key, 700))).status).toBe(204);
    });

    load = new Load({ bucket: `${bucket}-load`, nodes: others.map(({ http }) => http), clients: 6 });
    load.start();
    await acknowledged(load, 100);
    await victim.kill();
    await acknowledged(load, 200);
    await inTurns(keys, 16, async (key) => {
      const reply = await (others[0] as KvorumNode).http.get(kv(bucket, key));
      expect([reply.status, tagOf(reply.body)]).toEqual([200, key]);
    });
    await victim.start();
    await acknowledged(load, 100);
    await load.stop();
    // Not one request through the nodes that stayed was refused, from before the kill until after the return.
    expect(load.refusals).toEqual([]);

    for (const key of keys) {
      const reply = await victim.http.get(`${kv(bucket, key)}?local=true`);
      expect([reply.status, reply.status === 200 && tagOf(reply.body)]).toEqual([200, key]);
    }
    await cluster().settled();
  });
});

describe("kill -9 of two nodes of three", () => {
  it("quorums are not met and say so, smaller ones are served, and what was unknown may appear", async () => {
    const alone = cluster().node(0).http;
    const target = kv("kill-two", "k");
    expect((await alone.put(`${target}?w=all`, "before")).status).toBe(204);
    const away = [cluster().node(1), cluster().node(2)];
    await Promise.all(away.map((node) => node.kill()));
    // It may say so before its own reply is there: two that are gone are enough to know.
    const read = expectProblem(await alone.get(`${target}?timeout=1500`), 503, "quorum-not-met");
    const written = expectProblem(await alone.put(`${target}?timeout=1500`, "x"), 503, "quorum-not-met", "unknown");
    for (const { needed, received } of [read, written]) {
      expect(needed).toBe(2);
      expect([0, 1]).toContain(received);
    }
    expectProblem(await alone.delete(`${target}?timeout=1500`), 503, "quorum-not-met", "none");
    expectProblem(await alone.get(`${kv("kill-two", "never")}?timeout=1500`), 503, "quorum-not-met");
    expectProblem(await alone.get("/v1/kv/kill-two?timeout=1500"), 503, "quorum-not-met");
    expect((await alone.get(`${target}?r=one`)).status).toBeLessThan(400);
    expect((await alone.put(`${kv("kill-two", "one")}?w=one`, "x")).status).toBe(204);
    expect((await alone.get(`${kv("kill-two", "one")}?r=1`)).body.toString()).toBe("x");
    expect((await alone.get(`${target}?local=true`)).status).toBeLessThan(400);
    expect((await alone.get("/health/live")).status).toBe(200);
    await Promise.all(away.map((node) => node.start()));
    await cluster().settled();
    expect((await alone.get(target)).status).toBeLessThan(400);
  });
});

describe("kill -9 of all three at once, under write load", () => {
  const rounds = isLong ? 20 : 2;

  it(`${rounds} times: no acknowledged write is missing, none returns, none is invented, every value is whole`, async () => {
    const own = await Cluster.start({ flags: ["--no-read-repair", "--no-anti-entropy", "--no-hints"] });
    try {
      const nodes = own.nodes.map(({ http }) => http);
      const load = new Load({ bucket: "all", nodes, clients: 12 });
      for (let round = 0; round < rounds; round++) {
        const before = load.history.acknowledged;
        load.start();
        await acknowledged(load, ACKNOWLEDGED_MIN);
        await Promise.all(own.nodes.map((node) => node.kill()));
        await load.stop();
        expect(load.history.acknowledged - before).toBeGreaterThanOrEqual(ACKNOWLEDGED_MIN);
        await Promise.all(own.nodes.map((node) => node.start()));
        await own.settled();
      }
      const { history } = load;
      const violations: unknown[] = [];
      await inTurns(history.keys, 12, async (key) => {
        violations.push(...history.check(key, await findings("all", key, nodes)));
      });
      const once = history.keys.filter((key) => key.startsWith("once")).length;
      console.log(
        `${history.acknowledged} acknowledged writes, ${once} keys written once, ${rounds} kills of all nodes`,
      );
      expect(once).toBeGreaterThan(history.acknowledged / 3);
      expect(violations).toEqual([]);
    } catch (error) {
      own.show();
      throw error;
    } finally {
      await own.destroy();
    }
  });
});
