/**
 * `kill -9` at any moment loses no acknowledged write (CONTRACT §2), of any one node and of all at once: C1, C5, C6 and C8 of CHECKERS.md
 * on real processes. That a machine may lose its power is not shown here: the page cache outlives the process (TRAPS 31, flush.test.ts).
 */
import { describe, expect, it, onTestFinished } from "vitest";
import { count } from "../packages/core/test/counts.js";
import { useCluster, type Cluster } from "./support/cluster.js";
import { expectProblem } from "./support/expect-problem.js";
import { kv } from "./support/http.js";
import { inTurns } from "./support/in-turns.js";
import type { KvorumNode } from "./support/node.js";
import { History } from "./support/operations.js";
import { read, Traffic } from "./support/traffic.js";
import { until } from "./support/until.js";

/** A run with fewer acknowledged writes before a kill is void: it proves nothing. */
const ACKNOWLEDGED_MIN = count(80, 200);
const READS_MIN = count(30, 60);
const AT_ONCE = 32;
const THINK_MS = count(8, 0);

// Nobody heals: what a node has after its return is what it had.
const cluster = useCluster({ flags: ["--no-read-repair", "--no-anti-entropy", "--no-hints"] });
/** Reads repair again. */
const HEALING = ["--gossip-interval", "200ms"];

/** Calls `act` at the very moment of the acknowledgement that is the last of `more`, and resolves then. */
function atAcknowledgement(
  traffic: Traffic,
  more: number,
  act: () => void,
  isCounted: (node: string) => boolean = () => true,
): Promise<void> {
  return new Promise((resolve) => {
    let left = more;
    traffic.onAcknowledged = (node) => {
      if (!isCounted(node) || --left > 0) return;
      traffic.onAcknowledged = undefined;
      act();
      resolve();
    };
  });
}

/** Waits for `more` writes that are acknowledged through a node that is counted. */
function acknowledged(traffic: Traffic, more: number, isCounted: (node: string) => boolean): Promise<void> {
  return atAcknowledgement(traffic, more, () => undefined, isCounted);
}

/** What each owner holds of each key, read one by one before anything could mend it. With three nodes and N = 3 each node owns each key. */
async function holdingsOf(nodes: readonly KvorumNode[], keys: readonly string[]): Promise<Map<string, string[][]>> {
  const holdings = new Map<string, string[][]>();
  await inTurns(keys, AT_ONCE, async (key) => {
    holdings.set(key, await Promise.all(nodes.map((node) => read(node, key, "?local=true"))));
  });
  return holdings;
}

/** C1, C5 and C6 of each key: the owners' union, before any read could repair it, then a quorum through every node. Last C8, of all reads. */
async function judge({ nodes }: Cluster, history: History, keys: readonly string[]): Promise<void> {
  const wrong: string[] = [];
  for (const [key, found] of await holdingsOf(nodes, keys)) {
    wrong.push(...history.lost(key, found.flat()), ...history.phantoms(key, found.flat()));
  }
  expect(wrong, "in the union of the owners").toEqual([]);
  await inTurns(keys, AT_ONCE, async (key) => {
    for (const node of nodes) {
      const tags = await read(node, key, "");
      wrong.push(...history.lost(key, tags), ...history.phantoms(key, tags));
    }
  });
  expect(wrong, "through a quorum").toEqual([]);
  expect(history.stale(), "by clients under load").toEqual([]);
}

/** C2, C3, C4 and C7: once reads have repaired them the owners agree, each by itself has all, and nothing that was replaced is back. */
async function judgeHealed({ nodes }: Cluster, history: History): Promise<void> {
  await inTurns(history.keys, AT_ONCE, async (key) => {
    const found = await until(`the owners of ${key} agree`, async () => {
      const [first = [], ...others] = await Promise.all(nodes.map((node) => read(node, key, "?local=true")));
      const sorted = first.toSorted().join();
      return others.every((other) => other.toSorted().join() === sorted) ? first : undefined;
    });
    expect([...history.lost(key, found), ...history.returned(key, found)]).toEqual([]);
  });
}

