/**
 * `check`, `backup` and `restore` on real nodes: a snapshot of a node that is written to holds all that was acknowledged before it; one member comes back as
 * a new instance, with nothing that was deleted since; all members together begin a new cluster (TRAPS 3).
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { useCluster, type ClusterView } from "./support/cluster.js";
import { kv } from "./support/http.js";
import { kvorum } from "./support/program.js";
import { until } from "./support/until.js";

const cluster = useCluster({ flags: ["--no-read-repair", "--no-anti-entropy", "--no-hints"] });
const KEYS = Array.from({ length: 60 }, (_, i) => `k${i}`);

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

it("a running node's folder is backed up while it is written to, and the backup is whole", async () => {
  const { folder, nodes } = cluster();
  for (const key of KEYS)
    expect(
      (
        await cluster()
          .node(0)
          .http.put(`${kv("b", key)}?w=all`, `${key} one`)
      ).status,
    ).toBe(204);
  let isWriting = true;
  const traffic = (async () => {
    for (let i = 0; isWriting; i++)
      await cluster()
        .node(i % 3)
        .http.put(kv("noise", `n${i % 500}`), "x".repeat(2000));
  })();
  for (const { name, options } of nodes) {
    const to = join(folder, `backup-${name}`);
    const report = await json<{ name: string; files: number }>("backup", "--data", options.data, "--to", to);
    expect(report.name).toBe(name);
    const check = await json<Check>("check", "--data", to);
    expect(check.keys).toBeGreaterThanOrEqual(KEYS.length);
  }
  isWriting = false;
  await traffic;
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
  const alone = await kvorum([
    "start",
    "--name",
    "n3",
    "--data",
    data,
    "--http",
    "127.0.0.1:0",
    "--listen",
    "127.0.0.1:0",
  ]);
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
  // A context of the old cluster may cover what was written there since; here it means nothing.
  const refused = await cluster().node(0).http.put(kv("b", "k30"), "two", { "Kvorum-Context": context });
  expect(refused.status).toBe(400);
  expect((await cluster().node(0).http.put(kv("b", "k30"), "two")).status).toBe(204);
});
