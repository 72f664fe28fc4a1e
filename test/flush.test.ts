/**
 * An acknowledgement waits for the flush (CONTRACT §4, TRAPS 27): strace delays the calls by which real nodes make a commit durable, and
 * the answers are seen to wait for them; without the delay, and where enough other disks are quick, they are quick.
 */
import { spawnSync } from "node:child_process";
import { constants } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { useCluster } from "./support/cluster.js";
import { kv } from "./support/http.js";
import type { KvorumNode } from "./support/node.js";
import { until } from "./support/until.js";

const DELAY_MS = 400;
/** For the quickest of several, since the machine may be busy; far from the delay. */
const QUICK_MS = DELAY_MS / 2;
const TRIES = 5;

/** The log flushes each group of writes with this. LMDB writes pages, flushes them with this, then writes the root that names them through a descriptor opened with O_DSYNC. */
const FLUSH = ["fdatasync"];
const FLUSH_AND_WRITES = ["fdatasync", "pwrite64"];

beforeAll(() => {
  if (spawnSync("strace", ["-V"]).error === undefined) return;
  throw new Error("strace is needed and missing: install it with `apt-get install strace` (.ci/run does)");
});

const LMDB = ["--engine", "lmdb"];

/** From now on the node runs under strace, which delays the end of `calls` (LMDB's: on its file) and writes them down. */
async function trace(node: KvorumNode, calls: readonly string[], delayMs: number): Promise<void> {
  const names = calls.join(",");
  const isLmdb = node.options.flags?.includes("lmdb") === true;
  const file = isLmdb ? ["-P", join(node.options.data, "lmdb", "data.mdb")] : [];
  // The process that was started is the node (-D), not strace.
  const strace = ["strace", "-D", "--seccomp-bpf", "-f", "-qq", "-o", logOf(node), ...file, "-e", `trace=${names}`];
  const delay = delayMs === 0 ? [] : ["-e", `inject=${names}:delay_exit=${delayMs * 1000}`];
  await node.stop();
  await node.start({ wrapper: [...strace, ...delay] });
}

function logOf({ options }: KvorumNode): string {
  return `${options.data}.strace`;
}

/** The calls that have ended, in their order. */
async function callsOf(node: KvorumNode): Promise<string[]> {
  const log = await readFile(logOf(node), "utf8");
  return [...log.matchAll(/\b(fdatasync|pwrite64)(?:\(| resumed>).* = \d/g)].map(([, name]) => name as string);
}

/** Whether what was last written went through a descriptor whose writes are flushed before they return. */
async function wasSynchronous(node: KvorumNode): Promise<boolean> {
  const descriptor = [...(await readFile(logOf(node), "utf8")).matchAll(/\bpwrite64\((\d+),/g)].at(-1)?.[1];
  const info = await readFile(`/proc/${node.pid}/fdinfo/${descriptor}`, "utf8");
  const flags = Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? "", 8);
  return (flags & constants.O_DSYNC) !== 0;
}

let puts = 0;

/** How long the acknowledgements of some new keys took, in ms, one after the other. */
async function timesOf({ http }: KvorumNode, query = "", tries = TRIES): Promise<number[]> {
  const times: number[] = [];
  while (times.length < tries) {
    const begunMs = performance.now();
    const { status, body } = await http.put(kv("flush", `k${++puts}`) + query, "value");
    times.push(performance.now() - begunMs);
    expect(status, body.toString()).toBe(204);
  }
  return times;
}

async function quickestOf(node: KvorumNode, query = ""): Promise<number> {
  return Math.min(...(await timesOf(node, query)));
}

async function shortestWaitOf(node: KvorumNode, query = ""): Promise<number> {
  return Math.min(...(await timesOf(node, query, 2)));
}

describe.each([
  ["the log", "log", []],
  ["LMDB", "lmdb", LMDB],
])("a node alone, on %s", (_, engine, flags) => {
  const cluster = useCluster({ count: 1, prefix: engine, flags });

  it("acknowledges quickly, and only after the flush when that is slow", async () => {
    const node = cluster().node(0);
    await trace(node, FLUSH, 0);
    expect(await quickestOf(node)).toBeLessThan(QUICK_MS);
    await trace(node, FLUSH, DELAY_MS);
    const before = (await callsOf(node)).length;
    for (const time of await timesOf(node)) expect(time).toBeGreaterThanOrEqual(DELAY_MS);
    // The delay did bite: each put, which came after the answer to the one before, had a flush of its own.
    expect((await callsOf(node)).length - before).toBeGreaterThanOrEqual(TRIES);
  });

  it("answers a DELETE no sooner than a PUT, and what needs no disk at once", async () => {
    const node = cluster().node(0);
    const begunMs = performance.now();
    const pending = node.http.delete(kv("flush", `k${puts - 1}`));
    expect((await node.http.get(kv("flush", `k${puts}`))).body.toString()).toBe("value");
    expect(performance.now() - begunMs).toBeLessThan(DELAY_MS);
    expect((await pending).status).toBe(204);
    expect(performance.now() - begunMs).toBeGreaterThanOrEqual(DELAY_MS);
  });
});

describe("a node alone, on LMDB", () => {
  const cluster = useCluster({ count: 1, prefix: "root", flags: LMDB });

  it("waits for every call of the commit, the last of which writes the root", async () => {
    const delayMs = 150;
    const node = cluster().node(0);
    await trace(node, FLUSH_AND_WRITES, delayMs);
    await timesOf(node, "", 1);
    for (let i = 0; i < TRIES; i++) {
      const before = (await callsOf(node)).length;
      const [time = 0] = await timesOf(node, "", 1);
      // Had the answer not waited for it, the root would be written after it.
      const commit = await until("the root is written", async () => {
        const calls = (await callsOf(node)).slice(before);
        return calls.slice(-2).join() === "fdatasync,pwrite64" && calls;
      });
      expect(time).toBeGreaterThanOrEqual(commit.length * delayMs);
      expect(await wasSynchronous(node)).toBe(true);
    }
  });
});

describe("three nodes", () => {
  const cluster = useCluster();

  it("one slow disk: w=all waits for it through every node, a quorum through none", async () => {
    const { nodes } = cluster();
    for (const node of nodes) expect(await quickestOf(node, "?w=all")).toBeLessThan(QUICK_MS);
    await trace(cluster().node(1), FLUSH, DELAY_MS);
    await cluster().settled();
    for (const node of nodes) {
      expect(await shortestWaitOf(node, "?w=all"), `w=all through ${node.name}`).toBeGreaterThanOrEqual(DELAY_MS);
      expect(await quickestOf(node), `a quorum through ${node.name}`).toBeLessThan(QUICK_MS);
    }
  });

  it("two slow disks: a quorum waits for one of them through every node, w=one does not", async () => {
    const { nodes } = cluster();
    await trace(cluster().node(2), FLUSH, DELAY_MS);
    await cluster().settled();
    for (const node of nodes) {
      expect(await shortestWaitOf(node), `a quorum through ${node.name}`).toBeGreaterThanOrEqual(DELAY_MS);
      expect(await quickestOf(node, "?w=one"), `w=one through ${node.name}`).toBeLessThan(QUICK_MS);
    }
  });
});
