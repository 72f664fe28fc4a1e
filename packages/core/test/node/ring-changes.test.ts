/** Partitions change hands in three phases while requests are served (DESIGN §3; Dynamo §4.9; TRAPS 15, 23). */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/base/failure.js";
import type { ChangeView } from "../../src/node/api.js";
import type { Placement } from "../../src/node/placement.js";
import { TestCluster } from "./cluster.js";

const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
const strict = { sloppy: false } as const;

/** Every owner of each key, asked by itself, has the value. */
function expectEverywhere(cluster: TestCluster, value: string): void {
  for (const key of keys) {
    const { all } = placement(cluster, "n1", key);
    for (const name of all)
      expect([key, name, cluster.values(name, key, { local: true })]).toEqual([key, name, [value]]);
  }
}

function placement(cluster: TestCluster, at: string, key: string): Placement {
  return cluster.node(at).placement(cluster.place(key).partition);
}

function putAll(cluster: TestCluster, value = "v"): void {
  for (const key of keys) expect(cluster.put("n1", key, value, { w: "all" }).ok).toBe(true);
}

describe("a member that leaves", () => {
  it("hands over all that it holds, is removed by its own hand, and ends; nothing it held stays with it", () => {
    const cluster = TestCluster.of(4);
    putAll(cluster);
    cluster.leave("n4");
    cluster.settle();
    expect(cluster.node("n1").membership.roster.isMember("n4")).toBe(false);
    expectEverywhere(cluster, "v");
    for (const key of keys) expect(placement(cluster, "n1", key).all).toHaveLength(3);
  });

  it("tells at its next start that it had left, when its process ended before anybody heard", () => {
    const cluster = TestCluster.of(4);
    const isMember = (by: string): boolean => cluster.node(by).membership.roster.isMember("n4");
    const isSettled = (name: string): boolean => cluster.node(name).membership.settled();
    cluster.node("n1").leave("n4", () => {});
    cluster.timeline.until(() => !isMember("n4"), 60_000, "n4 has written its removal");
    // Nothing has had the time to travel yet.
    for (const other of ["n1", "n2", "n3"]) cluster.cut("n4", other);
    cluster.cutPower("n4");
    cluster.timeline.run(1_000);
    expect(["n1", "n2", "n3"].map(isMember)).toEqual([true, true, true]);
    for (const other of ["n1", "n2", "n3"]) cluster.heal("n4", other);
    for (const _ of ["tells them", "is told by them"]) {
      const member = cluster.restart("n4");
      cluster.timeline.until(() => member.fatal !== undefined, 10_000, "n4 ends again", 10);
      expect(member.fatal).toMatch(/^identity: removed: n4 was removed/);
      cluster.kill("n4");
      const isHeard = (): boolean => ["n1", "n2", "n3"].every((name) => !isMember(name) && isSettled(name));
      cluster.timeline.until(isHeard, 10_000, "the others have heard, and are settled", 10);
    }
  });

  it("leaves what it alone held to everybody who stays, where fewer owners are left", () => {
    const cluster = TestCluster.of(3, 1, { hints: false, antiEntropy: false, readRepair: false });
    cluster.cut("n3", "n1");
    cluster.cut("n3", "n2");
    for (const key of keys) expect(cluster.put("n3", key, "alone", { w: 1, ...strict }).ok).toBe(true);
    cluster.heal("n3", "n1");
    cluster.heal("n3", "n2");
    cluster.settle();
    cluster.leave("n3");
    cluster.settle();
    expectEverywhere(cluster, "alone");
  });

  it("keeps writes alive that are made while it leaves, in every phase", () => {
    const cluster = TestCluster.of(5);
    putAll(cluster, "old");
    cluster.node("n1").leave("n5", () => {});
    const names = ["n1", "n2", "n3", "n4"];
    let writes = 0;
    for (let round = 0; cluster.member("n5").departed !== true; round++) {
      const key = keys[round % keys.length] as string;
      const context = cluster.get(names[round % 4] as string, key, { r: "quorum", ...strict });
      expect(context.ok).toBe(true);
      if (!context.ok) return;
      const through = names[(round + 1) % 4] as string;
      const written = cluster.put(through, key, `${round}`, { context: context.value.context, ...strict });
      expect([round, written.ok]).toEqual([round, true]);
      expect(cluster.values(names[(round + 2) % 4] as string, key, strict)).toEqual([`${round}`]);
      writes++;
      cluster.timeline.run(3);
    }
    expect(writes).toBeGreaterThan(20);
  });

  it("is waited for by nobody else's requests once it is gone, and never comes back under its old instance", () => {
    const cluster = TestCluster.of(4);
    const { storage } = cluster.member("n4");
    cluster.leave("n4");
    const late = cluster.launchAs("n4", "n4:7401", storage);
    cluster.timeline.until(() => late.fatal !== undefined, 20_000, "the old folder is refused");
    expect(late.fatal).toMatch(/identity: removed/);
  });

  it("is not asked of the last one, nor of a stranger", () => {
    const cluster = TestCluster.of(1);
    const answers: unknown[] = [];
    cluster.node("n1").leave("n1", (outcome) => answers.push(outcome));
    cluster.node("n1").leave("n9", (outcome) => answers.push(outcome));
    expect(answers).toMatchObject([{ failure: { code: "bad-parameter" } }, { failure: { code: "not-found" } }]);
  });
});

