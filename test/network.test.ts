/**
 * The network between real processes breaks, under load: in two, one way, around one node; and one process stands still (SIGSTOP). Every side
 * goes on taking sloppy writes, and when all is healed nothing that was acknowledged is missing from any owner: C1 to C6 of CHECKERS.md, with
 * hints as the only healer, since another one would hide what they lose (TRAPS 32).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { count } from "../packages/core/test/counts.js";
import { Cluster, type ClusterView } from "./support/cluster.js";
import { Net } from "./support/netns.js";
import type { KvorumNode } from "./support/node.js";
import { History } from "./support/operations.js";
import { hintsDrained, judgeOwners, ownersOf } from "./support/owners.js";
import { Traffic } from "./support/traffic.js";
import { until } from "./support/until.js";

const NAMES = ["n1", "n2", "n3", "n4", "n5"];
const FLAGS = ["--no-read-repair", "--no-anti-entropy", "--handoff-interval", "300ms"];
const BUCKET = "traffic";
/** A fault under which less than this was acknowledged, on each side that shall go on, proves nothing. */
const ACKNOWLEDGED_MIN = 60;
const ROUNDS = count(1, 5);
const THINK_MS = count(15, 0);

let net: Net;
let cluster: Cluster;

beforeAll(async () => {
  net = new Net(NAMES);
  cluster = await Cluster.start({ count: NAMES.length, flags: FLAGS, hosts: net.hosts });
});
beforeEach(({ onTestFailed }) => onTestFailed(() => cluster.show()));
afterAll(async () => {
  await cluster.destroy();
  net.destroy();
});

interface Fault {
  readonly name: string;
  readonly begin: () => void;
  readonly end: () => void;
  /** Each of these groups of nodes goes on taking writes by itself. */
  readonly goOn: readonly (readonly string[])[];
  /** Who takes whom for down, before it has bitten: node, other. */
  readonly bites: readonly [string, string];
}

const [a, b] = [
  ["n1", "n2"],
  ["n3", "n4", "n5"],
];

const faults: readonly Fault[] = [
  {
    name: "split in two",
    begin: () => net.cut(a as string[], b as string[], "both"),
    end: () => net.heal(),
    goOn: [a as string[], b as string[]],
    bites: ["n1", "n3"],
  },
  {
    name: "what one side sends does not reach the other",
    begin: () => net.cut(a as string[], b as string[], "one-way"),
    end: () => net.heal(),
    goOn: [b as string[]],
    bites: ["n3", "n1"],
  },
  {
    name: "one node is cut off from all others",
    begin: () => net.cut(["n5"], ["n1", "n2", "n3", "n4"], "both"),
    end: () => net.heal(),
    goOn: [["n1", "n2", "n3", "n4"]],
    bites: ["n1", "n5"],
  },
  {
    name: "one process stands still",
    begin: () => void process.kill(node("n4").pid, "SIGSTOP"),
    end: () => void process.kill(node("n4").pid, "SIGCONT"),
    goOn: [["n1", "n2", "n3", "n5"]],
    bites: ["n1", "n4"],
  },
];

function node(name: string): KvorumNode {
  return cluster.node(NAMES.indexOf(name));
}

async function sees([by, other]: readonly [string, string], accept: (status: string) => boolean): Promise<void> {
  await until(`${by} sees ${other} so`, async () => {
    const { members } = await node(by).http.json<ClusterView>("/v1/cluster");
    return members.some(({ name, status }) => name === other && accept(status));
  });
}

function hasBitten(pair: readonly [string, string]): Promise<void> {
  return sees(pair, (status) => status !== "up");
}

/** The fault stands until each group has acknowledged enough under it. */
async function suffer(fault: Fault, acknowledged: Map<string, number>): Promise<void> {
  fault.begin();
  try {
    await hasBitten(fault.bites);
    acknowledged.clear();
    const enough = (group: readonly string[]): boolean =>
      group.reduce((sum, name) => sum + (acknowledged.get(name) ?? 0), 0) >= ACKNOWLEDGED_MIN;
    await until(`every side goes on taking writes: ${fault.name}`, () => fault.goOn.every(enough));
  } finally {
    fault.end();
  }
  await sees(fault.bites, (status) => status === "up");
}

describe("a network that breaks", () => {
  it("loses no acknowledged write, and keeps every side writing", { timeout: count(180_000, 900_000) }, async () => {
    const history = new History();
    const traffic = new Traffic(history, { name: "net", query: "?timeout=2000", lanesPerNode: 1, thinkMs: THINK_MS });
    const acknowledged = new Map<string, number>();
    traffic.onAcknowledged = (name) => acknowledged.set(name, (acknowledged.get(name) ?? 0) + 1);
    traffic.start(cluster.nodes);
    try {
      for (let round = 0; round < ROUNDS; round++) for (const fault of faults) await suffer(fault, acknowledged);
    } finally {
      traffic.halt();
    }
    await traffic.stop();
    expect(traffic.acknowledged).toBeGreaterThanOrEqual(200);
    await cluster.settled();
    // A coordinator owes an owner its hint only when that one has been silent for two seconds after the answer: no hints now need not be the end.
    await until("every owner holds what was acknowledged", async () => {
      await hintsDrained(cluster.nodes);
      const wrong = await judgeOwners(cluster.nodes, BUCKET, history);
      if (wrong.length === 0) return true;
      throw new Error(wrong.join("; "));
    });
  });

  it("split in two: what both sides wrote to one key stands side by side", async () => {
    const value = (side: string, i: number): string => `${side} wrote k${i}`;
    const keys = Array.from({ length: 20 }, (_, i) => i);
    net.cut(a as string[], b as string[], "both");
    try {
      // Until a node takes those on the other side for down, it may pass a write on to one of them, and hear nothing.
      for (const one of a as string[]) {
        for (const other of b as string[]) {
          await hasBitten([one, other]);
          await hasBitten([other, one]);
        }
      }
      for (const i of keys) {
        expect((await node("n1").http.put(`/v1/kv/sides/k${i}`, value("n1", i))).status).toBe(204);
        expect((await node("n4").http.put(`/v1/kv/sides/k${i}`, value("n4", i))).status).toBe(204);
      }
    } finally {
      net.heal();
    }
    await cluster.settled();
    await hintsDrained(cluster.nodes);
    for (const i of keys) {
      for (const owner of await ownersOf(cluster.nodes, "sides", `k${i}`)) {
        const { siblings } = await owner.http.envelope(`/v1/kv/sides/k${i}?local=true`);
        expect(siblings.map((sibling) => sibling.value).sort()).toEqual([value("n1", i), value("n4", i)]);
      }
    }
  });
});
