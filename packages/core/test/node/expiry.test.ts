/** Expiry (issue 6; TRAPS 20): an absolute time in the replicated state, hidden at once, never brought back by whatever mends. */
import { describe, expect, it } from "vitest";
import type { BucketChange, KeyPage } from "../../src/node/api.js";
import type { Outcome } from "../../src/base/failure.js";
import { TestCluster } from "./cluster.js";

const SECOND = 1_000;

function keys(cluster: TestCluster, name: string): readonly string[] {
  const page = cluster.wait<Outcome<KeyPage>>((done) =>
    cluster.node(name).listKeys({ bucket: "b", prefix: "", limit: 100 }, 2_000, done),
  );
  if (!page.ok) throw new Error(page.failure.detail);
  return page.value.keys;
}

function conflicts(cluster: TestCluster, name: string): number {
  const page = cluster.wait<Outcome<{ total: number }>>((done) =>
    cluster.node(name).listConflicts({ limit: 10 }, 2_000, done),
  );
  if (!page.ok) throw new Error(page.failure.detail);
  return page.value.total;
}

function configure(cluster: TestCluster, change: BucketChange): void {
  cluster.wait((done) => cluster.node("n1").setBucketConfig("b", change, done));
  cluster.timeline.until(
    () => ["n2", "n3"].every((name) => cluster.node(name).bucketConfig("b").ttl === (change.ttl ?? undefined)),
    5 * SECOND,
    "everybody knows the bucket",
  );
}

describe("a value with a TTL", () => {
  it("is shown until it expires, and at that moment by no read, list or count", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { ttlSeconds: 10 });
    cluster.put("n1", "stays", "v");
    cluster.timeline.run(9 * SECOND);
    expect(cluster.values("n2", "k", { r: "all" })).toEqual(["v"]);
    expect([...keys(cluster, "n3")].sort()).toEqual(["k", "stays"]);
    expect(cluster.node("n1").stats().liveKeys).toBe(2);
    cluster.timeline.run(2 * SECOND);
    for (const name of ["n1", "n2", "n3"]) {
      expect(cluster.values(name, "k")).toEqual([]);
      expect(cluster.values(name, "k", { local: true })).toEqual([]);
      expect(keys(cluster, name)).toEqual(["stays"]);
      expect(cluster.node(name).stats().liveKeys).toBe(1);
    }
  });

  it("sends no byte of an expired value to its client, and a context that covers it", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "secret", { ttlSeconds: 1 });
    cluster.timeline.run(2 * SECOND);
    const got = cluster.get("n2", "k");
    expect(got.ok && cluster.text(got.value.body)).not.toContain("secret");
    cluster.put("n2", "k", "after", { context: cluster.contextOf("n2", "k") });
    const { siblings } = cluster.node("n1").states.stateOf(undefined);
    expect(siblings).toEqual([]);
    expect(cluster.stateOf(cluster.get("n1", "k", { r: "all" })).siblings).toHaveLength(1);
  });

  it("comes back through nobody who was away: read repair and refill carry its end with it", () => {
    const cluster = TestCluster.of(3);
    cluster.kill("n3");
    cluster.put("n1", "k", "v", { ttlSeconds: 5 });
    cluster.timeline.run(6 * SECOND);
    cluster.restart("n3");
    cluster.settle();
    expect(cluster.values("n1", "k", { r: "all" })).toEqual([]);
    cluster.timeline.run(2 * SECOND);
    for (const name of ["n1", "n2", "n3"]) expect(cluster.values(name, "k", { local: true })).toEqual([]);
    expect(cluster.node("n1").stats().readRepairs).toBeGreaterThan(0);
  });

  it("of several ends alone: the others stand, and the conflict ends with it", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "short", { ttlSeconds: 5, w: "all" });
    cluster.put("n2", "k", "long", { w: "all" });
    expect(cluster.values("n3", "k")).toEqual(["long", "short"]);
    expect(conflicts(cluster, "n1")).toBe(1);
    cluster.timeline.run(6 * SECOND);
    expect(cluster.values("n3", "k")).toEqual(["long"]);
    expect(conflicts(cluster, "n1")).toBe(0);
    expect(cluster.node("n1").stats()).toMatchObject({ conflicts: 0, liveKeys: 1 });
  });

  it("that expired is nothing: a creator may create, and a blind delete finds nothing to remove", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "old", { ttlSeconds: 1, w: "all" });
    expect(cluster.put("n2", "k", "new", { ifAbsent: true })).toMatchObject({ ok: false });
    cluster.timeline.run(2 * SECOND);
    const before = cluster.stateOf(cluster.get("n1", "k")).vector;
    expect(cluster.put("n2", "k", undefined)).toMatchObject({ ok: true });
    expect(cluster.stateOf(cluster.get("n1", "k")).vector.equals(before)).toBe(true);
    expect(cluster.put("n2", "k", "new", { ifAbsent: true })).toMatchObject({ ok: true });
    expect(cluster.values("n1", "k")).toEqual(["new"]);
  });

  it("takes its bucket's TTL unless it says its own, or that it stays", () => {
    const cluster = TestCluster.of(3);
    configure(cluster, { ttl: 5 });
    cluster.put("n2", "default", "v");
    cluster.put("n2", "longer", "v", { ttlSeconds: 60 });
    cluster.put("n2", "stays", "v", { ttlSeconds: 0 });
    cluster.timeline.run(6 * SECOND);
    expect([...keys(cluster, "n1")].sort()).toEqual(["longer", "stays"]);
    configure(cluster, { ttl: null });
    expect(cluster.node("n1").bucketConfig("b")).toEqual({ n: 3, r: "quorum", w: "quorum", conflicts: "siblings" });
    cluster.put("n3", "now", "v");
    cluster.timeline.run(60 * SECOND);
    expect([...keys(cluster, "n1")].sort()).toEqual(["now", "stays"]);
  });

  it("is refused by a node whose clock the others disagree with: it would end at a wrong time", () => {
    const cluster = TestCluster.of(3);
    cluster.member("n2").skewMs = 3_600 * SECOND;
    cluster.timeline.run(30 * SECOND);
    const refused = cluster.put("n2", "k", "v", { ttlSeconds: 5 });
    expect(refused).toMatchObject({ ok: false, failure: { code: "clock-skew", effect: "none" } });
    expect(cluster.put("n2", "k", "v")).toMatchObject({ ok: true });
  });

  it("is the same write when retried with the same TTL, and a mismatch with another", () => {
    const cluster = TestCluster.of(3);
    const attempt = (ttlSeconds: number, no: number): ReturnType<TestCluster["put"]> => {
      const command = cluster.putCommand("k", "v", { ttlSeconds });
      const operation = cluster.node("n1").operationOf("once", command, no);
      return cluster.put("n1", "k", "v", { ttlSeconds, operation });
    };
    expect(attempt(50, 1)).toMatchObject({ ok: true });
    cluster.timeline.run(SECOND);
    expect(attempt(50, 2)).toMatchObject({ ok: true });
    expect(cluster.stateOf(cluster.get("n1", "k")).siblings).toHaveLength(1);
    expect(attempt(60, 2)).toMatchObject({ ok: false, failure: { code: "idempotency-mismatch" } });
  });
});
