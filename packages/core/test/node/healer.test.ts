/** Damaged records are healed from the other owners, also when nobody reads them, and are "don't know" until then (DESIGN §7, §8; TRAPS 10, 28). */
import { describe, expect, it } from "vitest";
import { encodeRecord, digestOf } from "../../src/replication/record.js";
import type { NodeSettings } from "../../src/node/settings.js";
import { testPrimitives } from "../primitives.js";
import { TestCluster } from "./cluster.js";

const ALONE: Partial<NodeSettings> = { readRepair: false, antiEntropy: false, hints: false };

/** Damages what one member holds of a key, and lets it see that. */
function damageSeen(cluster: TestCluster, name: string, key: string): void {
  cluster.member(name).storage.damage(cluster.place(key));
  cluster.get(name, key, { local: true });
}

function stats(cluster: TestCluster, name: string) {
  return cluster.node(name).stats();
}

describe("a damaged record", () => {
  it("is found by the scrub and healed though nobody reads it", () => {
    const cluster = TestCluster.of(3, 1, ALONE);
    for (let i = 0; i < 300; i++) cluster.put("n1", `k${i}`, "v");
    for (let i = 0; i < 300; i += 10) cluster.member("n1").storage.damage(cluster.place(`k${i}`));
    // The scrub's next round is a week away; a restart begins with one.
    cluster.stop("n1");
    cluster.restart("n1");
    cluster.settle();
    cluster.timeline.until(() => stats(cluster, "n1").healedRecords === 30, 600_000, "healed", 100);
    expect(stats(cluster, "n1")).toMatchObject({ damagedRecords: 30, lostRecords: 0 });
    for (let i = 0; i < 300; i++) expect(cluster.values("n1", `k${i}`, { local: true })).toEqual(["v"]);
    cluster.timeline.run(1_000);
    expect(cluster.node("n1").digests()).toEqual(cluster.node("n2").digests());
  });

  it("is whole only when every other owner has spoken; until then it proves nothing", () => {
    const cluster = TestCluster.of(3, 2, ALONE);
    cluster.put("n1", "k", "v");
    cluster.kill("n3");
    damageSeen(cluster, "n1", "k");
    cluster.timeline.run(20_000);
    expect(stats(cluster, "n1").healedRecords).toBe(0);
    // What n2 holds is there already, and is not yet called all of it.
    expect(cluster.get("n1", "k", { r: "all" }).ok).toBe(false);
    cluster.restart("n3");
    cluster.settle();
    cluster.timeline.until(() => stats(cluster, "n1").healedRecords === 1, 120_000, "healed", 100);
    expect(cluster.values("n1", "k", { r: "all" })).toEqual(["v"]);
  });

  it("that no other owner has anything of is gone, and said to be lost", () => {
    const cluster = TestCluster.of(3, 3, ALONE);
    cluster.cut("n1", "n2");
    cluster.cut("n1", "n3");
    cluster.put("n1", "k", "v", { w: 1, sloppy: false });
    cluster.heal("n1", "n2");
    cluster.heal("n1", "n3");
    cluster.settle();
    cluster.timeline.run(2_000);
    damageSeen(cluster, "n1", "k");
    cluster.timeline.until(() => stats(cluster, "n1").lostRecords === 1, 120_000, "given up", 100);
    expect(cluster.log.some((line) => line.includes("damaged record lost"))).toBe(true);
    // And now all three prove that there is nothing.
    expect(cluster.values("n1", "k", { r: "all" })).toEqual([]);
  });

  it("at several owners at once is made of what is left, and the loss is told: they do not wait for each other for ever", () => {
    for (const sound of [0, 1]) {
      const cluster = TestCluster.of(3, 6, ALONE);
      cluster.put("n1", "k", "v", { w: "all" });
      cluster.timeline.run(1_000);
      for (const name of ["n1", "n2", "n3"].slice(sound)) damageSeen(cluster, name, "k");
      const isOver = (): boolean => cluster.get("n1", "k", { r: "all" }).ok;
      cluster.timeline.until(isOver, 120_000, "everybody knows", 100);
      expect(cluster.values("n1", "k", { r: "all" })).toEqual(sound === 1 ? ["v"] : []);
      expect(["n1", "n2", "n3"].some((name) => stats(cluster, name).lostRecords > 0)).toBe(true);
      expect(cluster.put("n1", "k", "again", { w: "all" }).ok).toBe(true);
    }
  });

  it("stays don't-know where there is no other owner to ask", () => {
    const cluster = TestCluster.of(1, 4, ALONE);
    cluster.put("n1", "k", "v");
    damageSeen(cluster, "n1", "k");
    cluster.timeline.run(60_000);
    expect(stats(cluster, "n1")).toMatchObject({ healedRecords: 0, lostRecords: 0 });
    expect(cluster.get("n1", "k").ok).toBe(false);
  });

  it("that was written over while it waited is not healed with less", () => {
    const cluster = TestCluster.of(3, 5, ALONE);
    cluster.put("n1", "k", "old");
    damageSeen(cluster, "n1", "k");
    cluster.put("n1", "k", "new");
    cluster.timeline.run(20_000);
    expect(cluster.values("n1", "k", { local: true })).toEqual(["new", "old"]);
    expect(cluster.values("n2", "k", { r: "all" })).toEqual(["new", "old"]);
  });
});

