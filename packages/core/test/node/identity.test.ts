/** Who a node is, and who may be one (TRAPS 3, 21; DESIGN §4, §6): joins, replacements, copies, removed members, damaged folders. */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/base/failure.js";
import type { BucketConfig } from "../../src/node/api.js";
import { bootMetaName, decodeBoot } from "../../src/node/actors.js";
import type { ReadOutcome } from "../../src/ports/storage.js";
import { testPrimitives } from "../primitives.js";
import { formatActor, formatDot } from "../../src/versions/actor.js";
import { valued } from "../../src/versions/key-state.js";
import { TestCluster } from "./cluster.js";
import { TestStorage } from "./test-storage.js";

/** The same bytes on another disk. */
function copyOf(cluster: TestCluster, storage: TestStorage): TestStorage {
  return new TestStorage((delayMs, run) => void cluster.timeline.after(delayMs, run), storage.disk.clone());
}

describe("joining", () => {
  it("is done once, whatever the welcome takes: a slow disk at the seed is no reason to ask for ever", () => {
    const cluster = TestCluster.of(1);
    cluster.member("n1").storage.flushMs = 1_000;
    cluster.start("n2");
    cluster.settle();
    expect(
      cluster
        .node("n1")
        .membership.roster.members()
        .map(({ name }) => name),
    ).toEqual(["n1", "n2"]);
  });

  it("that was broken off after the welcome was written goes on as the same instance", () => {
    const cluster = TestCluster.of(2);
    const joiner = cluster.start("n3");
    // It has asked; the process dies before it can keep the answer.
    cluster.timeline.until(() => cluster.node("n1").membership.roster.isMember("n3"), 1_000, "n3 is known");
    expect(joiner.node).toBe(undefined);
    cluster.cutPower("n3");
    cluster.timeline.run(50);
    const again = cluster.restart("n3");
    cluster.settle();
    expect(again.fatal).toBe(undefined);
  });

  it("passes by a member that can't take anybody in, and ends at one that would not", () => {
    const cluster = TestCluster.of(1);
    cluster.member("n1").storage.full = true;
    const second = cluster.start("n2");
    cluster.timeline.run(2_000);
    expect([second.fatal, second.node]).toEqual([undefined, undefined]);
    cluster.member("n1").storage.full = false;
    cluster.settle();
    const rival = cluster.launchAs("n2", "n2b:7401", cluster.emptyStorage());
    cluster.timeline.run(2_000);
    expect(rival.fatal).toMatch(/^config: joining was refused: a member named n2 is up/);
  });

  it("of two under one name at one moment, at two members, leaves one", () => {
    const cluster = TestCluster.of(2);
    const first = cluster.launchAs("n3", "a:7401", cluster.emptyStorage(), ["n1:7401"]);
    const second = cluster.launchAs("n3", "b:7401", cluster.emptyStorage(), ["n2:7401"]);
    cluster.timeline.run(5_000);
    const members = cluster.node("n1").membership.roster.members();
    expect(members.map(({ name }) => name)).toEqual(["n1", "n2", "n3"]);
    expect([first.fatal, second.fatal].filter((fatal) => fatal === undefined)).toHaveLength(1);
  });
});

