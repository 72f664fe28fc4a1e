/** CONTRACT §3, "Cluster", on three real nodes: cluster, ring, explain, health, metrics, the OpenAPI description and the console's place. */
import { describe, expect, it } from "vitest";
import { Cluster, useCluster, type ClusterView } from "./support/cluster.js";
import { expectProblem } from "./support/expect-problem.js";
import { kv } from "./support/http.js";
import { until } from "./support/until.js";

// Nothing repairs by itself: what explain changed would be seen.
const cluster = useCluster({ flags: ["--no-read-repair", "--no-anti-entropy", "--no-hints"] });
const http = (index = 0): Cluster["nodes"][number]["http"] => cluster().node(index).http;
const names = ["n1", "n2", "n3"];

interface Explanation {
  readonly partition: number;
  readonly preferenceList: readonly string[];
  readonly coordinator: string;
  readonly replicas: readonly {
    readonly node: string;
    readonly role: string;
    readonly status: string;
    readonly reply: string;
    readonly digest: string | null;
    readonly siblings: readonly { readonly dot: string; readonly timestamp: number; readonly deleted: boolean }[];
  }[];
  readonly agree: boolean;
}

describe("GET /v1/cluster", () => {
  it("names every member with its addresses, zone, status, share and hints, the same at every node", async () => {
    const views = await Promise.all([0, 1, 2].map((index) => http(index).json<ClusterView>("/v1/cluster")));
    expect(new Set(views.map((view) => view.cluster)).size).toBe(1);
    views.forEach((view, index) => {
      expect(view).toMatchObject({ node: names[index], partitions: 256, settled: true, transfers: [] });
      expect(view.members.map(({ name }) => name).toSorted()).toEqual(names);
      for (const member of view.members) {
        const node = cluster().nodes.find(({ name }) => name === member.name);
        expect(member).toMatchObject({
          address: node?.peer,
          http: `127.0.0.1:${node?.http.port}`,
          status: "up",
          hints: 0,
        });
        expect(member.zone).not.toBe("");
      }
      expect(view.members.reduce((sum, { ownership }) => sum + ownership, 0)).toBeCloseTo(1, 6);
    });
  });
});

describe("GET /v1/ring", () => {
  it("gives every partition with N owners, each once, the same at every node", async () => {
    type Ring = { version: string; partitions: { partition: number; owners: string[] }[] };
    const rings = await Promise.all([0, 1, 2].map((index) => http(index).json<Ring>("/v1/ring")));
    const ring = rings[0] as Ring;
    expect(rings[1]).toEqual(ring);
    expect(rings[2]).toEqual(ring);
    expect(ring.partitions.map(({ partition }) => partition)).toEqual(Array.from({ length: 256 }, (_, i) => i));
    for (const { owners } of ring.partitions) expect(owners.toSorted()).toEqual(names);
    // First owners are spread too.
    for (const name of names) {
      expect(ring.partitions.filter(({ owners }) => owners[0] === name).length).toBeGreaterThan(60);
    }
  });

  it("with a bucket and a key gives that key's place, as explain and the ring say", async () => {
    type Place = { partition: number; preferenceList: string[]; fallbacks: string[] };
    const place = await http(1).json<Place>("/v1/ring?bucket=a&key=k%2F1");
    const { partitions } = await http().json<{ partitions: { owners: string[] }[] }>("/v1/ring");
    expect(place.preferenceList).toEqual(partitions[place.partition]?.owners);
    expect(place.fallbacks).toEqual([]);
    const explained = await http(2).json<Explanation>("/v1/kv/a/k%2F1/explain");
    expect([explained.partition, explained.preferenceList]).toEqual([place.partition, place.preferenceList]);
  });

  it("half of a place, or a name that is none, is 400", async () => {
    for (const query of ["bucket=a", "key=k", "bucket=a%20b&key=k", "bucket=a&key=%FF", "x=1"]) {
      expectProblem(await http().get(`/v1/ring?${query}`), 400, "bad-parameter");
    }
  });
});

