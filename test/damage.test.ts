/** Flipped bits in a node's data files: never a wrong value, and all of it is healed from the other owners, read or unread (TRAPS 28). */
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { count } from "../packages/core/test/counts.js";
import { useCluster } from "./support/cluster.js";
import { kv, type Http } from "./support/http.js";
import { inTurns } from "./support/in-turns.js";
import { until } from "./support/until.js";
import { tagOf, valueOf } from "./support/values.js";

const KEYS = count(500, 10_000);
const BITS = count(400, 1_000);
const VALUE_BYTES = 1_024;
const EDGE_BYTES = 16 * 1_024;
const WIDTH = 16;
/** Read repair and anti-entropy are off: what is healed was healed as damage. */
const cluster = useCluster({ flags: ["--no-read-repair", "--no-anti-entropy"] });

const keys = Array.from({ length: KEYS }, (_, i) => `damage-${i}`);
const path = (key: string): string => kv("b", key);

test(`${BITS} flipped bits spread over a node's data are never served, and all are healed`, async () => {
  const [n1, n2] = [cluster().node(0), cluster().node(1)];
  await inTurns(keys, WIDTH, async (key) => {
    const reply = await n1.http.put(`${path(key)}?w=all`, valueOf(key, VALUE_BYTES));
    expect(reply.status).toBe(204);
  });
  expect(await n2.stop()).toBe(0);
  const flipped = await flipBits(n2.options.data);
  expect(flipped).toBe(BITS);
  await n2.start();
  await cluster().settled();
  // While it heals: the right bytes, or no answer at all.
  let refused = 0;
  await inTurns(keys, WIDTH, async (key) => {
    const reply = await n2.http.get(`${path(key)}?local=true`);
    if (reply.status === 200) expect(tagOf(reply.body)).toBe(key);
    else refused++;
    if (reply.status !== 200) expect(reply.status).toBe(503);
    const quorum = await n2.http.get(path(key));
    expect([quorum.status, tagOf(quorum.body)]).toEqual([200, key]);
  });
  const damaged = await until("all damage is healed or reported", async () => {
    const seen = await numberOf(n2.http, "kvorum_damaged_records_total");
    const healed = await numberOf(n2.http, "kvorum_healed_records_total");
    const lost = await numberOf(n2.http, "kvorum_lost_records_total");
    return seen > 0 && healed + lost >= seen && { seen, healed, lost };
  });
  console.log(
    `${BITS} bits: ${damaged.seen} damaged records, ${damaged.healed} healed, ${refused} reads refused meanwhile`,
  );
  expect(damaged.lost).toBe(0);
  // Some bits fell into one record, some beside all.
  expect(damaged.seen).toBeGreaterThan(BITS / 2);
  await inTurns(keys, WIDTH, async (key) => {
    const reply = await n2.http.get(`${path(key)}?local=true`);
    expect([reply.status, tagOf(reply.body)]).toEqual([200, key]);
  });
  const digests = await Promise.all(cluster().nodes.map((node) => node.http.json("/v1/digests")));
  expect(digests[1]).toEqual(digests[0]);
  expect(digests[1]).toEqual(digests[2]);
});

/**
 * Flips so many bits, spread evenly over the segments, headers of records and all. Gives the number of flips. Left out is what a node writes at
 * its founding and at its stop: whose the folder is. A node that can't tell that does not start (data-folder.test.ts).
 */
async function flipBits(folder: string): Promise<number> {
  const log = join(folder, "log");
  const segments = (await readdir(log)).filter((name) => name.endsWith(".log"));
  const sizes = await Promise.all(segments.map(async (name) => (await stat(join(log, name))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0) - 2 * EDGE_BYTES;
  expect(total).toBeGreaterThan(KEYS * VALUE_BYTES);
  for (let i = 0; i < BITS; i++) {
    let at = EDGE_BYTES + Math.floor((i * total) / BITS);
    let segment = 0;
    while (at >= (sizes[segment] as number)) at -= sizes[segment++] as number;
    const handle = await open(join(log, segments[segment] as string), "r+");
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    byte[0] = (byte[0] as number) ^ (1 << (i % 8));
    await handle.write(byte, 0, 1, at);
    await handle.close();
  }
  return BITS;
}

async function numberOf(http: Http, metric: string): Promise<number> {
  const text = (await http.get("/metrics")).body.toString();
  return Number(new RegExp(`^${metric} (\\d+)$`, "m").exec(text)?.[1]);
}