describe("a member that is removed", () => {
  it("must be down, unless forced; then its copies are made anew, and the answer says how many keys are below N until then", () => {
    const cluster = TestCluster.of(4);
    putAll(cluster);
    const held = keys.filter((key) => cluster.owners(key).includes("n4")).length;
    expect(cluster.remove("n4")).toMatchObject({ ok: false, failure: { code: "member-alive", effect: "none" } });
    cluster.kill("n4");
    cluster.timeline.run(16_000);
    expect(cluster.remove("n4")).toMatchObject({
      ok: true,
      value: { keysBelowN: held, partitionsAtRisk: 0, fewestReplicas: 2 },
    });
    cluster.settle();
    expectEverywhere(cluster, "v");
  });

  it("says where too few owners are left to be sure of what was acknowledged", () => {
    const cluster = TestCluster.of(4);
    for (const name of ["n3", "n4"]) cluster.kill(name);
    cluster.timeline.run(16_000);
    const removed = cluster.remove("n4");
    expect(removed.ok && removed.value.partitionsAtRisk > 0).toBe(true);
  });

  it("while it is down holds a change where it is, and what is written then is written to old and new owners", () => {
    const cluster = TestCluster.of(4);
    putAll(cluster);
    cluster.kill("n4");
    cluster.start("n5");
    cluster.timeline.run(20_000);
    expect(cluster.node("n1").membership.settled()).toBe(false);
    for (const key of keys) expect(placement(cluster, "n1", key).phase).not.toBe(2);
    expect(cluster.put("n1", "k0", "w", strict).ok).toBe(true);
    cluster.remove("n4");
    cluster.settle();
    for (const key of keys) expect(placement(cluster, "n5", key).phase).toBe(3);
    expect(cluster.node("n5").stats().liveKeys).toBeGreaterThan(0);
  });

  it("in the middle of its own join takes its changes back to where they began", () => {
    const cluster = TestCluster.of(3);
    putAll(cluster);
    cluster.start("n4");
    cluster.timeline.until(
      () => keys.some((key) => placement(cluster, "n1", key).phase === 1),
      5_000,
      "a change is open",
    );
    cluster.kill("n4");
    cluster.timeline.run(16_000);
    cluster.remove("n4");
    cluster.settle();
    for (const key of keys) expect([...placement(cluster, "n1", key).all].sort()).toEqual(["n1", "n2", "n3"]);
    expectEverywhere(cluster, "v");
  });
});

describe("two changes at once", () => {
  it("fold into one ring, whoever asked for them", () => {
    const cluster = TestCluster.of(4);
    putAll(cluster);
    cluster.start("n5");
    cluster.node("n2").leave("n4", () => {});
    cluster.timeline.until(() => cluster.member("n4").departed === true, 60_000, "n4 has left", 10);
    cluster.stop("n4");
    cluster.members.delete("n4");
    cluster.settle();
    expectEverywhere(cluster, "v");
    expect(new Set(["n1", "n2", "n3", "n5"].map((name) => cluster.node(name).ring.version)).size).toBe(1);
  });
});

describe("a crash in the middle of a change", () => {
  it.each(["n1", "n2", "n4"])("of %s holds it, and its return completes it", (victim) => {
    const cluster = TestCluster.of(3);
    putAll(cluster);
    cluster.start("n4");
    cluster.timeline.until(
      () => keys.some((key) => placement(cluster, "n2", key).phase < 3),
      5_000,
      "a change is open",
    );
    cluster.cutPower(victim);
    cluster.timeline.run(3_000);
    cluster.restart(victim);
    cluster.settle();
    expectEverywhere(cluster, "v");
  });
});

describe("what is left behind", () => {
  it("is swept from those that own it no more", () => {
    const cluster = TestCluster.of(3);
    putAll(cluster);
    cluster.start("n4");
    cluster.settle();
    cluster.timeline.run(5_000);
    for (const name of ["n1", "n2", "n3"]) {
      for (const key of keys) {
        if (placement(cluster, name, key).all.includes(name)) continue;
        expect(cluster.member(name).storage.disk.partitions.get(cluster.place(key).partition) ?? []).toHaveLength(0);
      }
    }
  });
});

describe("a look at a change", () => {
  it("says that too few would be left for N", () => {
    const cluster = TestCluster.of(3);
    const views: Outcome<ChangeView>[] = [];
    cluster.node("n1").planChange({ change: "leave", name: "n3" }, (view) => views.push(view));
    cluster.timeline.run(1_000);
    expect(views).toMatchObject([{ ok: true, value: { fewestReplicas: 3, fewestAfter: 2 } }]);
  });

  it("says what a join, a leave and a removal would move, and changes nothing", () => {
    const cluster = TestCluster.of(4);
    putAll(cluster);
    const before = cluster.node("n1").ring.version;
    const views: Outcome<ChangeView>[] = [];
    const node = cluster.node("n2");
    node.planChange({ change: "join", name: "n5", zone: "default", weight: 1 }, (view) => views.push(view));
    node.planChange({ change: "leave", name: "n4" }, (view) => views.push(view));
    node.planChange({ change: "remove", name: "n4" }, (view) => views.push(view));
    cluster.timeline.run(1_000);
    const change = (view: Outcome<ChangeView> | undefined): string => (view?.ok === true ? view.value.change : "");
    views.sort((a, b) => change(a).localeCompare(change(b)));
    expect(views).toMatchObject([
      { ok: true, value: { change: "join", fewestReplicas: 3, unreached: [], arrivals: [{ to: "n5" }] } },
      { ok: true, value: { change: "leave", fewestReplicas: 3, fewestAfter: 3 } },
      { ok: true, value: { change: "remove", fewestReplicas: 2 } },
    ]);
    const leave = views.find((view) => change(view) === "leave");
    expect(leave?.ok === true && leave.value.keys).toBe(
      keys.filter((key) => cluster.owners(key).includes("n4")).length,
    );
    expect(cluster.node("n1").ring.version).toBe(before);
  });
});
