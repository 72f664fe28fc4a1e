/** A dot is never reused (DESIGN §4; TRAPS 1, 2, 3): a node that may have forgotten what it minted goes on as another actor. */
import { describe, expect, it } from "vitest";
import { valued } from "../../src/versions/key-state.js";
import { formatActor, formatDot } from "../../src/versions/actor.js";
import { TestCluster } from "./cluster.js";

/** The actors of the live siblings of `k` as one node holds them. */
function actorsOf(cluster: TestCluster, name = "n1", key = "k"): string[] {
  return valued(cluster.stateOf(cluster.get(name, key, { local: true }))).map(({ dot }) => formatActor(dot.actor));
}

function newestActor(cluster: TestCluster, through = "n1"): string {
  const context = cluster.contextOf(through, "k");
  expect(cluster.put(through, "k", `v${cluster.timeline.nowMs}`, { context, w: "all" }).ok).toBe(true);
  return actorsOf(cluster, through)[0] as string;
}

/** Every node shows these values of `k`, each under a dot of its own: two contents under one dot would both be shown, and are damage. */
function expectAll(cluster: TestCluster, values: readonly string[]): void {
  for (const name of ["n1", "n2", "n3"]) {
    expect(cluster.values(name, "k")).toEqual(values);
    const dots = valued(cluster.stateOf(cluster.get(name, "k"))).map(({ dot }) => formatDot(dot));
    expect(new Set(dots).size).toBe(values.length);
  }
}

describe("an actor is one local lifetime of a key", () => {
  it("goes on from write to write, and births are counted by lifetimes, not by writes", () => {
    const cluster = TestCluster.of(3);
    for (let i = 0; i < 5; i++)
      cluster.put("n1", "k", `v${i}`, { context: i === 0 ? new Uint8Array() : cluster.contextOf("n1", "k") });
    const [first] = actorsOf(cluster);
    cluster.put("n1", "other", "v");
    const [second] = actorsOf(cluster, "n1", "other");
    const birth = (actor = ""): number => Number(actor.split(".")[2]);
    expect(birth(second)).toBe(birth(first) + 1);
  });

  it("a clean stop keeps actors", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { w: "all" });
    const before = newestActor(cluster);
    cluster.stop("n1");
    cluster.restart("n1");
    cluster.settle();
    expect(newestActor(cluster)).toBe(before);
  });

  it("an unclean stop retires them", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { w: "all" });
    const before = newestActor(cluster);
    cluster.kill("n1");
    cluster.restart("n1");
    cluster.settle();
    expect(newestActor(cluster)).not.toBe(before);
  });

  it("a damaged record retires them, once, and makes even a clean stop keep only those that came after", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.put("n1", "bad", "v", { w: "all" });
    const before = newestActor(cluster);
    cluster.member("n1").storage.damage(cluster.place("bad"));
    for (let i = 0; i < 3; i++) cluster.get("n1", "bad", { local: true });
    const after = newestActor(cluster);
    expect(after).not.toBe(before);
    expect(newestActor(cluster)).toBe(after);
    // Healed by a read: what is damaged still at the next start would retire all anew.
    expect(cluster.values("n1", "bad")).toEqual(["v"]);
    cluster.timeline.run(100);
    cluster.stop("n1");
    cluster.restart("n1");
    cluster.settle();
    expect(newestActor(cluster)).toBe(after);
  });

  it("a record damaged while the node was down retires them at the start, before anybody reads it", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.put("n1", "bad", "v", { w: "all" });
    const before = newestActor(cluster);
    cluster.stop("n1");
    cluster.member("n1").storage.damage(cluster.place("bad"));
    cluster.restart("n1");
    cluster.settle();
    cluster.timeline.run(500);
    expect(cluster.node("n1").stats().damagedRecords).toBe(1);
    expect(newestActor(cluster)).not.toBe(before);
  });

  it("a dot that left before its flush is not minted again after a power cut", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "first", { w: "all" });
    cluster.member("n1").storage.flushMs = 500;
    const put = cluster.put("n1", "k", "second");
    expect(put.ok).toBe(true);
    cluster.cutPower("n1");
    cluster.restart("n1");
    cluster.settle();
    // Its own disk knows only of the first; it must not name the third as it named the second.
    expect(cluster.put("n1", "k", "third").ok).toBe(true);
    expectAll(cluster, ["first", "second", "third"]);
  });

  it("a dot that left while the disk was full is not minted again when there is room", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "first", { w: "all" });
    cluster.member("n1").storage.full = true;
    expect(cluster.put("n1", "k", "second").ok).toBe(true);
    cluster.timeline.run(50);
    cluster.member("n1").storage.full = false;
    expect(cluster.put("n1", "k", "third").ok).toBe(true);
    expectAll(cluster, ["first", "second", "third"]);
  });

  it("a stop is not clean when its last flush found no space", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "first", { w: "all" });
    const { storage } = cluster.member("n1");
    storage.flushMs = 50;
    storage.full = true;
    // Answered by the other two; here it is on its way to a full disk when the stop begins, and there is room again right after.
    cluster.timeline.after(55, () => (storage.full = false));
    expect(cluster.put("n1", "k", "lost here").ok).toBe(true);
    cluster.stop("n1");
    cluster.restart("n1");
    cluster.settle();
    expect(cluster.put("n1", "k", "after").ok).toBe(true);
    expectAll(cluster, ["after", "first", "lost here"]);
  });

  it("two writes of one moment have two dots, on a store whose reads answer later too", () => {
    for (const readDelayMs of [0, 3]) {
      const cluster = new TestCluster(1, {}, { partitions: 64, replicas: 3 }, readDelayMs);
      for (const name of ["n1", "n2", "n3"]) cluster.start(name);
      cluster.settle();
      const outcomes: boolean[] = [];
      for (let i = 0; i < 10; i++) cluster.begin("n1", "k", `v${i}`, (outcome) => outcomes.push(outcome.ok));
      cluster.timeline.until(() => outcomes.length === 10, 5_000, "ten answers");
      const dots = valued(cluster.stateOf(cluster.get("n2", "k", { r: "all" }))).map(({ dot }) => formatDot(dot));
      expect(new Set(dots).size).toBe(10);
    }
  });
});
