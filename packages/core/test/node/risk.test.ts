/** The risk of a whole cluster, asked through any member (issue 6). */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/base/failure.js";
import type { RiskView } from "../../src/node/api.js";
import { TestCluster } from "./cluster.js";

function risk(cluster: TestCluster, name: string): RiskView {
  const outcome = cluster.wait<Outcome<RiskView>>((done) => cluster.node(name).risk(2_000, done));
  if (!outcome.ok) throw new Error(outcome.failure.detail);
  return outcome.value;
}

describe("the risk of a cluster", () => {
  it("is nothing on a quiet day, the same through every member", () => {
    const cluster = TestCluster.of(3, 1, { antiEntropyIntervalMs: 2_000 });
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.timeline.run(30_000);
    for (const name of ["n1", "n2", "n3"]) {
      const view = risk(cluster, name);
      expect([view.ok, view.lines.length]).toEqual([true, 1]);
      expect(view.compared.longestAgoMs).toBeLessThan(20_000);
    }
  });

  it("names a member that is down, what it lacks, and conflicts", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "one");
    cluster.put("n2", "k", "two");
    cluster.kill("n3");
    cluster.timeline.run(20_000);
    cluster.put("n1", "gone", "v");
    cluster.put("n1", "gone", undefined);
    cluster.timeline.run(20_000);
    const view = risk(cluster, "n2");
    expect(view).toMatchObject({ ok: false, membersDown: ["n3"], conflicts: 1 });
    expect(view.underReplicated).toMatchObject({ partitions: 64, fewest: 2 });
    expect(view.hints.count).toBeGreaterThan(0);
    expect(view.tombstones).toMatchObject({ count: 2, oldest: { bucket: "b", key: "gone" } });
    expect(view.tombstones.oldest?.why).toContain("n3");
  });
});
