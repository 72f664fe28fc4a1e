/** Anti-entropy between real nodes (Dynamo §4.7): what differs is found and merged, what does not costs next to nothing. */
import { describe, expect, it } from "vitest";
import type { RepairView } from "../../src/node/api.js";
import type { NodeSettings } from "../../src/node/settings.js";
import { HASH_MAX } from "../../src/ports/storage.js";
import { count } from "../counts.js";
import { TestCluster } from "./cluster.js";

/** Nothing else heals here. */
const ALONE: Partial<NodeSettings> = { readRepair: false, antiEntropy: false, hints: false };

function repair(cluster: TestCluster, through = "n1"): RepairView {
  cluster.wait<true>((done) => cluster.node(through).repair(() => done(true)));
  let view: RepairView | undefined;
  for (let tries = 0; view === undefined || view.running; tries++) {
    if (tries > 1_000) throw new Error("the repair does not end");
    cluster.timeline.run(50);
    cluster.wait<true>((done) =>
      cluster.node(through).repairStatus((outcome) => {
        if (outcome.ok) view = outcome.value;
        done(true);
      }),
    );
  }
  return view;
}

/** Every record of a member, by hash, as its index knows it. */
function indexOf(cluster: TestCluster, name: string): Map<bigint, bigint> {
  const digests = new Map<bigint, bigint>();
  for (let partition = 0; partition < cluster.founding.partitions; partition++) {
    cluster.member(name).storage.scanIndex(
      partition,
      0n,
      HASH_MAX,
      ({ hash, digest }) => {
        digests.set(hash, digest);
        return true;
      },
      () => {},
    );
  }
  return digests;
}

function expectEqual(cluster: TestCluster): void {
  const [first, ...others] = [...cluster.members.keys()];
  const expected = indexOf(cluster, first as string);
  for (const other of others) expect(indexOf(cluster, other)).toEqual(expected);
  const digests = [...cluster.members.keys()].map((name) => cluster.node(name).digests());
  for (const each of digests) expect(each).toEqual(digests[0]);
}

/** Puts that `absent` misses, since it is down. */
function putWithout(cluster: TestCluster, absent: string, keys: readonly string[], value: string): void {
  cluster.kill(absent);
  const through = absent === "n1" ? "n2" : "n1";
  for (const key of keys) expect(cluster.put(through, key, value).ok).toBe(true);
  cluster.restart(absent);
  cluster.settle();
  cluster.timeline.run(500);
}

const keysTo = (end: number, from = 0): string[] => Array.from({ length: end - from }, (_, i) => `k${from + i}`);

