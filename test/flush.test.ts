/**
 * An acknowledgement waits for the flush (TRAPS 27): strace makes a real node's flushes slow, and the answer is seen to wait for them. Two
 * system calls make a commit durable: fdatasync for its pages, then a write of its root through a descriptor that is synchronous.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Cluster } from "./support/cluster.js";
import { kv, type Http } from "./support/http.js";

const DELAY_MS = 300;
const slowly = (call: string): string[] => [
  "-e",
  `trace=${call}`,
  "-e",
  `inject=${call}:delay_enter=${DELAY_MS * 1000}`,
];
/** strace steps aside (-D): the node stays the test's own child. */
const strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null"];

let cluster: Cluster | undefined;

beforeAll(() => {
  const { status } = spawnSync("strace", ["--version"], { stdio: "ignore" });
  if (status !== 0) throw new Error("strace is needed to delay flushes: apt-get install strace (.ci/run does it)");
});

beforeEach(({ onTestFailed }) => onTestFailed(() => cluster?.show()));
afterEach(() => cluster?.destroy());

/** Milliseconds until the answer, which must be 204. */
async function timeOfPut(http: Http, target: string, value: string): Promise<number> {
  const begun = performance.now();
  const reply = await http.put(target, value);
  expect(reply.status, reply.body.toString()).toBe(204);
  return performance.now() - begun;
}

/** The quickest of a few: what the node takes when nothing else is in its way. */
async function quickestPut(http: Http, target: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) times.push(await timeOfPut(http, target, `quick ${i}`));
  return Math.min(...times);
}

describe("one node, whose every acknowledgement is its own disk's", () => {
  it.each([
    ["fdatasync", slowly("fdatasync")],
    ["the write of the root", slowly("pwrite64")],
  ])("waits for %s, before each answer", async (_, injection) => {
    cluster = await Cluster.start({ count: 1 });
    const node = cluster.node(0);
    // Without the delay it is quicker: it is the delay that is seen below.
    expect(await quickestPut(node.http, kv("flush", "before"))).toBeLessThan(DELAY_MS);
    await node.stop();
    await node.start({ wrapper: [...strace, "-P", join(node.options.data, "lmdb", "data.mdb"), ...injection] });
    for (let i = 0; i < 3; i++) {
      expect(await timeOfPut(node.http, kv("flush", `k${i}`), "v")).toBeGreaterThanOrEqual(DELAY_MS);
    }
    // The node itself is not slow: only what needs the disk waits.
    const begun = performance.now();
    const pending = node.http.put(kv("flush", "pending"), "v");
    expect((await node.http.get("/health/live")).status).toBe(200);
    expect(performance.now() - begun).toBeLessThan(DELAY_MS);
    expect((await pending).status).toBe(204);
    const deleted = performance.now();
    expect((await node.http.delete(kv("flush", "k0"))).status).toBe(204);
    expect(performance.now() - deleted).toBeGreaterThanOrEqual(DELAY_MS);
  });
});

describe("three nodes, one of them with a slow disk", () => {
  it("W counts disks: w=all waits for the slow one, whoever coordinates, and w=quorum does not", async () => {
    cluster = await Cluster.start();
    const [first, second, slow] = [cluster.node(0), cluster.node(1), cluster.node(2)];
    await slow.stop();
    const data = join(slow.options.data, "lmdb", "data.mdb");
    await slow.start({ wrapper: [...strace, "-P", data, ...slowly("fdatasync")] });
    await cluster.settled();
    for (const [i, { http }] of [first, second, slow, first].entries()) {
      expect(await timeOfPut(http, `${kv("flush", `all-${i}`)}?w=all`, "v")).toBeGreaterThanOrEqual(DELAY_MS);
    }
    expect(await quickestPut(first.http, `${kv("flush", "quorum")}?w=quorum`)).toBeLessThan(DELAY_MS);
    // Coordinated by the slow one, two quick disks make the quorum too.
    expect(await quickestPut(first.http, `${kv("flush", "one")}?w=one`)).toBeLessThan(DELAY_MS);
  });
});