describe("one dot with two contents (TRAPS 10)", () => {
  it("is found by comparing trees, kept on all replicas, and counted", () => {
    const cluster = TestCluster.of(3, 6, ALONE);
    cluster.put("n1", "k", "one");
    // A broken encoder, or a bit that flipped before the hash was made: the record is sound, and its value is another.
    const place = cluster.place("k");
    const { storage } = cluster.member("n3");
    const state = cluster.stateOf(cluster.get("n3", "k", { local: true }));
    const [sibling] = state.siblings;
    if (sibling === undefined) throw new Error("no sibling");
    const forged = { ...state, siblings: [{ ...sibling, value: cluster.bytes("two") }] };
    const body = cluster.node("n3").states.encode(forged);
    const digest = digestOf(testPrimitives, place.hash, body);
    const value = encodeRecord(testPrimitives, place.hash, { body, digest, inDoubt: false, lifetime: undefined });
    cluster.stop("n3");
    cluster.wait<true>((done) => storage.apply({ records: [{ ...place, value, digest, mark: 1 }] }, () => done(true)));
    cluster.restart("n3");
    cluster.settle();
    cluster.wait<true>((done) => cluster.node("n1").repair(() => done(true)));
    cluster.timeline.run(10_000);
    for (const name of ["n1", "n2", "n3"]) expect(cluster.values(name, "k", { local: true })).toEqual(["one", "two"]);
    const alarms = ["n1", "n2", "n3"].reduce((sum, name) => sum + stats(cluster, name).divergentStates, 0);
    expect(alarms).toBeGreaterThan(0);
  });
});

describe("an index that says something else than its records", () => {
  it("is found by the scrub, at a second look, and said", () => {
    const cluster = TestCluster.of(1, 7, ALONE);
    for (let i = 0; i < 20; i++) cluster.put("n1", `k${i}`, "v");
    const { disk } = cluster.member("n1").storage;
    cluster.stop("n1");
    const place = cluster.place("k7");
    const records = disk.partitions.get(place.partition) ?? [];
    const at = records.findIndex(({ hash }) => hash === place.hash);
    records[at] = { ...(records[at] as (typeof records)[number]), digest: 77n };
    cluster.restart("n1");
    cluster.timeline.until(() => cluster.member("n1").node?.ready() === true, 10_000, "n1 is back");
    cluster.timeline.until(() => stats(cluster, "n1").treeMismatches > 0, 60_000, "found", 100);
    expect(stats(cluster, "n1").treeMismatches).toBe(1);
    expect(cluster.log.some((line) => line.includes("the index says something else"))).toBe(true);
  });

  it("is not accused for what is being written while the scrub reads", () => {
    const cluster = new TestCluster(8, ALONE, { partitions: 64, replicas: 1 }, 3);
    cluster.start("n1");
    cluster.settle();
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 10; i++) cluster.begin("n1", `k${i}`, `${round}`, () => {});
      cluster.timeline.run(20);
      if (round % 20 === 19) {
        cluster.stop("n1");
        cluster.restart("n1");
        cluster.timeline.until(() => cluster.member("n1").node?.ready() === true, 10_000, "n1 is back");
      }
    }
    cluster.timeline.run(5_000);
    expect(stats(cluster, "n1").treeMismatches).toBe(0);
  });
});
