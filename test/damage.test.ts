/** Flipped bits in a node's data files: never a wrong value, and all of it is healed from the other owners, read or unread (TRAPS 28). */
import { open, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { useCluster } from "./support/cluster.js";
import { kv, type Http } from "./support/http.js";
import { inTurns } from "./support/in-turns.js";
import { until } from "./support/until.js";
import { tagOf, valueOf } from "./support/values.js";

const isLong = process.env["KVORUM_TEST_LONG"] !== undefined;
const KEYS = isLong ? 4_000 : 1_500;
const BITS = 1_000;
const VALUE_BYTES = 1_024;
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
  // Some bits fell into one record.
  expect(damaged.seen).toBeGreaterThan(Math.min(KEYS, BITS) / 3);
  await inTurns(keys, WIDTH, async (key) => {
    const reply = await n2.http.get(`${path(key)}?local=true`);
    expect([reply.status, tagOf(reply.body)]).toEqual([200, key]);
  });
  const digests = await Promise.all(cluster().nodes.map((node) => node.http.json("/v1/digests")));
  expect(digests[1]).toEqual(digests[0]);
  expect(digests[1]).toEqual(digests[2]);
});

/**
 * Flips so many bits, each in the bytes of a value, spread over all of them: what lies between values is the engine's own, and its tests
 * damage that. Gives the number of flips.
 */
async function flipBits(folder: string): Promise<number> {
  const places: { readonly file: string; readonly at: number }[] = [];
  for (const file of await filesIn(folder)) places.push(...valuesIn(await readFile(file)).map((at) => ({ file, at })));
  expect(places.length).toBeGreaterThanOrEqual(KEYS);
  for (let i = 0; i < BITS; i++) {
    const { file, at } = places[Math.floor((i * places.length) / BITS)] as (typeof places)[number];
    const handle = await open(file, "r+");
    const offset = at + ((i * 97) % VALUE_BYTES);
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, offset);
    byte[0] = (byte[0] as number) ^ (1 << (i % 8));
    await handle.write(byte, 0, 1, offset);
    await handle.close();
  }
  return BITS;
}

/** Where whole values begin: what an engine has let go and written over in part is not for this test to touch. */
function valuesIn(bytes: Buffer): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf("damage-"); at >= 0; at = bytes.indexOf("damage-", at + 1)) {
    const key = bytes.toString("latin1", at, bytes.indexOf("|", at));
    if (key.length < 16 && bytes.subarray(at, at + VALUE_BYTES).equals(valueOf(key, VALUE_BYTES))) found.push(at);
  }
  return found;
}

async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const file = join(folder, name);
    const { size } = await stat(file);
    if ((await stat(file)).isFile() && size > VALUE_BYTES) found.push(file);
  }
  return found;
}

async function numberOf(http: Http, metric: string): Promise<number> {
  const text = (await http.get("/metrics")).body.toString();
  return Number(new RegExp(`^${metric} (\\d+)$`, "m").exec(text)?.[1]);
}
