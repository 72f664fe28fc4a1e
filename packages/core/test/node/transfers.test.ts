/** An empty instance proves nothing until it was merged from every other member (DESIGN §4, §8; TRAPS 14, 15, 24). */
import { describe, expect, it } from "vitest";
import { decodeWhole, encodeWhole } from "../../src/node/whole.js";
import { testPrimitives } from "../primitives.js";
import { TestCluster } from "./cluster.js";

const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);

function doubtful(cluster: TestCluster, name: string): number {
  const { partitions } = cluster.founding;
  return Array.from({ length: partitions }, (_, partition) => partition).filter((each) =>
    cluster.node(name).isInDoubt(each),
  ).length;
}

describe("a refill", () => {
  it("brings a joiner every state of what it owns, page by page", () => {
    const cluster = TestCluster.of(3);
    for (const key of keys) cluster.put("n1", key, "x".repeat(40_000), { w: "all" });
    cluster.start("n4");
    cluster.settle();
    for (const key of keys) {
      if (cluster.owners(key).includes("n4")) {
        expect(cluster.values("n4", key, { local: true })).toEqual(["x".repeat(40_000)]);
      }
    }
    expect(doubtful(cluster, "n4")).toBe(0);
    expect(cluster.node("n4").stats().transferKeys).toBeGreaterThan(0);
  });

  it("is not done while one of the others is down: one source is not enough", () => {
    const cluster = TestCluster.of(3);
    // The only replica of this write that will be left is n3.
    cluster.cut("n1", "n3");
    cluster.put("n2", "k", "v");
    cluster.heal("n1", "n3");
    cluster.kill("n3");
    cluster.kill("n2");
    cluster.timeline.run(15_000);
    cluster.start("n2", cluster.emptyStorage());
    cluster.timeline.until(() => cluster.member("n2").node !== undefined, 5_000, "n2 is a node");
    cluster.timeline.run(5_000);
    expect(doubtful(cluster, "n2")).toBe(cluster.founding.partitions);
    expect(cluster.get("n2", "k")).toMatchObject({ ok: false, failure: { code: "quorum-not-met" } });
    expect(cluster.node("n1").cluster().settled).toBe(false);
    cluster.restart("n3");
    cluster.settle();
    expect(doubtful(cluster, "n2")).toBe(0);
    for (const name of ["n1", "n2", "n3"]) expect(cluster.values(name, "k")).toEqual(["v"]);
  });

  it("goes on after a restart in the middle, and what is whole stays whole", () => {
    const cluster = TestCluster.of(3);
    for (const key of keys) cluster.put("n1", key, "v", { w: "all" });
    cluster.kill("n3");
    cluster.timeline.run(15_000);
    cluster.start("n3", cluster.emptyStorage());
    cluster.timeline.until(() => cluster.member("n3").node !== undefined, 5_000, "n3 is a node");
    cluster.timeline.run(10);
    cluster.cutPower("n3");
    cluster.restart("n3");
    cluster.settle();
    cluster.kill("n3");
    cluster.restart("n3");
    cluster.timeline.run(10);
    expect(doubtful(cluster, "n3")).toBe(0);
    for (const key of keys) expect(cluster.values("n3", key, { local: true })).toEqual(["v"]);
  });

  it("takes writes at once, and they count", () => {
    const cluster = TestCluster.of(3);
    cluster.kill("n2");
    cluster.kill("n3");
    cluster.timeline.run(15_000);
    cluster.start("n3", cluster.emptyStorage());
    cluster.timeline.until(() => cluster.member("n3").node !== undefined, 5_000, "n3 is a node");
    cluster.timeline.run(1_000);
    expect(cluster.put("n1", "k", "v")).toMatchObject({ ok: true, value: { received: 2 } });
    expect(cluster.get("n1", "k")).toMatchObject({ ok: false, failure: { code: "quorum-not-met", received: 1 } });
  });

  it("begins anew for a partition in which records can't be read, since any key may be among them", () => {
    const cluster = TestCluster.of(3);
    for (const key of keys) cluster.put("n1", key, "v", { w: "all" });
    cluster.stop("n2");
    const { storage } = cluster.member("n2");
    const place = cluster.place("k0");
    // LMDB tells of a torn page like this: so many keys are gone, and nobody knows which.
    storage.disk.partitions.delete(place.partition);
    const scan = storage.scan.bind(storage);
    let torn = true;
    storage.scan = (partition, from, to, visit, done) =>
      scan(partition, from, to, visit, ({ damaged }) =>
        done({ damaged: torn && partition === place.partition ? 1 : damaged }),
      );
    for (const other of ["n1", "n3"]) cluster.cut("n2", other);
    cluster.restart("n2");
    cluster.timeline.run(1_000);
    expect(cluster.node("n2").isInDoubt(place.partition)).toBe(true);
    expect(cluster.get("n2", "k0", { local: true }).ok).toBe(false);
    torn = false;
    for (const other of ["n1", "n3"]) cluster.heal("n2", other);
    cluster.settle();
    expect(cluster.values("n2", "k0", { local: true })).toEqual(["v"]);
  });
});

describe("what is whole", () => {
  it("is kept as one bit a partition, and is nothing where that can't be read", () => {
    const whole = new Set([0, 7, 8, 63, 255]);
    const value = encodeWhole(testPrimitives, whole, 256).value as Uint8Array;
    expect(decodeWhole(testPrimitives, { kind: "found", value })).toEqual(whole);
    for (let at = 0; at < value.length; at++) {
      const damaged = value.slice();
      damaged[at] = (damaged[at] as number) ^ 4;
      expect(decodeWhole(testPrimitives, { kind: "found", value: damaged })).toEqual(new Set());
    }
    expect(decodeWhole(testPrimitives, { kind: "damaged" })).toEqual(new Set());
  });
});