describe("kill -9 of any one node", () => {
  it.each([0, 1, 2])("node %i: reads and writes at quorum go on, and it returns with all it had", async (index) => {
    const { nodes } = cluster();
    const victim = cluster().node(index);
    const isSurvivor = (name: string): boolean => name !== victim.name;
    const history = new History();
    const quorum = new Traffic(history, {
      name: `quorum-${index}`,
      query: "?r=quorum&w=quorum",
      lanesPerNode: 2,
      thinkMs: THINK_MS,
    });
    // What this is told is done was on the victim's disk too.
    const all = new Traffic(history, { name: `all-${index}`, query: "?w=all", lanesPerNode: 3, thinkMs: THINK_MS });
    onTestFinished(() => [quorum, all].forEach((traffic) => traffic.halt()));
    let killed: Promise<unknown> = Promise.resolve();
    const dies = atAcknowledgement(all, ACKNOWLEDGED_MIN, () => {
      killed = victim.kill();
      all.halt();
    });
    quorum.start(nodes);
    all.start(nodes);
    await dies;
    await Promise.all([killed, all.stop()]);
    expect(victim.isRunning).toBe(false);
    quorum.beginGaps();
    const readsBefore = quorum.readsThrough(isSurvivor);
    await acknowledged(quorum, ACKNOWLEDGED_MIN, isSurvivor);
    await until("reads go on", () => quorum.readsThrough(isSurvivor) >= readsBefore + READS_MIN);
    const gapMs = quorum.longestGapMs;

    await victim.start({ seeds: [] });
    const held = await holdingsOf([victim], [...all.keys]);
    // Its own clients go on with it, under load.
    await acknowledged(quorum, 20, (name) => name === victim.name);
    await quorum.stop();
    expect(all.acknowledged).toBeGreaterThanOrEqual(ACKNOWLEDGED_MIN);
    expect([...held].flatMap(([key, [found = []]]) => history.lost(key, found))).toEqual([]);
    // Not one request through the nodes that stayed went wrong, from before the kill until after the return.
    expect(quorum.failures.filter(({ node }) => isSurvivor(node))).toEqual([]);
    await cluster().settled();
    await judge(cluster(), history, history.keys);
    console.log(
      `${victim.name} killed: ${all.acknowledged} writes were on all, ${quorum.acknowledged} on a quorum; ` +
        `longest time without an acknowledgement ${Math.round(gapMs)} ms`,
    );
  });
});

describe("kill -9 of all three at once, under write load", () => {
  const rounds = count(2, 20);

  it(
    `${rounds} times: no acknowledged write is missing, none is invented, every value is whole`,
    async () => {
      const { nodes } = cluster();
      const history = new History();
      const traffic = new Traffic(history, { name: "all", query: "", lanesPerNode: 4 });
      onTestFinished(() => traffic.halt());
      for (let round = 0; round < rounds; round++) {
        const before = traffic.acknowledged;
        let killed: Promise<unknown> = Promise.resolve();
        // At the moment of an acknowledgement, another each time.
        const die = atAcknowledgement(traffic, ACKNOWLEDGED_MIN + 37 * round, () => {
          killed = Promise.all(nodes.map((node) => node.kill()));
        });
        traffic.start(nodes);
        await die;
        await Promise.all([killed, traffic.stop()]);
        expect(traffic.acknowledged - before).toBeGreaterThanOrEqual(ACKNOWLEDGED_MIN);
        await Promise.all(nodes.map((node) => node.start({ seeds: [], flags: HEALING })));
        await cluster().settled();
        // The keys that were under way are written on in the next round: a dot that was forgotten would be minted again.
        await judge(cluster(), history, [...traffic.keys]);
      }
      await judge(cluster(), history, history.keys);
      await judgeHealed(cluster(), history);
      const { keys } = history;
      const once = history.writtenOnce().length;
      console.log(
        `all killed ${rounds} times: ${history.count("done")} writes acknowledged, ${history.count("unknown")} unknown, ` +
          `${keys.length} keys, ${once} of them written once`,
      );
      expect(once).toBeGreaterThanOrEqual(keys.length / 2);
    },
    count(300_000, 1_800_000),
  );
});

describe("kill -9 of two nodes of three", () => {
  it("quorums are not met and say so, smaller ones are served, and all is well when they are back", async () => {
    const alone = cluster().node(0).http;
    const target = kv("two", "k");
    const inShort = `${target}?timeout=1500`;
    expect((await alone.put(`${target}?w=all`, "before")).status).toBe(204);
    const away = [cluster().node(1), cluster().node(2)];
    await Promise.all(away.map((node) => node.kill()));
    const reading = expectProblem(await alone.get(inShort), 503, "quorum-not-met");
    const writing = expectProblem(await alone.put(inShort, "x"), 503, "quorum-not-met", "unknown");
    for (const { needed, received } of [reading, writing]) {
      expect(needed).toBe(2);
      // Two that are gone are enough to know: it need not wait for its own disk to say so.
      expect([0, 1]).toContain(received);
    }
    expectProblem(await alone.delete(inShort), 503, "quorum-not-met", "none");
    expectProblem(await alone.get(`${kv("two", "never")}?timeout=1500`), 503, "quorum-not-met");
    expectProblem(await alone.get("/v1/kv/two?timeout=1500"), 503, "quorum-not-met");
    expect((await alone.put(`${kv("two", "one")}?w=one`, "x")).status).toBe(204);
    expect((await alone.get(`${kv("two", "one")}?r=1`)).body.toString()).toBe("x");
    expect((await alone.get(`${target}?r=one`)).status).toBeLessThan(400);
    expect((await alone.get(`${target}?local=true`)).status).toBeLessThan(400);
    expect((await alone.get("/health/live")).status).toBe(200);

    await Promise.all(away.map((node) => node.start()));
    await cluster().settled();
    const back = cluster().node(1).http;
    // The put that was unknown may stand beside what it did not see, and both are right.
    const { siblings } = await back.envelope(target);
    expect(siblings.map(({ value }) => value)).toContain("before");
    // It went to one node alone, so only all of them together must know it.
    expect((await back.get(`${kv("two", "one")}?r=all`)).body.toString()).toBe("x");
  });
});
