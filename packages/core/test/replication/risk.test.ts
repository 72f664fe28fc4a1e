/** "What could I lose right now?": each thing that is not as it should be is said, and one line when there is none (issue 6). */
import { describe, expect, it } from "vitest";
import { assessRisk, type MemberRisk, type RiskFacts, type RiskView } from "../../src/replication/risk.js";

const calm: MemberRisk = {
  ...{ upMs: 600_000, filling: [], damaged: 0, hints: 0, oldestHintAgeMs: 0, tombstones: 0 },
  oldestTombstone: undefined,
  compared: [],
};
const names = ["n1", "n2", "n3"];
const since = (...others: readonly (readonly [string, number])[]): MemberRisk["compared"] =>
  others.map(([name, agoMs]) => ({ name, agoMs }));
const all: Readonly<Record<string, MemberRisk>> = {
  n1: { ...calm, compared: since(["n2", 10_000], ["n3", 20_000]) },
  n2: { ...calm, compared: since(["n1", 30_000], ["n3", 40_000]) },
  n3: calm,
};

function assess(said: Readonly<Record<string, MemberRisk>> = all, more: Partial<RiskFacts> = {}): RiskView {
  return assessRisk({
    replicas: 3,
    members: names.map((name) => ({ name, status: "up" })),
    owners: [names, names],
    said: new Map(Object.entries(said)),
    conflicts: 0,
    nowMs: 10_000_000,
    comparedStaleMs: 60_000,
    tombstoneOldMs: 900_000,
    ...more,
  });
}

describe("risk", () => {
  it("is one line when all is well", () => {
    const view = assess();
    expect(view).toMatchObject({ ok: true, compared: { stale: 0, longestAgoMs: 40_000 }, membersDown: [] });
    expect(view.lines).toEqual([
      "nothing is at risk: 3 members up, every partition on 3 live replicas, no hints, no conflicts, all compared within 40 s",
    ]);
  });

  it("names members that are down, and the partitions that have too few live replicas for it", () => {
    const { n1, n2 } = all as { n1: MemberRisk; n2: MemberRisk };
    const view = assess({ n1, n2 });
    expect(view).toMatchObject({ ok: false, membersDown: ["n3"] });
    expect(view.underReplicated).toEqual({ partitions: 2, fewest: 2, partition: 0 });
    expect(view.lines[0]).toBe("n3 is down");
  });

  it("counts no replica that is still being filled", () => {
    const view = assess({ ...all, n2: { ...(all["n2"] as MemberRisk), filling: [1] } });
    expect(view.underReplicated).toEqual({ partitions: 1, fewest: 2, partition: 1 });
  });

  it("says that a cluster is too small for its replicas", () => {
    const view = assess({ n1: calm }, { members: [{ name: "n1", status: "up" }], owners: [["n1"]] });
    expect(view.lines.join()).toContain("the cluster has 1 member, add some");
    expect(view.compared).toEqual({ stale: 0, longestAgoMs: null });
  });

  it("tells the oldest hint, the oldest tombstone that waits too long, and where they are", () => {
    const oldestTombstone = { bucket: "b", key: "k", since: 1_000_000, why: "n3 is away" };
    const n1 = { ...(all["n1"] as MemberRisk), hints: 2, oldestHintAgeMs: 5_000 };
    const n2 = { ...(all["n2"] as MemberRisk), hints: 1, oldestHintAgeMs: 90_000, tombstones: 4, oldestTombstone };
    const view = assess({ n1, n2, n3: calm });
    expect(view.hints).toEqual({ count: 3, oldestAgeMs: 90_000, on: "n2" });
    expect(view.tombstones).toEqual({ count: 4, oldest: { ...oldestTombstone, on: "n2" } });
    expect(view.lines).toHaveLength(2);
    expect(view.lines[1]).toContain("n3 is away");
    expect(assess({ n1, n2, n3: calm }, { nowMs: 1_500_000 }).lines).toHaveLength(1);
  });

  it("counts a pair that was never compared from when both were there", () => {
    const fresh = Object.fromEntries(names.map((name) => [name, { ...calm, upMs: 30_000 }]));
    expect(assess(fresh)).toMatchObject({ ok: true, compared: { longestAgoMs: 30_000 } });
    const old = { ...fresh, n1: { ...calm, upMs: 70_000 }, n2: { ...calm, upMs: 80_000 } };
    expect(assess(old).compared).toEqual({ stale: 2, longestAgoMs: 70_000 });
  });

  it("tells of conflicts and damage, and when conflicts could not be counted", () => {
    expect(assess(all, { conflicts: 7 }).lines.join()).toContain("7 keys are in conflict");
    expect(assess(all, { conflicts: 1 }).lines.join()).toContain("1 key is in conflict and waits");
    expect(assess(all, { conflicts: undefined })).toMatchObject({ ok: false, conflicts: null });
    expect(assess({ ...all, n3: { ...calm, damaged: 2 } })).toMatchObject({ ok: false, damaged: 2 });
  });
});
