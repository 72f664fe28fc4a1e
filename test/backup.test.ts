/**
 * `check`, `backup` and `restore` on real nodes: a snapshot of a node that is written to holds all that was acknowledged before it; one member comes back as
 * a new instance, with nothing that was deleted since; all members together begin a new cluster (TRAPS 3).
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { useCluster, type ClusterView } from "./support/cluster.js";
import { cutProxy } from "./support/cut-proxy.js";
import { kv } from "./support/http.js";
import type { KvorumNode } from "./support/node.js";
import { kvorum } from "./support/program.js";
import { until } from "./support/until.js";

const cluster = useCluster({ flags: ["--no-read-repair", "--no-anti-entropy", "--no-hints"] });
/** Where a node keeps the snapshot that it is sending. */
const SNAPSHOT = "backup.tmp";
const urlOf = (node: KvorumNode): string => `http://127.0.0.1:${node.options.httpPort}`;
const noise = (i: number): string => `noise ${i} ${"x".repeat(2000)}`;
const KEYS = Array.from({ length: 60 }, (_, i) => `k${i}`);
/** Between two writes of the noise. */
const THINK_MS = 3;

async function json<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await kvorum([...args, "--json"]);
  expect(code, `${stdout.toString()}\n${stderr}`).toBe(0);
  return JSON.parse(stdout.toString()) as T;
}

interface Check {
  readonly keys: number;
  readonly damagedRecords: readonly unknown[];
  readonly problems: readonly string[];
}

/** What was acknowledged by all before the first backup was asked for, while others went on. */
let noisy = 0;

it("running nodes are backed up while they are written to, by folder and over HTTP, and the backups are whole", async () => {
  const { folder, nodes } = cluster();
  const { http: first } = cluster().node(0);
  for (const key of KEYS) expect((await first.put(`${kv("b", key)}?w=all`, `${key} one`)).status).toBe(204);
  let isWriting = true;
  let written = 0;
  const traffic = (async () => {
    for (let i = 0; isWriting; i++) {
      const { status } = await cluster()
        .node(i % 3)
        .http.put(`${kv("noise", `n${i}`)}?w=all`, noise(i));
      if (status === 204 && written === i) written++;
      // The machine is also that of the backups, and of other tests.
      await pause(THINK_MS);
    }
  })();
  await until("some of it is acknowledged", () => written > 100);
  noisy = written;
  for (const node of nodes) {
    const to = join(folder, `backup-${node.name}`);
    const from = node === nodes[0] ? ["--data", node.options.data] : ["--url", urlOf(node)];
    const report = await json<{ name: string; files: number }>("backup", ...from, "--to", to);
    expect(report.name).toBe(node.name);
    const check = await json<Check>("check", "--data", to);
    expect(check.keys).toBeGreaterThanOrEqual(KEYS.length + noisy);
    expect(check.damagedRecords).toEqual([]);
    expect(check.problems).toEqual([]);
  }
  isWriting = false;
  await traffic;
});

it("a backup over HTTP that is cut off leaves nothing, and the next one is whole", async () => {
  const { folder } = cluster();
  const node = cluster().node(1);
  const whole = (await node.http.get("/v1/backup")).body.length;
  for (const end of [300, Math.floor(whole * 0.3), whole - 10]) {
    const proxy = await cutProxy(node.options.httpPort, end, "cut");
    const cut = await kvorum(["backup", "--url", proxy.url, "--to", join(folder, "cut")]);
    proxy.close();
    expect([cut.code, cut.stderr], `cut off at ${end}`).toEqual([1, expect.stringContaining("nothing was kept")]);
    expect(await readdir(folder)).not.toContain("cut");
  }
  await until("the node has put its snapshot away", async () => !(await readdir(node.options.data)).includes(SNAPSHOT));
  await json("backup", "--url", urlOf(node), "--to", join(folder, "after-cuts"));
  await json("check", "--data", join(folder, "after-cuts"));
});

it("a node sends one backup at a time, and clears at its start what it left when it was killed", async () => {
  const n3 = cluster().node(2);
  const large = "x".repeat(1_000_000);
  for (let i = 0; i < 24; i++) expect((await n3.http.put(kv("large", `l${i}`), large)).status).toBe(204);
  const proxy = await cutProxy(n3.options.httpPort, 1000, "stall");
  const stalled = kvorum(["backup", "--url", proxy.url, "--to", join(cluster().folder, "stalled")]);
  await proxy.reached;
  expect(await readdir(n3.options.data)).toContain(SNAPSHOT);
  const second = await n3.http.get("/v1/backup");
  expect([second.status, JSON.parse(second.body.toString())]).toMatchObject([503, { type: "urn:kvorum:overloaded" }]);
  await n3.kill();
  proxy.close();
  expect((await stalled).code).toBe(1);
  expect(await readdir(n3.options.data)).toContain(SNAPSHOT);
  await n3.start();
  expect(await readdir(n3.options.data)).not.toContain(SNAPSHOT);
  await cluster().settled();
});

