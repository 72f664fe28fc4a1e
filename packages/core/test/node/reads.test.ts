/** Dynamo §4.5, "Execution of get() and put() operations", sentence by sentence, and the three answers (TRAPS 14, 28). */
import { describe, expect, it } from "vitest";
import { TestCluster } from "./cluster.js";

/** Among n1…n3 all keys are on all. */
const three = (settings = {}): TestCluster => TestCluster.of(3, 1, settings);

function messages(cluster: TestCluster): string[] {
  const kinds: string[] = [];
  for (const member of cluster.members.values()) {
    const { endpoint } = member;
    if (endpoint === undefined) continue;
    const send = endpoint.send.bind(endpoint);
    endpoint.send = (to, envelope) => {
      kinds.push(`${member.name}>${to.split(":")[0]} ${envelope.message.kind}`);
      return send(to, envelope);
    };
  }
  return kinds;
}

describe("§4.5", () => {
  it("any storage node is eligible to receive client get and put operations for any key", () => {
    const cluster = TestCluster.of(5);
    for (let i = 0; i < 10; i++) {
      expect(cluster.put(`n${(i % 5) + 1}`, `k${i}`, `v${i}`).ok).toBe(true);
      expect(cluster.values(`n${((i + 2) % 5) + 1}`, `k${i}`)).toEqual([`v${i}`]);
    }
  });

  it("the coordinator sends the new version to the N highest-ranked reachable nodes, not the request", () => {
    const cluster = three();
    const sent = messages(cluster);
    cluster.put("n1", "k", "v");
    expect(sent.filter((each) => /put|store/.test(each))).toEqual(["n1>n2 store", "n1>n3 store"]);
  });

  it("if at least W nodes respond the write is considered successful", () => {
    const cluster = three();
    cluster.kill("n3");
    expect(cluster.put("n1", "k", "v")).toMatchObject({ ok: true, value: { needed: 2, received: 2 } });
    cluster.kill("n2");
    expect(cluster.put("n1", "k", "w")).toMatchObject({
      ok: false,
      failure: { code: "quorum-not-met", needed: 2, received: 1, effect: "unknown" },
    });
  });

  it("the coordinator waits for R responses before returning the result", () => {
    const cluster = three();
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.kill("n3");
    expect(cluster.get("n1", "k")).toMatchObject({ ok: true, value: { needed: 2, received: 2 } });
    expect(cluster.get("n1", "k", { r: "one" })).toMatchObject({ ok: true, value: { needed: 1 } });
    expect(cluster.get("n1", "k", { r: "all" })).toMatchObject({
      ok: false,
      failure: { code: "quorum-not-met", needed: 3, received: 2 },
    });
  });

  it("it returns all the versions it deems to be causally unrelated", () => {
    const cluster = three();
    cluster.put("n1", "k", "a");
    cluster.put("n2", "k", "b");
    expect(cluster.values("n3", "k")).toEqual(["a", "b"]);
  });

  it("one full reply and digests from the others are enough where they agree", () => {
    const cluster = three();
    cluster.put("n1", "k", "v", { w: "all" });
    const sent = messages(cluster);
    cluster.values("n1", "k");
    cluster.timeline.run(50);
    expect(sent.filter((each) => /fetch|digest|store/.test(each))).toEqual(["n1>n2 digest", "n1>n3 digest"]);
  });

  it("read repair brings every replica up to date after the answer, and nothing when it is off", () => {
    for (const readRepair of [true, false]) {
      const cluster = three({ readRepair });
      cluster.put("n1", "k", "old", { w: "all" });
      cluster.kill("n3");
      cluster.put("n1", "k", "new", { context: cluster.contextOf("n1", "k") });
      cluster.restart("n3");
      cluster.settle();
      expect(cluster.values("n1", "k")).toEqual(["new"]);
      cluster.timeline.run(50);
      expect(cluster.values("n3", "k", { local: true })).toEqual([readRepair ? "new" : "old"]);
    }
  });

  it("read repair never brings back what a tombstone covers", () => {
    const cluster = three();
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.kill("n3");
    cluster.put("n1", "k", undefined, { context: cluster.contextOf("n1", "k") });
    cluster.restart("n3");
    cluster.settle();
    for (const name of ["n3", "n1", "n2"]) expect(cluster.values(name, "k")).toEqual([]);
    cluster.timeline.run(50);
    for (const name of ["n3", "n1", "n2"]) expect(cluster.values(name, "k", { local: true })).toEqual([]);
  });
});

describe("a disk that hangs", () => {
  it("holds up no read beyond its deadline, not even a local one", () => {
    const cluster = three();
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.member("n1").storage.readDelayMs = 60_000;
    expect(cluster.get("n1", "k", { local: true })).toMatchObject({ ok: false, failure: { received: 0 } });
    expect(cluster.get("n1", "k")).toMatchObject({ ok: false, failure: { code: "quorum-not-met" } });
    expect(cluster.node("n1").stats().requestsInFlight).toBe(0);
    cluster.timeline.run(60_000);
    expect(cluster.put("n2", "k", "w").ok).toBe(true);
  });
});