describe("anti-entropy on demand", () => {
  it("mends exactly what a member missed, and a second run finds nothing and costs little", () => {
    const cluster = TestCluster.of(3, 1, ALONE);
    const many = count(600, 3_000);
    for (const key of keysTo(many)) cluster.put("n1", key, "old");
    putWithout(cluster, "n3", [...keysTo(10), ...keysTo(many + 5, many)], "new");
    const before = indexOf(cluster, "n3");
    const first = repair(cluster);
    expectEqual(cluster);
    expect(first).toMatchObject({ running: false, keysRepaired: 15 });
    expect(first.finishedAt).not.toBeNull();
    const after = indexOf(cluster, "n3");
    const changed = [...after].filter(([hash, digest]) => before.get(hash) !== digest);
    expect(changed.length).toBe(15);
    const second = repair(cluster, "n2");
    expect(second.keysRepaired).toBe(15);
    expect(second.bytesSent - first.bytesSent).toBeLessThan(1_024);
  });

  it("leaves nothing out that a member is still building the trees of", () => {
    // Reading the index of one partition after the other takes n3 some seconds.
    const cluster = new TestCluster(9, ALONE, { partitions: 64, replicas: 3 }, 60);
    for (const name of ["n1", "n2", "n3"]) cluster.start(name);
    cluster.settle();
    cluster.kill("n3");
    for (const key of keysTo(20)) expect(cluster.put("n1", key, "v").ok).toBe(true);
    cluster.restart("n3");
    cluster.settle();
    expect(Object.keys(cluster.node("n3").digests().partitions).length).toBeLessThan(64);
    expect(repair(cluster).keysRepaired).toBe(20);
    expectEqual(cluster);
  });

  it("merges both ways: each side gets what the other had, and siblings stay", () => {
    const cluster = TestCluster.of(2, 2, { ...ALONE });
    cluster.cut("n1", "n2");
    cluster.put("n1", "a", "only here", { w: 1 });
    cluster.put("n2", "b", "only there", { w: 1 });
    cluster.put("n1", "both", "one", { w: 1 });
    cluster.put("n2", "both", "two", { w: 1 });
    cluster.heal("n1", "n2");
    cluster.settle();
    cluster.timeline.run(2_000);
    expect(repair(cluster).keysRepaired).toBe(4);
    expectEqual(cluster);
    for (const name of ["n1", "n2"]) {
      expect(cluster.values(name, "both", { local: true })).toEqual(["one", "two"]);
      expect(cluster.values(name, "a", { local: true })).toEqual(["only here"]);
      expect(cluster.values(name, "b", { local: true })).toEqual(["only there"]);
    }
  });

  it("brings deletes over values that a member kept, and no value over a delete", () => {
    const cluster = TestCluster.of(3, 3, ALONE);
    for (const key of keysTo(5)) cluster.put("n1", key, "value");
    cluster.kill("n3");
    for (const key of keysTo(5)) cluster.put("n1", key, undefined, { context: cluster.contextOf("n1", key) });
    cluster.restart("n3");
    cluster.settle();
    repair(cluster);
    expectEqual(cluster);
    for (const key of keysTo(5)) expect(cluster.values("n3", key, { local: true })).toEqual([]);
  });

  it("ends where a member is down, and says that it was not reached", () => {
    const cluster = TestCluster.of(3, 4, ALONE);
    cluster.put("n1", "k", "v");
    cluster.kill("n3");
    cluster.timeline.until(() => cluster.node("n1").membership.status("n3") === "down", 60_000, "down");
    const view = repair(cluster);
    expect(view.members.find(({ node }) => node === "n3")).toMatchObject({ reached: false });
    expect(view.running).toBe(false);
  });

  it("goes on while keys are written, and what was only under way is not repaired", () => {
    const cluster = TestCluster.of(3, 5, ALONE);
    for (const key of keysTo(50)) cluster.put("n1", key, "old");
    cluster.wait<true>((done) => cluster.node("n1").repair(() => done(true)));
    for (let round = 0; round < 40; round++) {
      for (const key of keysTo(50)) cluster.begin("n2", key, `${round}`, () => {});
      cluster.timeline.run(20);
    }
    cluster.timeline.run(3_000);
    expectEqual(cluster);
    const repaired = ["n1", "n2", "n3"].reduce(
      (sum, name) => sum + cluster.node(name).stats().antiEntropyKeysRepaired,
      0,
    );
    // Of 2,000 writes hardly any is found under way twice, a pause apart.
    expect(repaired).toBeLessThan(20);
  });
});

describe("anti-entropy by itself", () => {
  it("runs at its interval, and converges what nobody reads", () => {
    const cluster = TestCluster.of(3, 6, { ...ALONE, antiEntropy: true, antiEntropyIntervalMs: 60_000 });
    putWithout(cluster, "n2", keysTo(20), "v");
    cluster.timeline.run(90_000);
    expectEqual(cluster);
  });

  it("runs soon after a member was away", () => {
    const cluster = TestCluster.of(3, 7, { ...ALONE, antiEntropy: true, antiEntropyIntervalMs: 3_600_000 });
    cluster.kill("n2");
    cluster.timeline.until(() => !cluster.node("n1").membership.seemsAlive("n2"), 60_000, "n2 seems away");
    for (const key of keysTo(20)) cluster.put("n1", key, "v");
    cluster.restart("n2");
    cluster.settle();
    cluster.timeline.run(10_000);
    expectEqual(cluster);
  });

  it("does nothing where it is switched off", () => {
    const cluster = TestCluster.of(3, 8, { ...ALONE, antiEntropyIntervalMs: 1_000 });
    putWithout(cluster, "n2", keysTo(5), "v");
    cluster.timeline.run(30_000);
    expect(cluster.node("n1").stats().antiEntropyBytesSent).toBe(0);
    expect(indexOf(cluster, "n2").size).toBe(0);
  });
});
