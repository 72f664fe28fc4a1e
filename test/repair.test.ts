/** Anti-entropy on real processes (CONTRACT §2, §3): what nobody reads is mended all the same, at the cost of what differs. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { count } from "../packages/core/test/counts.js";
import { useCluster } from "./support/cluster.js";
import { kv } from "./support/http.js";
import { kvorum } from "./support/program.js";
import { until } from "./support/until.js";
import { tagOf, valueOf } from "./support/values.js";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../bench/dist/repair.js", import.meta.url));

interface Figures {
  readonly rows: readonly {
    readonly keys: number;
    readonly missed: number;
    readonly keysRepaired: number;
    readonly bytesSent: number;
    readonly leastBytes: number;
    readonly shareOfData: number;
    readonly secondRunBytes: number;
    readonly replicasEqual: boolean;
    readonly changesHeld: number;
  }[];
  readonly wiped?: {
    readonly replicasEqual: boolean;
    readonly keysPerSecond: number;
    readonly during: { readonly errors: number };
  };
}

test("exactly what a node missed is mended, and the cost follows that and not the number of keys", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kvorum-repair-test-"));
  try {
    const out = join(folder, "figures.json");
    const sizes = count(1, 0) ? [400, 3_000] : [1_000, 10_000, 100_000];
    const misses = count(1, 0) ? [10, 100] : [0, 10, 100];
    const steps = ["--keys", sizes.join(","), "--missed", misses.join(",")];
    const flags = [...steps, "--seconds", String(count(0.5, 10)), "--out", out];
    const { stdout } = await run(process.execPath, [program, ...flags], { maxBuffer: 1e7 });
    console.log(stdout);
    const { rows, wiped } = JSON.parse(await readFile(out, "utf8")) as Figures;
    expect(rows.length).toBe(sizes.length * misses.length);
    for (const row of rows) {
      expect(row).toMatchObject({ keysRepaired: row.missed, changesHeld: row.missed, replicasEqual: true });
      expect(row.secondRunBytes).toBeLessThan(16 * 1024);
      // What finds a key: the nodes on its way down, the list of its leaf, a second look; and its old state, where the side that is behind began.
      expect(row.bytesSent).toBeLessThan(row.leastBytes + 4_096 + 2_560 * row.missed);
      if (row.keys >= 100_000 && row.missed === 100) expect(row.shareOfData).toBeLessThan(0.01);
    }
    const costOf = (keys: number, missed: number): number =>
      rows.find((row) => row.keys === keys && row.missed === missed)?.bytesSent ?? Number.NaN;
    const [fewest, most] = [Math.min(...sizes), Math.max(...sizes)];
    // Ten or a hundred times the keys, and old states that may cross in one run and not in the other.
    expect(costOf(most, 100)).toBeLessThan(3 * costOf(fewest, 100));
    expect(costOf(most, 100)).toBeGreaterThan(3 * costOf(most, 10));
    expect(wiped).toMatchObject({ replicasEqual: true });
    expect(wiped?.during.errors).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const KEYS = 60;

const flags = ["--no-hints", "--no-read-repair", "--anti-entropy-interval", "1s"];
const cluster = useCluster({ flags });

test("a node that was away is brought up to date by itself, without a request to the keys", async () => {
  const [n1, n2, n3] = [cluster().node(0), cluster().node(1), cluster().node(2)];
  await n3.kill();
  for (let i = 0; i < KEYS; i++) {
    const reply = await n1.http.put(`${kv("b", `k${i}`)}?w=2&sloppy=false`, valueOf(`v${i}`));
    expect(reply.status).toBe(204);
  }
  await n3.start();
  await until("n3 holds what it missed", async () => {
    const digests = await Promise.all([n1, n2, n3].map((node) => node.http.json("/v1/digests")));
    return digests.every((each) => JSON.stringify(each) === JSON.stringify(digests[0]));
  });
  for (let i = 0; i < KEYS; i++) {
    const reply = await n3.http.get(`${kv("b", `k${i}`)}?local=true`);
    expect(tagOf(reply.body)).toBe(`v${i}`);
  }
  const metrics = (await n3.http.get("/metrics")).body.toString();
  expect(/^kvorum_antientropy_keys_repaired_total (\d+)$/m.exec(metrics)?.[1]).toBe(String(KEYS));
  expect(Number(/^kvorum_antientropy_bytes_sent_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
});

test("kvorum repair --wait ends when all members are done, and says what it did", async () => {
  const url = cluster().node(1).http.url;
  const { code, stdout } = await kvorum(["repair", "--wait", "--json", "--url", url]);
  expect(code).toBe(0);
  const view = JSON.parse(stdout.toString()) as {
    running: boolean;
    finishedAt: number;
    members: { node: string; reached: boolean }[];
  };
  expect(view).toMatchObject({ running: false, finishedAt: expect.any(Number) });
  expect(view.members.map(({ node, reached }) => [node, reached])).toEqual([
    ["n1", true],
    ["n2", true],
    ["n3", true],
  ]);
  const begun = await kvorum(["repair", "--url", url]);
  expect(begun.stdout.toString()).toMatch(/^begun on 3 members; /);
});