describe("a read that was answered", () => {
  it("waits for a silent owner no longer than read repair may, and then mends those that spoke", () => {
    const cluster = three();
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.cut("n1", "n2");
    const context = cluster.contextOf("n1", "k");
    cluster.put("n1", "k", "w", { context });
    cluster.heal("n1", "n2");
    // n3 takes requests and answers none.
    const silent = cluster.member("n3");
    silent.alive = false;
    expect(cluster.values("n1", "k")).toEqual(["w"]);
    cluster.timeline.run(1_100);
    expect(cluster.values("n2", "k", { local: true })).toEqual(["w"]);
  });
});

describe("three answers: a state, proven absent, don't know", () => {
  it("an error is never absence: two damaged records and one absent are no 404", () => {
    const cluster = three();
    cluster.put("n1", "k", "v", { w: "all" });
    for (const name of ["n1", "n2"]) cluster.member(name).storage.damage(cluster.place("k"));
    cluster.kill("n3");
    cluster.start("n3", cluster.emptyStorage());
    expect(cluster.get("n1", "k")).toMatchObject({ ok: false, failure: { code: "quorum-not-met" } });
  });

  it("a damaged record is healed by a read that hears every other owner, and not by one that does not", () => {
    const cluster = three();
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.member("n1").storage.damage(cluster.place("k"));
    cluster.kill("n3");
    expect(cluster.get("n1", "k").ok).toBe(false);
    cluster.timeline.run(3_000);
    expect(cluster.get("n1", "k", { local: true })).toMatchObject({ ok: true });
    expect(cluster.get("n1", "k", { r: 2 }).ok).toBe(false);
    cluster.restart("n3");
    cluster.settle();
    expect(cluster.values("n1", "k")).toEqual(["v"]);
    cluster.timeline.run(3_000);
    cluster.kill("n3");
    expect(cluster.values("n1", "k", { r: 2 })).toEqual(["v"]);
  });

  it("a write to a damaged record is durable, and the record stays in doubt until a whole merge", () => {
    const cluster = three();
    cluster.put("n1", "k", "old", { w: "all" });
    cluster.member("n1").storage.damage(cluster.place("k"));
    expect(cluster.put("n1", "k", "new").ok).toBe(true);
    expect(cluster.values("n1", "k")).toEqual(["new", "old"]);
    cluster.timeline.run(100);
    expect(cluster.values("n1", "k", { local: true })).toEqual(["new", "old"]);
  });

  it("a member that does not own the key says don't know, whatever it holds", () => {
    const cluster = TestCluster.of(5);
    const key = ["a", "b", "c", "d", "e", "f"].find((each) => !cluster.owners(each).includes("n5")) as string;
    const answers: unknown[] = [];
    const link = {
      hello: { kind: "hello", role: "member", name: "n1", instance: 1 } as const,
      reply: (_: number, message: unknown) => void answers.push(message),
    };
    for (const kind of ["fetch", "digest"] as const) {
      const { epoch, phase } = cluster.node("n5").placement(cluster.place(key).partition);
      const message = { kind, id: cluster.id("b", key), epoch, phase };
      cluster.node("n5").receive({ requestId: 1, deadlineMs: 100, message }, link);
    }
    expect(answers).toMatchObject([
      { kind: "fetched", status: "unknown" },
      { kind: "digested", status: "unknown" },
    ]);
  });

  it("an empty instance proves nothing: wiped and replaced, it answers don't know until it is filled", () => {
    const cluster = three();
    cluster.put("n1", "k", "v", { w: "all" });
    cluster.kill("n3");
    cluster.timeline.run(15_000);
    cluster.start("n3", cluster.emptyStorage());
    cluster.timeline.until(() => cluster.members.get("n3")?.node !== undefined, 5_000, "n3 is a node");
    expect(cluster.node("n3").isInDoubt(cluster.place("k").partition)).toBe(true);
    expect(cluster.get("n3", "nothing", { local: true })).toMatchObject({ ok: false });
    cluster.settle();
    expect(cluster.values("n3", "k", { local: true })).toEqual(["v"]);
    expect(cluster.values("n3", "nothing", { local: true })).toEqual([]);
  });
});

describe("explain", () => {
  it("shows each replica as it stands, and repairs nothing by asking", () => {
    const cluster = three();
    cluster.put("n1", "k", "old", { w: "all" });
    cluster.kill("n3");
    cluster.put("n1", "k", "new", { context: cluster.contextOf("n1", "k") });
    cluster.restart("n3");
    cluster.settle();
    for (let i = 0; i < 2; i++) {
      const explained = cluster.wait<Parameters<Parameters<ReturnType<TestCluster["node"]>["explain"]>[2]>[0]>((done) =>
        cluster.node("n2").explain(cluster.id("b", "k"), 1_000, done),
      );
      if (!explained.ok) throw new Error("not explained");
      const { agree, replicas } = explained.value;
      expect(agree).toBe(false);
      expect(new Set(replicas.map(({ reply }) => reply))).toEqual(new Set(["ok"]));
      expect(new Set(replicas.map(({ digest }) => digest)).size).toBe(2);
      cluster.timeline.run(100);
    }
    expect(cluster.values("n3", "k", { local: true })).toEqual(["old"]);
  });
});
