/** The wall clock decides only where a bucket asks for it, and one bad clock pins no key (TRAPS 29; DESIGN §4, last write wins). */
import { describe, expect, it } from "vitest";
import { valued } from "../../src/versions/key-state.js";
import { stampMs } from "../../src/base/hlc.js";
import { ClockWatch } from "../../src/node/clock-watch.js";
import type { BucketChange } from "../../src/node/api.js";
import { TestCluster } from "./cluster.js";

const HOUR_MS = 3_600_000;

function configure(cluster: TestCluster, name: string, change: BucketChange): void {
  const outcome = cluster.wait<{ ok: boolean }>((done) => cluster.node(name).setBucketConfig("b", change, done));
  expect(outcome.ok).toBe(true);
  cluster.timeline.until(
    () =>
      [...cluster.members.keys()].every((each) => cluster.node(each).bucketConfig("b").conflicts === change.conflicts),
    5_000,
    "everybody knows",
  );
}

const timestamps = (cluster: TestCluster, name: string): number[] =>
  valued(cluster.stateOf(cluster.get(name, "k"))).map(({ stamp }) => stampMs(stamp));

describe("last write wins", () => {
  it("keeps one version, the newest, wherever it was written", () => {
    const cluster = TestCluster.of(3);
    configure(cluster, "n2", { conflicts: "lww" });
    cluster.put("n1", "k", "a");
    cluster.timeline.run(10);
    cluster.put("n2", "k", "b");
    for (const name of ["n1", "n2", "n3"]) expect(cluster.values(name, "k")).toEqual(["b"]);
  });

  it("causality outranks clocks: what a context covers is older, whatever the coordinator's clock shows", () => {
    const cluster = TestCluster.of(3);
    configure(cluster, "n1", { conflicts: "lww" });
    cluster.member("n1").skewMs = 20_000;
    cluster.put("n1", "k", "ahead", { w: "all" });
    expect(cluster.put("n2", "k", "after", { context: cluster.contextOf("n2", "k") }).ok).toBe(true);
    for (const name of ["n1", "n2", "n3"]) expect(cluster.values(name, "k")).toEqual(["after"]);
  });

  it("a newer concurrent delete wins", () => {
    const cluster = TestCluster.of(3);
    configure(cluster, "n1", { conflicts: "lww" });
    cluster.put("n1", "k", "v", { w: "all" });
    const context = cluster.contextOf("n1", "k");
    cluster.put("n2", "k", "concurrent", { context });
    cluster.timeline.run(10);
    cluster.put("n3", "k", undefined, { context });
    for (const name of ["n1", "n2", "n3"]) expect(cluster.values(name, "k")).toEqual([]);
  });

  it("a coordinator whose clock is beyond the bound refuses to stamp, and the others go on", () => {
    for (const skewMs of [HOUR_MS, -HOUR_MS]) {
      const cluster = TestCluster.of(3);
      configure(cluster, "n1", { conflicts: "lww" });
      cluster.put("n2", "k", "before");
      cluster.member("n1").skewMs = skewMs;
      cluster.timeline.run(25_000);
      expect(cluster.put("n1", "k", "bad")).toMatchObject({
        ok: false,
        failure: { code: "clock-skew", effect: "none" },
      });
      for (const name of ["n2", "n3"]) expect(cluster.put(name, "k", name).ok).toBe(true);
      expect(cluster.values("n1", "k")).toEqual(["n3"]);
      cluster.member("n1").skewMs = 0;
      cluster.timeline.run(200);
      expect(cluster.put("n1", "k", "good").ok).toBe(true);
    }
  });
});

describe("among siblings", () => {
  it("no clock refuses a write, and a stamp from the future pins nothing", () => {
    const cluster = TestCluster.of(3);
    cluster.member("n1").skewMs = HOUR_MS;
    cluster.timeline.run(25_000);
    expect(cluster.put("n1", "k", "future", { w: "all" }).ok).toBe(true);
    expect(cluster.put("n2", "k", "present", { context: cluster.contextOf("n2", "k") }).ok).toBe(true);
    expect(cluster.values("n3", "k")).toEqual(["present"]);
    expect(
      Math.abs((timestamps(cluster, "n3")[0] as number) - 1_700_000_000_000 - cluster.timeline.nowMs),
    ).toBeLessThan(1_000);
  });

  it("a clock that went back an hour refuses nothing either", () => {
    const cluster = TestCluster.of(1);
    cluster.put("n1", "k", "a");
    cluster.member("n1").skewMs = -HOUR_MS;
    expect(cluster.put("n1", "k", "b", { context: cluster.contextOf("n1", "k") }).ok).toBe(true);
    expect(cluster.values("n1", "k")).toEqual(["b"]);
  });
});

describe("the watch on clocks", () => {
  const watchWith = (readings: readonly number[]): ClockWatch => {
    const watch = new ClockWatch({ monotonicMs: () => 0, wallMs: () => 1_000_000, after: () => () => {} }, 60_000);
    readings.forEach((aheadMs, instance) => watch.heard(instance, 1_000_000 + aheadMs));
    return watch;
  };
  it.each([
    ["nobody was heard", [], false],
    ["all agree", [10, -10], false],
    ["one of two disagrees: nobody knows which is right", [HOUR_MS], false],
    ["one of three disagrees", [HOUR_MS, 0], false],
    ["most are ahead", [HOUR_MS, HOUR_MS], true],
    ["most are behind", [-HOUR_MS, -HOUR_MS, 0], false],
    ["all others are behind", [-HOUR_MS, -HOUR_MS, -HOUR_MS], true],
    ["they disagree with each other", [HOUR_MS, -HOUR_MS], false],
  ])("when %s", (_, readings, isOff) => {
    expect(watchWith(readings).isOff(readings.keys())).toBe(isOff);
  });
});

describe("a bucket's configuration", () => {
  it("of two set at one moment is the same on all members in the end, whatever they heard first", () => {
    const cluster = TestCluster.of(3);
    cluster.node("n1").setBucketConfig("b", { r: "one" }, () => {});
    cluster.node("n2").setBucketConfig("b", { r: "all" }, () => {});
    cluster.timeline.run(3_000);
    const read = ["n1", "n2", "n3"].map((name) => cluster.node(name).bucketConfig("b").r);
    expect(new Set(read).size).toBe(1);
    expect(read[0]).not.toBe("quorum");
  });

  it("outlives its author's restart and everybody's", () => {
    const cluster = TestCluster.of(3);
    configure(cluster, "n1", { conflicts: "lww" });
    for (const name of ["n1", "n2", "n3"]) cluster.kill(name);
    for (const name of ["n2", "n3", "n1"]) cluster.restart(name);
    cluster.settle();
    for (const name of ["n1", "n2", "n3"]) expect(cluster.node(name).bucketConfig("b").conflicts).toBe("lww");
  });
});
