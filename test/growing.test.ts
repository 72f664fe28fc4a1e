/**
 * 3 → 5 → 4 nodes under load, on real processes (DESIGN §3): no request fails, strict quorums read what was written, load ends up even, and little more
 * moves than must.
 */
import { describe, expect, it, onTestFinished } from "vitest";
import { count } from "../packages/core/test/counts.js";
import { useCluster, type Cluster, type ClusterView } from "./support/cluster.js";
import type { KvorumNode } from "./support/node.js";
import { History } from "./support/operations.js";
import { judgeOwners } from "./support/owners.js";
import { kvorum } from "./support/program.js";
import { Traffic } from "./support/traffic.js";
import { until } from "./support/until.js";

const KEYS = count(1_500, 50_000);
/** The long form demands the load; the short one shares its machine with other tests. */
const REQUESTS_A_SECOND_MIN = count(0, 500);
const LANES = count(2, 24);
const THINK_MS = count(15, 0);
const ACKNOWLEDGED_MIN = 100;
const MOVED_FACTOR = 1.1;
const LOAD_FACTOR = 1.05;

const cluster = useCluster();

async function metric(node: KvorumNode, name: string): Promise<number> {
  const { body } = await node.http.get("/metrics");
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(body.toString())?.[1]);
}

/** Keys that came to these nodes by transfers. */
async function moved(nodes: readonly KvorumNode[]): Promise<number> {
  const counts = await Promise.all(nodes.map((node) => metric(node, "kvorum_transfer_keys_total")));
  return counts.reduce((sum, each) => sum + each, 0);
}

async function load(url: string): Promise<void> {
  const lines = Array.from({ length: KEYS }, (_, i) => JSON.stringify({ key: `k${i}`, value: `v${i}` }));
  const args = ["import", "grown", "-", "--url", url];
  const { code, stderr } = await kvorum(args, { stdin: `${lines.join("\n")}\n`, deadlineMs: 240_000 });
  expect([code, stderr.includes("failed 0")]).toEqual([0, true]);
}

function expectEvenLoad({ members }: ClusterView): void {
  const shares = members.map(({ ownership }) => ownership);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  expect(Math.max(...shares) / mean).toBeLessThanOrEqual(LOAD_FACTOR);
}

/** Runs `change` under `traffic`, and says how many requests a second there were meanwhile. */
async function under(traffic: Traffic, change: () => Promise<void>): Promise<void> {
  const before = { acknowledged: traffic.acknowledged, reads: traffic.readsThrough(() => true), ms: performance.now() };
  await change();
  const acknowledged = traffic.acknowledged - before.acknowledged;
  const requests = acknowledged + traffic.readsThrough(() => true) - before.reads;
  const rate = (requests * 1_000) / (performance.now() - before.ms);
  expect(acknowledged).toBeGreaterThanOrEqual(ACKNOWLEDGED_MIN);
  expect(rate).toBeGreaterThanOrEqual(REQUESTS_A_SECOND_MIN);
}

async function join(all: Cluster, name: string): Promise<void> {
  const node = await all.plan(name);
  await node.start();
  await until(
    `${name} has joined and all is settled`,
    async () => {
      const views = await Promise.all(all.running.map((each) => each.http.json<ClusterView>("/v1/cluster")));
      return views.every(({ settled, members }) => settled && members.length === all.running.length);
    },
    240_000,
  );
  // What a new owner holds had to come from somewhere: what came twice is too much.
  expect(await moved([node])).toBeLessThanOrEqual(MOVED_FACTOR * (await metric(node, "kvorum_keys")));
}

/** Asks through `by`; the leaver's process ends by itself, with 0. */
async function leave(all: Cluster, leaver: KvorumNode, by: KvorumNode): Promise<void> {
  const stay = all.running.filter((node) => node !== leaver);
  const [movedBefore, held] = [await moved(stay), await metric(leaver, "kvorum_keys")];
  const url = `http://${by.http.host}:${by.options.httpPort}`;
  const { code } = await kvorum(["leave", leaver.name, "--url", url]);
  expect(code).toBe(0);
  await until(`${leaver.name} has ended`, () => !leaver.isRunning, 240_000);
  expect(leaver.log.join("\n")).toContain("has left the cluster");
  await until("all is settled", async () => {
    const views = await Promise.all(stay.map((each) => each.http.json<ClusterView>("/v1/cluster")));
    return views.every(({ settled, members }) => settled && members.length === stay.length);
  });
  expect((await moved(stay)) - movedBefore).toBeLessThanOrEqual(MOVED_FACTOR * held + LANES);
}

describe("a cluster that grows and shrinks under load", () => {
  it(
    "goes from 3 to 5 to 4 nodes, and no client sees more of it than where its requests go",
    { timeout: 900_000 },
    async () => {
      const all = cluster();
      const [first, leaver, third] = all.nodes as [KvorumNode, KvorumNode, KvorumNode];
      await load(`http://${first.http.host}:${first.options.httpPort}`);
      const history = new History();
      const traffic = new Traffic(history, {
        name: "grow",
        query: "?sloppy=false",
        lanesPerNode: LANES,
        thinkMs: THINK_MS,
      });
      onTestFinished(() => traffic.halt());
      traffic.start([first, third]);

      await under(traffic, () => join(all, "n4"));
      await under(traffic, () => join(all, "n5"));
      expectEvenLoad(await first.http.json<ClusterView>("/v1/cluster"));
      await under(traffic, () => leave(all, leaver, first));
      expectEvenLoad(await first.http.json<ClusterView>("/v1/cluster"));

      await traffic.stop();
      expect(traffic.failures).toEqual([]);
      expect(history.stale(), "at strict quorum").toEqual([]);
      expect(await judgeOwners(all.running, "traffic", history)).toEqual([]);
      const counted = await Promise.all(all.running.map((node) => metric(node, "kvorum_keys")));
      const places = (KEYS + new Set(history.keys).size) * 3;
      // Deleted keys of the traffic are counted in `places` and nowhere else.
      const total = counted.reduce((sum, each) => sum + each, 0);
      expect(total).toBeGreaterThanOrEqual(KEYS * 3);
      expect(total).toBeLessThanOrEqual(places);
    },
  );
});
