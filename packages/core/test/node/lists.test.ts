/** Lists over the whole cluster (CONTRACT §3): a key that stands throughout exactly once, a deleted one never, and never a shorter list. */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/base/failure.js";
import type { ConflictPage, KeyPage } from "../../src/node/api.js";
import { TestCluster } from "./cluster.js";

function page(cluster: TestCluster, name: string, limit: number, cursor?: string, prefix = ""): Outcome<KeyPage> {
  const query = { bucket: "b", prefix, limit, ...(cursor !== undefined && { cursor }) };
  return cluster.wait((done) => cluster.node(name).listKeys(query, 2_000, done));
}

function allKeys(cluster: TestCluster, name: string, limit: number, prefix = "", between = (): void => {}): string[] {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const outcome = page(cluster, name, limit, cursor, prefix);
    if (!outcome.ok) throw new Error(`${outcome.failure.code}: ${outcome.failure.detail}`);
    expect(outcome.value.keys.length).toBeLessThanOrEqual(limit);
    keys.push(...outcome.value.keys);
    cursor = outcome.value.cursor ?? undefined;
    between();
  } while (cursor !== undefined);
  return keys;
}

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${String(i).padStart(3, "0")}`);

describe("the list of keys", () => {
  it("has each key once, by pages of any size, through any node", () => {
    const cluster = TestCluster.of(5);
    for (const key of named(60)) cluster.put("n1", key, "v");
    for (const [name, limit] of [
      ["n1", 1],
      ["n2", 7],
      ["n5", 60],
      ["n3", 1_000],
    ] as const) {
      expect(allKeys(cluster, name, limit).sort()).toEqual(named(60));
    }
    expect(allKeys(cluster, "n4", 5, "k01").sort()).toEqual(named(60).filter((key) => key.startsWith("k01")));
  });

  it("has the keys that stood throughout while others come and go", () => {
    const cluster = TestCluster.of(3);
    for (const key of named(40)) cluster.put("n1", key, "v");
    let turn = 0;
    const churn = (): void => {
      cluster.put("n2", `new${turn}`, "v");
      cluster.put("n3", `k${String(turn).padStart(3, "0")}`, undefined);
      turn++;
    };
    const listed = allKeys(cluster, "n1", 4, "", churn);
    expect(new Set(listed).size).toBe(listed.length);
    for (const key of named(40).slice(turn)) expect(listed).toContain(key);
  });

  it("never has deleted keys, also where a replica has not heard of the delete or holds a damaged record", () => {
    const cluster = TestCluster.of(3, 1, { readRepair: false });
    for (const key of named(12)) cluster.put("n1", key, "v", { w: "all" });
    cluster.kill("n3");
    for (const key of named(4)) cluster.put("n1", key, undefined);
    cluster.put("n1", "born later", "v");
    cluster.restart("n3");
    cluster.settle();
    cluster.member("n2").storage.damage(cluster.place("k007"));
    const expected = [...named(12).slice(4), "born later"].sort();
    for (const name of ["n1", "n2", "n3"]) expect(allKeys(cluster, name, 5).sort()).toEqual(expected);
  });

  it("settles any number of differences, few at a time", () => {
    const cluster = TestCluster.of(3, 1, { readRepair: false, requestsInFlightMax: 4 });
    const inOnePartition = named(9_999)
      .filter((key) => cluster.place(key).partition === 0)
      .slice(0, 80);
    cluster.kill("n3");
    for (const key of inOnePartition) cluster.put("n1", key, "v");
    cluster.restart("n3");
    cluster.settle();
    let listed: number | undefined;
    let peak = 0;
    cluster.node("n3").listKeys({ bucket: "b", prefix: "", limit: 1_000 }, 2_000, (outcome) => {
      listed = outcome.ok ? outcome.value.keys.length : 0;
    });
    cluster.timeline.until(
      () => {
        peak = Math.max(peak, cluster.node("n3").pendingCalls);
        return listed !== undefined;
      },
      2_000,
      "listed",
    );
    expect(listed).toBe(80);
    // Thirty-two at a time, and two others are asked about each.
    expect(peak).toBeLessThanOrEqual(2 * 32);
  });

  it("is refused where too few owners answer, never shorter", () => {
    const cluster = TestCluster.of(3);
    for (const key of named(10)) cluster.put("n1", key, "v", { w: "all" });
    cluster.kill("n2");
    expect(allKeys(cluster, "n1", 100).sort()).toEqual(named(10));
    cluster.kill("n3");
    expect(page(cluster, "n1", 100)).toMatchObject({
      ok: false,
      failure: { code: "quorum-not-met", needed: 2, received: 1 },
    });
  });

  it("asks another owner where one that seems alive says nothing", () => {
    const cluster = TestCluster.of(3);
    for (const key of named(10)) cluster.put("n1", key, "v", { w: "all" });
    cluster.member("n2").alive = false;
    expect(allKeys(cluster, "n1", 100).sort()).toEqual(named(10));
  });

  it("refuses a cursor that it did not give", () => {
    const cluster = TestCluster.of(1);
    for (const cursor of ["!", "AAA", "__________________"]) {
      expect(page(cluster, "n1", 10, cursor)).toMatchObject({ ok: false, failure: { code: "bad-parameter" } });
    }
  });

  it("is the same from stores that answer later", () => {
    const cluster = new TestCluster(1, {}, { partitions: 64, replicas: 3 }, 1);
    for (const name of ["n1", "n2", "n3"]) cluster.start(name);
    cluster.settle();
    for (const key of named(20)) cluster.put("n1", key, "v");
    expect(allKeys(cluster, "n2", 6).sort()).toEqual(named(20));
  });
});

describe("the list of conflicts", () => {
  const conflicts = (cluster: TestCluster, limit: number, cursor?: string): Outcome<ConflictPage> =>
    cluster.wait((done) =>
      cluster.node("n2").listConflicts({ limit, ...(cursor !== undefined && { cursor }) }, 2_000, done),
    );

  it("has each key with siblings once, until it is resolved", () => {
    const cluster = TestCluster.of(3);
    for (const key of named(5)) for (const name of ["n1", "n2"]) cluster.put(name, key, name, { w: "all" });
    cluster.put("n1", "k001", "resolved", { context: cluster.contextOf("n1", "k001"), w: "all" });
    const first = conflicts(cluster, 3);
    expect(first).toMatchObject({
      ok: true,
      value: { total: 4, conflicts: [{ key: "k000" }, { key: "k002" }, { key: "k003" }] },
    });
    const cursor = first.ok ? (first.value.cursor ?? undefined) : undefined;
    expect(conflicts(cluster, 3, cursor)).toMatchObject({
      ok: true,
      value: { conflicts: [{ key: "k004" }], cursor: null },
    });
  });

  it("refuses a cursor that it did not give", () => {
    expect(conflicts(TestCluster.of(2), 3, "=")).toMatchObject({ ok: false, failure: { code: "bad-parameter" } });
  });
});

describe("numbers of what is held", () => {
  const liveKeys = (cluster: TestCluster, name: string): number => cluster.node(name).stats().liveKeys;

  it("follow each write and delete, and are counted again at the start", () => {
    const cluster = TestCluster.of(3);
    for (const key of named(20)) cluster.put("n1", key, "v", { w: "all" });
    for (const key of named(5)) cluster.put("n1", key, undefined, { w: "all" });
    for (const name of ["n1", "n2", "n3"]) expect(liveKeys(cluster, name)).toBe(15);
    cluster.kill("n2");
    cluster.restart("n2");
    cluster.settle();
    cluster.timeline.until(() => liveKeys(cluster, "n2") === 15, 2_000, "counted");
  });

  it("are right also when keys change while they are counted", () => {
    const cluster = new TestCluster(1, {}, { partitions: 64, replicas: 3 }, 20);
    cluster.start("n1");
    cluster.settle();
    for (const key of named(10)) cluster.put("n1", key, "v");
    cluster.kill("n1");
    cluster.restart("n1");
    cluster.timeline.until(() => cluster.member("n1").node !== undefined, 1_000, "n1 is a node");
    let waiting = 0;
    for (let i = 0; i < 60; i++) {
      waiting++;
      cluster.begin("n1", `k${String(i).padStart(3, "0")}`, i % 3 === 0 ? undefined : "w", () => waiting--);
      cluster.timeline.run(15);
    }
    cluster.timeline.until(() => waiting === 0, 5_000, "all written");
    cluster.timeline.run(5_000);
    expect(liveKeys(cluster, "n1")).toBe(allKeys(cluster, "n1", 1_000).length);
  });

  it("are right again after a full disk has undone what was seen", () => {
    const cluster = TestCluster.of(1);
    cluster.put("n1", "k", "v");
    cluster.member("n1").storage.full = true;
    for (const key of named(5)) expect(cluster.put("n1", key, "v").ok).toBe(false);
    cluster.member("n1").storage.full = false;
    cluster.timeline.run(3_000);
    expect(liveKeys(cluster, "n1")).toBe(1);
  });
});
