/** Everything is bounded (DESIGN §9): what waits, what is remembered, what is worked on. */
import { describe, expect, it } from "vitest";
import { fail, ok, type Outcome } from "../../src/base/failure.js";
import { limits } from "../../src/base/limits.js";
import { InFlight } from "../../src/node/in-flight.js";
import { RepairWaits } from "../../src/node/repair-waits.js";
import { TestCluster } from "./cluster.js";

describe("requests in flight", () => {
  it("are counted in and out, once each, and shed beyond the bound", () => {
    const gate = new InFlight(2);
    const heard: Outcome<number>[] = [];
    const reply = (outcome: Outcome<number>): void => void heard.push(outcome);
    const [first, second] = [gate.enter(reply), gate.enter(reply)];
    expect(gate.enter(reply)).toBe(undefined);
    expect(heard).toMatchObject([{ ok: false, failure: { code: "overloaded", effect: "none", retryAfterMs: 1_000 } }]);
    first?.(ok(1));
    second?.(fail("exists", ""));
    expect(gate.count).toBe(0);
  });
});

describe("reads that wait to mend others", () => {
  it("hold no more bytes than they may, and give them back", () => {
    const waits = new RepairWaits(10_000);
    const leaves = [waits.enter(4_000), waits.enter(3_000), waits.enter(4_000)];
    expect(leaves.map((leave) => leave !== undefined)).toEqual([true, true, false]);
    for (const leave of leaves) leave?.();
    expect(waits.bytes).toBe(0);
  });

  it("are over soon, however far their deadline was, and nothing of them is left", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.member("n3").alive = false;
    for (let i = 0; i < 20; i++) cluster.values("n1", "k");
    const pending = (): number => cluster.node("n1").pendingCalls;
    expect(pending()).toBeGreaterThan(0);
    cluster.timeline.run(limits.readRepairWaitMs + 50);
    expect(pending()).toBe(0);
  });
});

describe("what a request leaves behind", () => {
  it("is nothing: no call and no request is counted when all were answered, lost or timed out", () => {
    const cluster = TestCluster.of(5);
    let left = 0;
    for (let i = 0; i < 40; i++) {
      left += 2;
      cluster.begin(`n${(i % 4) + 1}`, `k${i}`, "v", () => left--);
      cluster.node(`n${((i + 1) % 4) + 1}`).listKeys({ bucket: "b", prefix: "", limit: 5 }, 1_000, () => left--);
      if (i === 10) cluster.kill("n5");
      if (i === 20) cluster.cut("n1", "n2");
    }
    cluster.timeline.run(10_000);
    expect(left).toBe(0);
    for (const name of ["n1", "n2", "n3", "n4"]) {
      expect([cluster.node(name).stats().requestsInFlight, cluster.node(name).pendingCalls]).toEqual([0, 0]);
    }
  });
});

describe("buckets with a configuration of their own", () => {
  it("are as many as every member can remember, and one more is refused", () => {
    const cluster = TestCluster.of(1);
    const codes: string[] = [];
    for (let i = 0; i <= limits.bucketsConfiguredMax; i++) {
      cluster.node("n1").setBucketConfig(`b${i}`, { r: "one" }, (outcome) => {
        codes.push(outcome.ok ? "ok" : outcome.failure.code);
      });
      if (i % 100 === 0) cluster.timeline.run(5);
    }
    cluster.timeline.run(50);
    cluster.node("n1").setBucketConfig("onemore", { r: "one" }, (outcome) => {
      codes.push(outcome.ok ? "ok" : outcome.failure.code);
    });
    expect(codes.at(-1)).toBe("bad-parameter");
    cluster.node("n1").setBucketConfig("b1", { r: "all" }, () => {});
    cluster.timeline.run(50);
    expect(cluster.node("n1").bucketConfig("b1").r).toBe("all");
  });
});
