/** What goes by itself, on real processes (CONTRACT §3): values that expire, tombstones that are reaped, and what `risk` says meanwhile. */
import { expect, test } from "vitest";
import { useCluster } from "./support/cluster.js";
import { ENVELOPE, kv, type Reply } from "./support/http.js";
import { kvorum } from "./support/program.js";
import { until } from "./support/until.js";

const cluster = useCluster({
  flags: ["--reap-interval", "200ms", "--message-life", "300ms", "--anti-entropy-interval", "1s"],
});

const json = <T>({ body }: Reply): T => JSON.parse(body.toString()) as T;

interface Risk {
  readonly ok: boolean;
  readonly lines: readonly string[];
  readonly membersDown: readonly string[];
  readonly underReplicated: { readonly partitions: number; readonly fewest: number | null };
  readonly tombstones: {
    readonly count: number;
    readonly oldest: { readonly key: string; readonly why: string } | null;
  };
}

const risk = async (node: number): Promise<Risk> => json<Risk>(await cluster().node(node).http.get("/v1/risk"));

async function keysOf(bucket: string): Promise<readonly string[]> {
  return json<{ keys: string[] }>(await cluster().node(1).http.get(`/v1/kv/${bucket}`)).keys;
}

test("all is well in one line; deleted keys go by proof; and a member that is down is named with what waits for it", async () => {
  const { http } = cluster().node(0);
  for (let i = 0; i < 20; i++) {
    await http.put(`${kv("gone", `k${i}`)}?w=all`, "v");
    expect((await http.send("DELETE", `${kv("gone", `k${i}`)}?w=all`)).status).toBe(204);
  }
  const tombstones = async (node: number): Promise<number> =>
    json<{ tombstones: { reaped: number } }>(await cluster().node(node).http.get("/v1/cluster")).tombstones.reaped;
  for (const node of [0, 1, 2]) await until("all are reaped", async () => (await tombstones(node)) >= 20);
  for (let i = 0; i < 20; i++) {
    const reply = await http.get(kv("gone", `k${i}`));
    expect([reply.status, reply.headers["kvorum-context"]]).toEqual([404, undefined]);
  }
  const calm = await until("all is well", async () => {
    const view = await risk(1);
    return view.ok && view;
  });
  expect(calm.lines).toHaveLength(1);
  const told = await kvorum(["risk", "--url", http.url]);
  expect([told.code, told.stdout.toString().trim().split("\n").length]).toEqual([0, 1]);

  await cluster().node(2).kill();
  const down = await until("n3 is named", async () => {
    const view = await risk(0);
    return view.membersDown.length === 1 && view;
  });
  expect(down).toMatchObject({ ok: false, membersDown: ["n3"], underReplicated: { fewest: 2 } });
  await http.put(kv("gone", "late"), "v");
  await http.send("DELETE", kv("gone", "late"));
  const waiting = await until("the tombstone waits", async () => {
    const { oldest } = (await risk(0)).tombstones;
    return oldest?.key === "late" && oldest;
  });
  expect(waiting.why).toContain("n3");
  await cluster().node(2).start();
  await until("it goes when n3 is back", async () => (await risk(0)).tombstones.oldest?.key !== "late");
});

test("a value with a TTL is shown with its end, and then no more: not by a read, a list or a replica alone", async () => {
  const [a, b, c] = [cluster().node(0), cluster().node(1), cluster().node(2)];
  const put = await a.http.send("PUT", `${kv("ttl", "short")}?w=all`, { "Kvorum-TTL": "2" }, "v");
  expect(put.status).toBe(204);
  expect((await a.http.put(kv("ttl", "stays"), "v")).status).toBe(204);
  const shown = await b.http.send("GET", kv("ttl", "short"), { accept: ENVELOPE });
  const { siblings } = json<{ siblings: { expires: number; timestamp: number }[] }>(shown);
  expect(siblings[0]?.expires).toBeGreaterThan((siblings[0]?.timestamp ?? 0) + 1_000);
  await until("it is gone", async () => (await c.http.get(kv("ttl", "short"))).status === 404);
  for (const node of [a, b, c]) expect((await node.http.get(`${kv("ttl", "short")}?local=true`)).status).toBe(404);
  expect(await keysOf("ttl")).toEqual(["stays"]);
});

test("a bucket's ttl holds for what says nothing else, and the command line says it too", async () => {
  const { http } = cluster().node(0);
  expect((await http.put("/v1/buckets/brief", JSON.stringify({ ttl: 2 }))).status).toBe(200);
  await http.put(kv("brief", "short"), "v");
  const args = ["put", "brief", "longer", "v", "--ttl", "600", "--url", http.url];
  expect((await kvorum(args)).code).toBe(0);
  expect((await kvorum(["put", "brief", "bad", "v", "--ttl", "0", "--url", http.url])).code).toBe(2);
  await until("the short one is gone", async () => (await keysOf("brief")).length === 1);
  expect(await keysOf("brief")).toEqual(["longer"]);
});