describe("GET …/explain", () => {
  const explain = (key: string): Promise<Explanation> => http().json(`${kv("explained", key)}/explain`);

  it("shows what each replica holds, and that all agree", async () => {
    await http(0).put(`${kv("explained", "agree")}?w=all`, "one");
    await http(1).put(`${kv("explained", "agree")}?w=all`, "two");
    const { replicas, agree, preferenceList, coordinator } = await explain("agree");
    expect(agree).toBe(true);
    expect(preferenceList).toContain(coordinator);
    expect(replicas.map(({ node }) => node)).toEqual(preferenceList);
    const envelope = await http().envelope(kv("explained", "agree"));
    for (const replica of replicas) {
      expect(replica).toMatchObject({ role: "primary", status: "up", reply: "ok", digest: replicas[0]?.digest });
      expect(replica.siblings.map(({ dot }) => dot).toSorted()).toEqual(
        envelope.siblings.map(({ dot }) => dot).toSorted(),
      );
      expect(replica.siblings.map(({ deleted }) => deleted)).toEqual([false, false]);
    }
  });

  it("of a key that was never written: not-found from each, and they agree", async () => {
    const { replicas, agree } = await explain("never");
    expect(agree).toBe(true);
    for (const replica of replicas) expect(replica).toMatchObject({ reply: "not-found", digest: null, siblings: [] });
  });

  it("of a deleted key shows the tombstone", async () => {
    await http().put(`${kv("explained", "deleted")}?w=all`, "one");
    await http().delete(`${kv("explained", "deleted")}?w=all`);
    const { replicas } = await explain("deleted");
    for (const { siblings } of replicas) expect(siblings.map(({ deleted }) => deleted)).toEqual([true]);
  });

  it("repairs nothing by asking: a replica that missed a write still misses it, and is shown", async () => {
    const target = kv("explained", "missed");
    const away = cluster().node(2);
    await away.kill();
    expect((await http(0).put(target, "while n3 is away")).status).toBe(204);
    await away.start();
    await cluster().settled();
    for (let round = 0; round < 3; round++) {
      const { replicas, agree } = await explain("missed");
      expect(agree).toBe(false);
      const found = Object.fromEntries(replicas.map(({ node, reply }) => [node, reply]));
      expect(found).toEqual({ n1: "ok", n2: "ok", n3: "not-found" });
    }
    expect((await away.http.get(`${target}?local=true`)).status).toBe(404);
    expect((await away.http.get(target)).body.toString()).toBe("while n3 is away");
  });

  it("shows a replica that does not answer as such, and what the others hold", async () => {
    await http(0).put(`${kv("explained", "silent")}?w=all`, "x");
    await cluster().node(1).kill();
    try {
      const { replicas } = await http().json<Explanation>(`${kv("explained", "silent")}/explain?timeout=2000`);
      const found = Object.fromEntries(replicas.map(({ node, reply }) => [node, reply]));
      expect(found).toMatchObject({ n1: "ok", n3: "ok" });
      expect(["timeout", "error"]).toContain(found["n2"]);
    } finally {
      await cluster().node(1).start();
      await cluster().settled();
    }
  });
});

describe("read repair", () => {
  it("after a read, every replica holds what the read gave; switched off, it does not", async () => {
    const own = await Cluster.start({ flags: ["--no-anti-entropy", "--no-hints"] });
    try {
      const target = kv("repaired", "k");
      const [first, , away] = own.nodes as [Cluster["nodes"][number], unknown, Cluster["nodes"][number]];
      await away.kill();
      expect((await first.http.put(target, "x")).status).toBe(204);
      await away.start();
      await own.settled();
      expect((await away.http.get(`${target}?local=true`)).status).toBe(404);
      expect((await first.http.get(`${target}?r=all`)).status).toBe(200);
      await until("the replica that was away holds the value", async () => {
        return (await away.http.get(`${target}?local=true`)).body.toString() === "x";
      });
    } finally {
      await own.destroy();
    }
  });
});

describe("health, metrics, description", () => {
  it("/health/live and /health/ready answer 200 on a node that serves", async () => {
    for (const index of [0, 1, 2]) {
      for (const path of ["/health/live", "/health/ready"]) expect((await http(index).get(path)).status).toBe(200);
    }
  });

  it("/metrics speaks Prometheus, with the names that stay and counts that count", async () => {
    const count = async (name: string): Promise<number> => {
      const text = (await http().get("/metrics")).body.toString();
      const line = text.split("\n").find((each) => each.startsWith(`${name} `));
      expect(line, `${name} in\n${text}`).toBeDefined();
      return Number(line?.split(" ")[1]);
    };
    const puts = 'kvorum_requests_total{op="put",result="ok"}';
    await http().put(kv("metrics", "k"), "v");
    const before = await count(puts);
    await http().put(kv("metrics", "k"), "v");
    await http().get(kv("metrics", "k"));
    expect(await count(puts)).toBe(before + 1);
    expect(await count('kvorum_request_seconds_count{op="put"}')).toBeGreaterThanOrEqual(2);
    expect(await count("kvorum_siblings_count")).toBeGreaterThanOrEqual(1);
    expect(await count("kvorum_conflicts")).toBeGreaterThanOrEqual(1);
    expect(await count("kvorum_keys")).toBeGreaterThanOrEqual(1);
    expect(await count("kvorum_gossip_bytes_sent_total")).toBeGreaterThan(0);
    for (const name of ["kvorum_read_repairs_total", "kvorum_hints_pending", "kvorum_transfer_keys_total"]) {
      expect(await count(name)).toBeGreaterThanOrEqual(0);
    }
  });

  it("/v1/openapi.json describes every path that this page names", async () => {
    type OpenApi = { openapi: string; paths: Record<string, Record<string, unknown>> };
    const { openapi, paths } = await http().json<OpenApi>("/v1/openapi.json");
    expect(openapi).toMatch(/^3\.1/);
    const methods = (path: string): string[] => {
      const found = Object.entries(paths).find(([each]) => each.replaceAll(/\{[^}]*\}/g, ":") === path);
      return Object.keys(found?.[1] ?? {});
    };
    expect(methods("/v1/kv/:/:")).toEqual(expect.arrayContaining(["get", "head", "put", "delete"]));
    expect(methods("/v1/buckets/:")).toEqual(expect.arrayContaining(["get", "put"]));
    for (const path of ["/v1/kv/:", "/v1/buckets", "/v1/conflicts", "/v1/cluster", "/v1/ring", "/v1/kv/:/:/explain"]) {
      expect(methods(path), path).toContain("get");
    }
  });

  it("/ is a page", async () => {
    const reply = await http().get("/");
    expect([reply.status, reply.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  });
});