describe("a data folder is one member, once", () => {
  it("restarted it needs no seeds, and is who it was", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { w: "all" });
    const instance = cluster.node("n2").membership.roster.members()[1]?.instance;
    cluster.kill("n2");
    cluster.restart("n2");
    cluster.settle();
    expect(cluster.node("n2").membership.roster.members()[1]?.instance).toBe(instance);
    expect(cluster.values("n2", "k", { local: true })).toEqual(["v"]);
  });

  it("a copy that starts elsewhere while the original lives is refused, and the original lives on", () => {
    const cluster = TestCluster.of(3);
    const copy = cluster.launchAs("n2", "elsewhere:7401", copyOf(cluster, cluster.member("n2").storage));
    cluster.timeline.run(5_000);
    expect(copy.fatal).toMatch(/^identity: .*copied or restored/);
    expect(cluster.member("n2").fatal).toBe(undefined);
    expect(
      cluster
        .node("n1")
        .cluster()
        .members.map(({ status }) => status),
    ).toEqual(["up", "up", "up"]);
  });

  it("moved to another address after its end it simply goes on", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { w: "all" });
    const { storage } = cluster.member("n2");
    cluster.stop("n2");
    const moved = cluster.launchAs("n2", "elsewhere:7401", storage);
    cluster.timeline.until(
      () => cluster.node("n1").membership.roster.addressOf("n2")?.address === "elsewhere:7401",
      5_000,
      "moved",
    );
    expect(moved.fatal).toBe(undefined);
    expect(cluster.values("n1", "k", { r: "all" })).toEqual(["v"]);
  });

  it("a folder put back from a backup is older than the cluster remembers, and stops", () => {
    const cluster = TestCluster.of(3);
    const backup = copyOf(cluster, cluster.member("n2").storage);
    for (let i = 0; i < 2; i++) {
      cluster.kill("n2");
      cluster.restart("n2");
      cluster.settle();
    }
    cluster.kill("n2");
    const restored = cluster.start("n2", backup);
    cluster.timeline.run(5_000);
    expect(restored.fatal).toMatch(/^identity: .*copied or restored/);
    // However orderly it ends now: somebody else has minted as this instance.
    cluster.stop("n2");
    const last = cluster.wait<ReadOutcome>((done) => backup.getMeta(bootMetaName, done));
    expect(decodeBoot(testPrimitives, last)).toMatchObject({ clean: false });
  });

  it("a folder put back is found out by its first start too, when that was cut off before anybody was asked", () => {
    const cluster = TestCluster.of(3);
    cluster.kill("n2");
    const backup = copyOf(cluster, cluster.member("n2").storage);
    cluster.restart("n2");
    cluster.settle();
    cluster.kill("n2");
    // Counted alike now; and one further than the cluster remembers with the next start.
    const first = cluster.start("n2", backup);
    cluster.timeline.until(() => first.node !== undefined, 1_000, "it has begun", 1);
    cluster.kill("n2");
    const second = cluster.start("n2", backup);
    cluster.timeline.run(5_000);
    expect(second.fatal).toMatch(/^identity: .*copied or restored/);
  });

  it("a folder put back takes nothing back that the true one had told: the others tell it in its place", () => {
    const cluster = TestCluster.of(3);
    cluster.kill("n2");
    const backup = copyOf(cluster, cluster.member("n2").storage);
    cluster.restart("n2");
    cluster.settle();
    const said = cluster.wait<Outcome<BucketConfig>>((reply) =>
      cluster.node("n2").setBucketConfig("b", { conflicts: "lww" }, reply),
    );
    expect(said.ok).toBe(true);
    cluster.launchAs("n4", "n4:7401", cluster.emptyStorage(), ["n2:7401"]);
    cluster.timeline.until(() => cluster.node("n1").membership.roster.isMember("n4"), 5_000, "n4 is known");
    cluster.timeline.run(2_000);
    cluster.kill("n2");
    for (const [name, lastsMs] of [
      ["its first start", 1],
      ["its second", 5_000],
    ] as const) {
      const copy = cluster.start("n2", backup);
      cluster.timeline.until(() => copy.node !== undefined, 1_000, name, 1);
      cluster.timeline.run(lastsMs);
      if (lastsMs === 1) cluster.kill("n2");
      else expect(copy.fatal).toMatch(/^identity: .*copied or restored/);
    }
    for (const name of ["n1", "n3"]) {
      cluster.kill(name);
      const again = cluster.restart(name);
      cluster.timeline.until(() => again.node !== undefined, 1_000, `${name} is up again`);
      expect(cluster.node(name).membership.roster.isMember("n4")).toBe(true);
      expect(cluster.node(name).bucketConfig("b").conflicts).toBe("lww");
    }
  });

  it("a folder whose starts are cut off again and again is still itself", () => {
    const cluster = TestCluster.of(3);
    const { storage } = cluster.member("n2");
    for (let i = 0; i < 20; i++) {
      cluster.kill("n2");
      const member = cluster.start("n2", storage);
      cluster.timeline.until(() => member.node !== undefined, 1_000, "it has begun", 1);
      if (i % 3 === 0) cluster.timeline.run(200);
      expect(member.fatal).toBe(undefined);
    }
    cluster.settle();
    cluster.timeline.run(5_000);
    expect(cluster.member("n2").fatal).toBe(undefined);
    expect(cluster.node("n2").ready()).toBe(true);
  });

  it("an old copy of a cluster's only member mints no dot that was minted since it was taken: nobody could ever say what it is", () => {
    const cluster = TestCluster.of(1);
    const dotOf = (key: string): string =>
      valued(cluster.stateOf(cluster.get("n1", key)))
        .map(({ dot }) => formatDot(dot))
        .join();
    cluster.put("n1", "k", "before");
    cluster.stop("n1");
    const backup = copyOf(cluster, cluster.member("n1").storage);
    cluster.restart("n1");
    cluster.settle();
    const lost = ["k", "new"].map((key) => {
      cluster.put("n1", key, "lost");
      return dotOf(key);
    });
    cluster.kill("n1");
    const restored = cluster.start("n1", backup);
    cluster.timeline.until(() => restored.node?.ready() === true, 1_000, "it is ready at once");
    for (const key of ["k", "new"]) {
      cluster.put("n1", key, "by the copy");
      expect(lost.filter((dot) => dotOf(key).includes(dot))).toEqual([]);
    }
  });

  describe("until it has heard that it is no old copy, a folder that was started again", () => {
    /** n2 in three lives; a copy of its folder as it was in the first. Only n1 and n3 are there to remember. */
    function withBackup(): { readonly cluster: TestCluster; readonly backup: TestStorage } {
      const cluster = TestCluster.of(3, 1, { hints: false, antiEntropy: false });
      cluster.put("n2", "old", "v", { w: "all" });
      cluster.stop("n2");
      const backup = copyOf(cluster, cluster.member("n2").storage);
      cluster.restart("n2");
      cluster.settle();
      for (let i = 0; i < 5; i++) cluster.put("n2", `k${i}`, "by the original", { w: "all" });
      cluster.kill("n2");
      return { cluster, backup };
    }

    it("mints no dot that it may have minted before, and proves no absence", () => {
      const { cluster, backup } = withBackup();
      const dotsOf = (name: string, key: string): string[] =>
        valued(cluster.stateOf(cluster.get(name, key, { local: true }))).map(({ dot }) => formatDot(dot));
      const before = new Set(["old", "k0", "k1", "k2", "k3", "k4"].flatMap((key) => dotsOf("n1", key)));
      for (const other of ["n1", "n3"]) cluster.cut("n2", other);
      const restored = cluster.start("n2", backup);
      cluster.timeline.run(50);
      expect(cluster.get("n2", "k0", { local: true })).toMatchObject({ ok: false });
      for (const key of ["old", "k0", "new"]) {
        expect(cluster.put("n2", key, "by the copy", { w: 1, sloppy: false })).toMatchObject({ ok: true });
      }
      for (const key of ["old", "k0", "new"]) {
        const minted = dotsOf("n2", key).filter((dot) => !dotsOf("n1", key).includes(dot));
        expect(minted).toHaveLength(1);
        for (const dot of minted) expect(before.has(dot)).toBe(false);
      }
      for (const other of ["n1", "n3"]) cluster.heal("n2", other);
      cluster.timeline.until(() => restored.fatal !== undefined, 20_000, "it is found out");
      expect(restored.fatal).toMatch(/^identity: .*copied or restored/);
    });

    it("goes on as it was once others have answered, and also when nobody is there to ask", () => {
      const cluster = TestCluster.of(3);
      cluster.put("n2", "k", "v", { w: "all" });
      const actorOf = (): string[] =>
        valued(cluster.stateOf(cluster.get("n2", "k"))).map(({ dot }) => formatActor(dot.actor));
      const [actor] = actorOf();
      cluster.stop("n2");
      cluster.restart("n2");
      cluster.settle();
      expect(cluster.node("n2").isInDoubt(cluster.place("k").partition)).toBe(false);
      cluster.put("n2", "k", "w", { context: cluster.contextOf("n2", "k") });
      expect(actorOf()).toEqual([actor]);
      for (const name of ["n1", "n2", "n3"]) cluster.kill(name);
      cluster.restart("n2");
      cluster.timeline.until(
        () => cluster.member("n2").node !== undefined && cluster.get("n2", "k", { local: true }).ok,
        10_000,
        "it answers though it is alone",
      );
    });

    it("is refused for ever once it was found out, however often it is started", () => {
      const { cluster, backup } = withBackup();
      const restored = cluster.start("n2", backup);
      cluster.timeline.until(() => restored.fatal !== undefined, 5_000, "it is found out");
      cluster.stop("n2");
      const again = cluster.start("n2", backup);
      cluster.timeline.run(1_000);
      expect(again.fatal).toMatch(/^folder: .*refused for ever/);
    });
  });

  it("the replaced instance is refused when it comes back", () => {
    const cluster = TestCluster.of(3);
    const old = cluster.member("n3").storage;
    cluster.kill("n3");
    cluster.timeline.run(15_000);
    cluster.start("n3", cluster.emptyStorage());
    cluster.settle();
    const back = cluster.launchAs("n3", "old:7401", old);
    cluster.timeline.run(2_000);
    expect(back.fatal).toMatch(/^identity: .*taken by a new instance/);
    expect(cluster.member("n3").fatal).toBe(undefined);
  });

  it("the removed instance is refused at the handshake, and gossip does not bring it back", () => {
    const cluster = TestCluster.of(3);
    const removed = cluster
      .node("n1")
      .membership.roster.members()
      .find(({ name }) => name === "n3");
    const by = cluster.node("n1").membership.roster.members()[0]?.instance ?? 0;
    const stamp = cluster.stampNow();
    cluster.kill("n3");
    cluster.wait<boolean>((done) =>
      cluster
        .node("n1")
        .membership.roster.record({ kind: "removed", stamp, by, name: "n3", instance: removed?.instance ?? 0 }, done),
    );
    cluster.timeline.run(2_000);
    const back = cluster.restart("n3");
    cluster.timeline.run(5_000);
    expect(back.fatal).toMatch(/^identity: .*removed from the cluster/);
    for (const name of ["n1", "n2"]) expect(cluster.node(name).membership.roster.isMember("n3")).toBe(false);
  });

  it("one that can't tell whose it is, or what it has told the cluster, is refused with a line that tells what to do", () => {
    for (const [prefix, says] of [
      ["identity", /can't tell whose it is/],
      ["boot", /can't tell how often/],
      ["own/fact/member", /can't tell what this member has told/],
    ] as const) {
      const cluster = TestCluster.of(2);
      cluster.stop("n1");
      expect(cluster.member("n1").storage.damageMeta(prefix)).toBeGreaterThan(0);
      const restarted = cluster.restart("n1");
      cluster.timeline.run(1_000);
      expect(restarted.fatal).toMatch(/^folder: /);
      expect(restarted.fatal).toMatch(says);
      expect(restarted.fatal).toMatch(/empty folder/);
    }
  });

  it("damaged facts of others, and where it was reached, it hears or says anew", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n2", "k", "v", { w: "all" });
    cluster.stop("n2");
    cluster.member("n2").storage.damageMeta("origin/");
    cluster.member("n2").storage.damageMeta("own/fact/address");
    cluster.member("n2").storage.damageMeta("whole");
    cluster.restart("n2");
    cluster.settle();
    expect(cluster.values("n2", "k", { local: true })).toEqual(["v"]);
  });

  it("a seed of another cluster is found out at the start, and is nobody's business later", () => {
    const cluster = TestCluster.of(2);
    const stranger = cluster.launchAs("x1", "x1:7401", cluster.emptyStorage(), []);
    cluster.timeline.run(100);
    expect(stranger.node).toBeDefined();
    cluster.kill("n2");
    const lost = cluster.launchAs("n2", "n2:7401", cluster.member("n2").storage, ["x1:7401"]);
    cluster.timeline.run(1_000);
    expect(lost.fatal).toMatch(/^identity: the seed x1:7401 is of another cluster/);
    cluster.node("n1").refused("x1:7401", "cluster 0: another");
    expect(cluster.member("n1").fatal).toBe(undefined);
  });
});

describe("a fact is on disk before anybody hears of it", () => {
  it("a member event that could not be kept is not gossiped", () => {
    const cluster = TestCluster.of(2);
    cluster.member("n1").storage.full = true;
    const by = cluster.node("n1").membership.roster.members()[0]?.instance ?? 0;
    const event = { kind: "removed", stamp: cluster.stampNow(), by, name: "n2", instance: 1 } as const;
    const kept = cluster.wait<boolean>((done) => cluster.node("n1").membership.roster.record(event, done));
    cluster.timeline.run(1_000);
    expect(kept).toBe(false);
    expect(cluster.node("n2").ring.events.some(({ kind }) => kind === "removed")).toBe(false);
  });
});
