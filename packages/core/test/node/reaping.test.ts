/** Deletes by proof (DESIGN §4; TRAPS 16, 17): a tombstone goes when nothing older can come back, and never before. */
import { describe, expect, it } from "vitest";
import { ok } from "../../src/base/failure.js";
import type { NodeSettings } from "../../src/node/settings.js";
import { decodeRecord } from "../../src/replication/record.js";
import { testPrimitives } from "../primitives.js";
import { TestCluster } from "./cluster.js";

const quick: Partial<NodeSettings> = { reapIntervalMs: 200, messageLifeMs: 500 };
const names = ["n1", "n2", "n3"];

/** What lies on the member's disk under the key: undefined for nothing. */
function onDisk(cluster: TestCluster, name: string, key: string): { readonly reaped: boolean } | undefined {
  const { storage } = cluster.member(name);
  const place = cluster.place(key);
  let found: { readonly reaped: boolean } | undefined;
  storage.get(place, (outcome) => {
    const record = outcome.kind === "found" ? decodeRecord(testPrimitives, place.hash, outcome.value) : undefined;
    if (outcome.kind === "damaged") throw new Error("damaged");
    found = record && { reaped: record.reaped === true };
  });
  return found;
}

const isGone = (cluster: TestCluster, key: string, of = names): boolean =>
  of.every((name) => onDisk(cluster, name, key) === undefined);

function untilGone(cluster: TestCluster, key: string): void {
  cluster.timeline.until(() => isGone(cluster, key), 60_000, `${key} is reaped`, 10);
}

function deleted(settings: Partial<NodeSettings> = quick, key = "k"): TestCluster {
  const cluster = TestCluster.of(3, 1, settings);
  cluster.put("n1", key, "v", { w: "all" });
  cluster.put("n2", key, undefined, { w: "all" });
  return cluster;
}

const why = (cluster: TestCluster): string => {
  const reasons = names.map((name) => cluster.node(name).cluster().tombstones.oldest?.why ?? "");
  return reasons.filter((reason) => reason !== "").join("; ");
};

describe("a tombstone", () => {
  it("goes from every replica once all hold it and nothing older is under way", () => {
    const cluster = deleted();
    expect(isGone(cluster, "k")).toBe(false);
    untilGone(cluster, "k");
    expect(cluster.values("n1", "k")).toEqual([]);
    for (const name of names) expect(cluster.node(name).stats().tombstones).toBe(0);
    cluster.timeline.run(1_000);
    // Nothing is left behind in the report of why others wait.
    cluster.kill("n3");
    cluster.put("n1", "other", undefined);
    for (const name of ["n1", "n2"]) expect(cluster.node(name).stats().oldestTombstoneMs).toBe(0);
    cluster.restart("n3");
    cluster.settle();
    expect(["n1", "n2"].map((name) => cluster.node(name).stats().tombstonesReaped)).toEqual([1, 1]);
  });

  it("stays while a replica is away, though it is no member's fault, and status says why", () => {
    const cluster = deleted();
    cluster.kill("n3");
    cluster.timeline.run(120_000);
    expect(onDisk(cluster, "n1", "k")).toEqual({ reaped: false });
    expect(onDisk(cluster, "n2", "k")).toEqual({ reaped: false });
    expect(["n1", "n2"].some((name) => cluster.node(name).cluster().tombstones.oldest?.why.includes("n3"))).toBe(true);
    cluster.restart("n3");
    cluster.settle();
    untilGone(cluster, "k");
  });

  it("waits for the replica that still has the value: what returns finds its tombstone", () => {
    const cluster = TestCluster.of(3, 1, { ...quick, readRepair: false, hints: false, antiEntropy: false });
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.kill("n3");
    cluster.put("n1", "k", undefined);
    cluster.restart("n3");
    cluster.settle();
    cluster.timeline.run(60_000);
    expect(onDisk(cluster, "n1", "k")).toEqual({ reaped: false });
    expect(why(cluster)).toContain("holds another state");
    expect(cluster.values("n3", "k", { r: "all" })).toEqual([]);
  });

  it("goes when only some have it and the others nothing: the delete of what they never saw", () => {
    const cluster = TestCluster.of(3, 1, { ...quick, readRepair: false, hints: false, antiEntropy: false });
    cluster.kill("n3");
    cluster.put("n1", "k", "v");
    cluster.put("n1", "k", undefined);
    cluster.restart("n3");
    cluster.settle();
    untilGone(cluster, "k");
  });

  it("waits as long as a client may retry a write of it, else the retry would write again what was deleted", () => {
    const cluster = TestCluster.of(3, 1, quick);
    const operation = cluster.node("n1").operationOf("once", cluster.putCommand("k", "v"), 1);
    cluster.put("n1", "k", "v", { w: "all", operation });
    cluster.put("n2", "k", undefined, { w: "all" });
    cluster.timeline.run(9 * 60_000);
    expect(isGone(cluster, "k")).toBe(false);
    expect(why(cluster)).toContain("retry");
    const again = cluster.put("n1", "k", "v", { operation: { ...operation, maybeRetry: true } });
    expect(again.ok).toBe(true);
    expect(cluster.values("n1", "k")).toEqual([]);
    cluster.timeline.run(2 * 60_000);
    expect(isGone(cluster, "k")).toBe(true);
  });

  it("that a write replaces meanwhile is not removed", () => {
    const cluster = deleted();
    const { node } = cluster.member("n1");
    let written = false;
    cluster.timeline.until(
      () => {
        if (!written && names.some((name) => onDisk(cluster, name, "k")?.reaped === true)) {
          cluster.begin("n2", "k", "again", () => {});
          written = true;
        }
        return written;
      },
      60_000,
      "a mark",
    );
    cluster.timeline.run(30_000);
    expect(node).toBeDefined();
    for (const name of names) expect(cluster.values(name, "k")).toEqual(["again"]);
  });

  it("leaves nothing that a recreated key could meet: its dots are new", () => {
    const cluster = deleted();
    const before = cluster.contextOf("n1", "k");
    untilGone(cluster, "k");
    for (const name of names) {
      cluster.put(name, "k", `by ${name}`, { context: before, w: "all" });
      expect(cluster.values("n1", "k")).toContain(`by ${name}`);
    }
  });

  it("goes also where there is one member, and where the owners are fewer than N", () => {
    const cluster = TestCluster.of(1, 1, quick);
    cluster.put("n1", "k", "v");
    cluster.put("n1", "k", undefined);
    cluster.timeline.until(() => isGone(cluster, "k", ["n1"]), 60_000, "k is reaped", 10);
  });

  it("and an expired value go alike, a while after the end", () => {
    const cluster = TestCluster.of(3, 1, quick);
    cluster.put("n1", "k", "v", { w: "all", ttlSeconds: 5 });
    cluster.put("n1", "stays", "v", { w: "all" });
    cluster.timeline.run(60_000);
    expect(isGone(cluster, "k")).toBe(false);
    cluster.timeline.run(20_000);
    expect(isGone(cluster, "k")).toBe(true);
    expect(cluster.values("n2", "stays")).toEqual(["v"]);
  });
});

