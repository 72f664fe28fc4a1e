/**
 * Whose folder it is: one of a newer format, in use, of another cluster or of another member is refused in one line; an empty one takes the place
 * of a member that is down, and is filled again (CONTRACT §2, `start`; TRAPS 3).
 */
import { cp, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, useCluster, type ClusterView } from "./support/cluster.js";
import { kv } from "./support/http.js";
import { freePort, KvorumNode } from "./support/node.js";
import { kvorum, type Ended } from "./support/program.js";
import { tagOf, valueOf } from "./support/values.js";

const cluster = useCluster({ flags: ["--no-read-repair", "--no-anti-entropy", "--no-hints"] });

interface Start {
  readonly name: string;
  readonly data: string;
  readonly seeds?: readonly string[];
  readonly flags?: readonly string[];
}

/** A start that must end by itself. */
async function start({ name, data, seeds = [], flags = [] }: Start): Promise<Ended> {
  const node = new KvorumNode({ name, data, seeds, flags, httpPort: await freePort(), peerPort: await freePort() });
  return await kvorum([...node.args, "--gossip-interval", "200ms"]);
}

/** One line says why; what else there is are lines of its log. */
function expectRefusal(ended: Ended, code: number, ...words: readonly string[]): void {
  const lines = ended.stderr.split("\n").filter((line) => line !== "" && !/^(info|warn|error) /.test(line));
  expect(lines.length, ended.stderr).toBe(1);
  expect(lines[0]).toMatch(/^kvorum start: /);
  for (const word of words) expect(lines[0]).toContain(word);
  expect(ended.code, ended.stderr).toBe(code);
}

describe("a folder is refused with one line", () => {
  /** A cluster of its own, of one node: each test leaves it stopped. */
  let other: Cluster;
  beforeAll(async () => {
    other = await Cluster.start({ count: 1, prefix: "other" });
    await other.node(0).stop();
  });
  afterAll(() => other.destroy());

  it("when a living process has it, which goes on", async () => {
    const node = cluster().node(0);
    expectRefusal(await start({ name: "n1", data: node.options.data }), 5, node.options.data, String(node.pid));
    expect((await node.http.get("/health/ready")).status).toBe(200);
  });

  it("when its format is newer, and it stays as it was", async () => {
    const { name, data } = other.node(0).options;
    const file = join(data, "FORMAT");
    const written = await readFile(file, "utf8");
    const { format } = JSON.parse(written) as { format: number };
    const newer = JSON.stringify({ format: format + 1, createdBy: "kvorum 99.0.0", unknown: true });
    await writeFile(file, newer);
    expectRefusal(await start({ name, data }), 5, data, `format ${format + 1}`, "kvorum 99.0.0");
    expect(await readFile(file, "utf8")).toBe(newer);
    await writeFile(file, written);
  });

  it("when it is of another storage engine, and it says which", async () => {
    const { name, data } = other.node(0).options;
    const refused = await start({ name, data, flags: ["--engine", "lmdb"] });
    expectRefusal(refused, 5, data, 'engine "log"', "--engine log");
  });

  it("when it is another program's, and nothing is written into it", async () => {
    const data = join(cluster().folder, "not-ours");
    await mkdir(data);
    await writeFile(join(data, "letters.txt"), "mine");
    expectRefusal(await start({ name: "n9", data }), 5, data);
    expect(await readdir(data)).toEqual(["letters.txt"]);
  });

  it("when it is of another cluster than the seeds that it is given", async () => {
    const node = other.node(0);
    const seeds = [cluster().node(0).peer];
    expectRefusal(await start({ name: node.name, data: node.options.data, seeds }), 5, "of another cluster");
    const { members } = await cluster().node(0).http.json<ClusterView>("/v1/cluster");
    expect(members.map(({ name }) => name).toSorted()).toEqual(["n1", "n2", "n3"]);
    // It was refused, not spoilt.
    await node.start();
    await node.stop();
  });

  it("when it is another member's, or the cluster has another number of partitions or replicas", async () => {
    const { name, data } = other.node(0).options;
    expectRefusal(await start({ name: "else", data }), 2, name, "else");
    expectRefusal(await start({ name, data, flags: ["--partitions", "128"] }), 2, "256", "128");
    expectRefusal(await start({ name, data, flags: ["--replicas", "2"] }), 2, "3", "2");
  });

  it("when it is a copy of a living member's", async () => {
    const node = cluster().node(2);
    await node.stop();
    const copy = join(cluster().folder, "copy");
    await cp(node.options.data, copy, { recursive: true });
    await node.start();
    await cluster().settled();
    expectRefusal(await start({ name: node.name, data: copy, seeds: [cluster().node(0).peer] }), 5);
  });
});