it("backup takes a folder or a node, and says so", async () => {
  const { url, data } = { url: urlOf(cluster().node(0)), data: cluster().node(0).options.data };
  for (const from of [[], ["--url", url, "--data", data]]) {
    const { code, stderr } = await kvorum(["backup", ...from, "--to", join(cluster().folder, "none")]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("one of the two")]);
  }
  const taken = await kvorum(["backup", "--url", url, "--to", cluster().folder]);
  expect([taken.code, taken.stderr]).toEqual([5, expect.stringContaining("there already")]);
});

it("a folder in use is not checked, and what is no folder of the log is not backed up", async () => {
  const inUse = await kvorum(["check", "--data", cluster().node(0).options.data]);
  expect([inUse.code, inUse.stderr]).toEqual([5, expect.stringContaining("in use")]);
  const none = await kvorum(["backup", "--data", cluster().folder, "--to", join(cluster().folder, "none")]);
  expect([none.code, none.stderr]).toEqual([5, expect.stringContaining("no Kvorum data folder")]);
  expect(await readdir(cluster().folder)).not.toContain("none");
});

it("one member comes back as a new instance, without what was deleted since its backup", async () => {
  const { folder } = cluster();
  const n3 = cluster().node(2);
  await n3.kill();
  await cluster().sees("n3", "down");
  const deleted = KEYS.slice(0, 20);
  for (const key of deleted) expect((await cluster().node(0).http.delete(kv("b", key))).status).toBe(204);
  const data = join(folder, "n3-restored");
  await json("restore", join(folder, "backup-n3"), "--data", data);
  const doors = ["--http", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
  const alone = await kvorum(["start", "--name", "n3", "--data", data, ...doors]);
  expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("--seeds")]);
  await n3.start({ data, seeds: [cluster().node(0).peer] });
  await cluster().settled();
  for (const key of KEYS) {
    const expected = deleted.includes(key) ? 404 : 200;
    await until(`n3 holds ${key} or not`, async () => {
      const { status } = await n3.http.get(`${kv("b", key)}?local=true`);
      if (status === expected) return true;
      throw new Error(`${status}`);
    });
    expect((await n3.http.get(`${kv("b", key)}?r=all`)).status).toBe(expected);
  }
});

it("all members' backups together begin a new cluster, with what was acknowledged before them", async () => {
  const { folder, nodes } = cluster();
  const before = await cluster().node(0).http.json<ClusterView>("/v1/cluster");
  const context = (await cluster().node(0).http.get(kv("b", "k30"))).headers["kvorum-context"] as string;
  for (const node of nodes) await node.kill();
  const ids = new Set<string>();
  for (const { name } of nodes) {
    const data = join(folder, `${name}-new`);
    const { cluster: id } = await json<{ cluster: string }>(
      ...["restore", join(folder, `backup-${name}`), "--data", data, "--new-cluster", "monday"],
    );
    ids.add(id);
  }
  expect(ids.size).toBe(1);
  expect(ids).not.toContain(before.cluster);
  await Promise.all(nodes.map((node) => node.start({ data: join(folder, `${node.name}-new`), seeds: [] })));
  await cluster().settled();
  for (const node of nodes) {
    expect((await node.http.json<ClusterView>("/v1/cluster")).cluster).toBe([...ids][0]);
    for (const key of KEYS) expect((await node.http.get(`${kv("b", key)}?r=all`)).body.toString()).toBe(`${key} one`);
  }
  // That each held it by itself is what `check` counted.
  for (const node of nodes) {
    for (let i = 0; i < noisy; i++) {
      expect((await node.http.get(`${kv("noise", `n${i}`)}?local=true`)).body.toString()).toBe(noise(i));
    }
  }
  // A context of the old cluster may cover what was written there since; here it means nothing.
  const refused = await cluster().node(0).http.put(kv("b", "k30"), "two", { "Kvorum-Context": context });
  expect(refused.status).toBe(400);
  expect((await cluster().node(0).http.put(kv("b", "k30"), "two")).status).toBe(204);
});

describe("a node on LMDB", () => {
  const lmdb = useCluster({ count: 1, prefix: "l", flags: ["--engine", "lmdb"] });

  it("says that it can't be backed up while it runs, and what to do", async () => {
    const node = lmdb().node(0);
    const answer = await node.http.get("/v1/backup");
    const problem = JSON.parse(answer.body.toString()) as { readonly detail: string };
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect([answer.status, problem]).toMatchObject([501, { type: "urn:kvorum:not-supported" }]);
    const refused = await kvorum(["backup", "--url", urlOf(node), "--to", join(lmdb().folder, "none")]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("stop the node and copy its folder")]);
    expect(await readdir(lmdb().folder)).not.toContain("none");
  });
});