describe("what is marked", () => {
  /** Runs until the first mark, then cuts the owners apart. */
  function markedAndCut(): { readonly cluster: TestCluster; readonly marked: readonly string[] } {
    const cluster = deleted();
    cluster.timeline.until(
      () => names.every((name) => onDisk(cluster, name, "k")?.reaped !== false),
      60_000,
      "all have marked it",
    );
    for (const [a, b] of [
      ["n1", "n2"],
      ["n1", "n3"],
      ["n2", "n3"],
    ] as const)
      cluster.cut(a, b);
    return { cluster, marked: names.filter((name) => onDisk(cluster, name, "k")?.reaped === true) };
  }

  it("survives a restart, and goes then", () => {
    const { cluster, marked } = markedAndCut();
    expect(marked.length).toBeGreaterThan(0);
    for (const name of names) cluster.kill(name);
    for (const name of names) cluster.restart(name);
    for (const [a, b] of [
      ["n1", "n2"],
      ["n1", "n3"],
      ["n2", "n3"],
    ] as const)
      cluster.heal(a, b);
    cluster.settle();
    untilGone(cluster, "k");
  });

  it("counts as absent: one who still offers it is told that all is well", () => {
    const { cluster, marked } = markedAndCut();
    const [name = ""] = marked;
    expect(cluster.get(name, "k", { local: true })).toMatchObject(ok({ body: new Uint8Array() }));
    const place = cluster.place("k");
    cluster.member(name).storage.get(place, (outcome) => {
      if (outcome.kind !== "found") throw new Error(outcome.kind);
      const { body } = decodeRecord(testPrimitives, place.hash, outcome.value) ?? { body: new Uint8Array() };
      const { node } = cluster.member(name);
      const before = onDisk(cluster, name, "k");
      const { epoch = 0, phase = 3 } = node?.placement(place.partition) ?? {};
      const owners = { epoch, phase };
      const link = { hello: { kind: "hello", role: "member", name: "n9", instance: 9 }, reply: () => {} } as const;
      const message = { kind: "store", id: place.key, body: body.slice(), whole: false, ...owners } as const;
      node?.receive({ requestId: 1, deadlineMs: 100, message }, link);
      expect(onDisk(cluster, name, "k")).toEqual(before);
    });
  });
});

describe("messages of before", () => {
  it("hold the reaping until they have arrived or can't any more", () => {
    const cluster = TestCluster.of(3, 1, { reapIntervalMs: 200, messageLifeMs: 20_000 });
    cluster.put("n1", "k", "v", { w: "all" });
    // The third owner's reply is not waited for: what was sent to it is under way, for all that its sender knows.
    cluster.put("n2", "k", undefined, { w: 2 });
    const startMs = cluster.timeline.nowMs;
    untilGone(cluster, "k");
    expect(cluster.timeline.nowMs - startMs).toBeGreaterThan(19_000);
  });
});