describe("an old copy of a folder that was put back by hand", () => {
  it("is refused, by its name and for ever, and the member's own folder goes on with all that it has", async () => {
    const [first, node] = [cluster().node(0), cluster().node(1)];
    const { data } = node.options;
    const put = async (key: string, value: string): Promise<void> => {
      expect((await node.http.put(`${kv("copied", key)}?w=all`, value)).status).toBe(204);
    };
    await put("gone", "v");
    await node.stop();
    const [copy, own] = [join(cluster().folder, "old-copy"), join(cluster().folder, "own")];
    await cp(data, copy, { recursive: true });
    await node.start();
    await cluster().settled();
    await put("k", "written after the copy");
    expect((await node.http.delete(`${kv("copied", "gone")}?w=all`)).status).toBe(204);
    await node.kill();

    await rename(data, own);
    await rename(copy, data);
    // It never says that it is ready; told once, it keeps it.
    for (const attempt of ["at once", "and again"]) {
      const refused = await kvorum(node.args);
      expect([refused.code, refused.stdout.toString()], `${attempt}: ${refused.stderr}`).toEqual([5, ""]);
      expect(refused.stderr, attempt).toContain("the data folder was copied or restored");
    }
    expect((await first.http.get(kv("copied", "k"))).body.toString()).toBe("written after the copy");
    expect((await first.http.get(kv("copied", "gone"))).status).toBe(404);

    await rename(data, copy);
    await rename(own, data);
    await node.start();
    await cluster().settled();
    expect((await node.http.get(`${kv("copied", "k")}?local=true`)).body.toString()).toBe("written after the copy");
    expect((await node.http.get(`${kv("copied", "gone")}?local=true`)).status).toBe(404);
  });
});

describe("an empty folder under a member's name", () => {
  it("is refused while that member is up, which goes on", async () => {
    const [first, second] = [cluster().node(0), cluster().node(1)];
    const data = join(cluster().folder, "usurper");
    expectRefusal(await start({ name: second.name, data, seeds: [first.peer] }), 2, "refused", second.name);
    expect((await second.http.get("/health/ready")).status).toBe(200);
    expect((await second.http.put(`${kv("up", "k")}?w=all`, "v")).status).toBe(204);
  });

  it("takes the place of one that is down, is filled again, and then holds every key by itself", async () => {
    const [first, lost] = [cluster().node(0), cluster().node(2)];
    const keys = Array.from({ length: 500 }, (_, i) => `k${i}`);
    await Promise.all(
      keys.map(async (key, i) => {
        expect(
          (
            await cluster()
              .node(i % 3)
              .http.put(kv("refilled", key), valueOf(key, 300))
          ).status,
        ).toBe(204);
      }),
    );
    await first.http.put(kv("refilled", "deleted"), "x");
    expect((await first.http.delete(kv("refilled", "deleted"))).status).toBe(204);
    await lost.kill();
    // Some while it is away: it never had them.
    for (let i = 0; i < 50; i++) {
      keys.push(`away${i}`);
      expect((await first.http.put(kv("refilled", `away${i}`), valueOf(`away${i}`))).status).toBe(204);
    }
    const old = join(cluster().folder, "n3-old");
    await rename(lost.options.data, old);
    await cluster().sees(lost.name, "down");
    await lost.start({ seeds: [first.peer] });
    await cluster().settled();

    const wrong: string[] = [];
    for (const key of keys) {
      const reply = await lost.http.get(`${kv("refilled", key)}?local=true`);
      if (reply.status !== 200 || tagOf(reply.body) !== key) wrong.push(`${key}: ${reply.status}`);
    }
    expect(wrong).toEqual([]);
    expect((await lost.http.get(`${kv("refilled", "deleted")}?local=true`)).status).toBe(404);
    const { members } = await first.http.json<ClusterView>("/v1/cluster");
    expect(members.map(({ name }) => name).toSorted()).toEqual(["n1", "n2", "n3"]);

    // The old instance is one too many now, whoever it asks.
    expectRefusal(await start({ name: lost.name, data: old, seeds: [first.peer] }), 5);
    expect((await lost.http.put(`${kv("refilled", "after")}?w=all`, "v")).status).toBe(204);
  });
});
