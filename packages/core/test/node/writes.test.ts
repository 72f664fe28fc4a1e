/** What a write does at its coordinator, and what it answers when it can't be done (Dynamo §4.3, §4.5; DESIGN §4, §5; TRAPS 5, 6, 9, 13). */
import { describe, expect, it } from "vitest";
import { limits } from "../../src/base/limits.js";
import { valued, standing } from "../../src/versions/key-state.js";
import type { OperationTag, PutCommand } from "../../src/wire/messages.js";
import { count } from "../counts.js";
import { TestCluster } from "./cluster.js";

function tagged(cluster: TestCluster, id: string, key: string, value: string | undefined, attempt?: number) {
  const command = cluster.putCommand(key, value);
  const operation: OperationTag = cluster.node("n1").operationOf(id, command, attempt);
  return { operation };
}

const dotsOf = (cluster: TestCluster, name: string, key = "k"): number =>
  valued(cluster.stateOf(cluster.get(name, key, { r: "all" }))).length;

describe("a retry is the same write (TRAPS 6)", () => {
  it("through any coordinator that the state has reached, and gives one dot", () => {
    const cluster = TestCluster.of(3);
    const more = tagged(cluster, "id", "k", "v");
    for (const name of ["n1", "n2", "n3", "n1"]) expect(cluster.put(name, "k", "v", more).ok).toBe(true);
    expect(dotsOf(cluster, "n1")).toBe(1);
  });

  it("also when the first attempt was answered as failed, and it then stands on W disks", () => {
    const cluster = TestCluster.of(3);
    cluster.cut("n1", "n2");
    cluster.cut("n1", "n3");
    const unknown = { ok: false, failure: { code: "quorum-not-met", effect: "unknown" } };
    expect(cluster.put("n1", "k", "v", tagged(cluster, "id", "k", "v", 1))).toMatchObject(unknown);
    // A retry that can't even look for the first attempt starts nothing, and what the first one did is as unknown as before.
    expect(cluster.put("n1", "k", "v", tagged(cluster, "id", "k", "v", 2))).toMatchObject(unknown);
    cluster.heal("n1", "n2");
    cluster.heal("n1", "n3");
    expect(cluster.put("n1", "k", "v", { ...tagged(cluster, "id", "k", "v", 3), w: "all" })).toMatchObject({
      ok: true,
    });
    expect(dotsOf(cluster, "n3")).toBe(1);
  });

  it("two attempts that nobody could connect are one version where they meet", () => {
    const cluster = TestCluster.of(3);
    for (const [a, b] of [
      ["n1", "n2"],
      ["n1", "n3"],
      ["n2", "n3"],
    ] as const)
      cluster.cut(a, b);
    const more = tagged(cluster, "id", "k", "v", 1);
    for (const name of ["n1", "n2"]) cluster.put(name, "k", "v", more);
    for (const [a, b] of [
      ["n1", "n2"],
      ["n1", "n3"],
      ["n2", "n3"],
    ] as const)
      cluster.heal(a, b);
    cluster.timeline.run(2_000);
    expect(cluster.values("n3", "k", { r: "all" })).toEqual(["v"]);
  });

  it("a first attempt asks nobody about an earlier one", () => {
    const cluster = TestCluster.of(3);
    cluster.cut("n1", "n2");
    cluster.cut("n1", "n3");
    expect(cluster.put("n1", "k", "v", { ...tagged(cluster, "a", "k", "v", 1), w: "one" }).ok).toBe(true);
    expect(cluster.put("n1", "k", "w", { ...tagged(cluster, "b", "k", "w", 2), w: "one" }).ok).toBe(false);
  });

  it("one id for two writes is a mismatch, on one key and on two, until its write turns out never to have begun", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", tagged(cluster, "id", "k", "v"));
    const mismatch = { ok: false, failure: { code: "idempotency-mismatch", effect: "none" } };
    expect(cluster.put("n1", "k", "w", tagged(cluster, "id", "k", "w"))).toMatchObject(mismatch);
    expect(cluster.put("n1", "other", "v", tagged(cluster, "id", "other", "v"))).toMatchObject(mismatch);
    // Another node has not seen the id, and the key's state has.
    expect(cluster.put("n2", "k", "w", tagged(cluster, "id", "k", "w"))).toMatchObject(mismatch);
    const tooLong = "x".repeat(2_000_000);
    expect(cluster.put("n1", "k2", tooLong, tagged(cluster, "new", "k2", tooLong))).toMatchObject({
      failure: { code: "too-large" },
    });
    expect(cluster.put("n1", "k2", "short", tagged(cluster, "new", "k2", "short")).ok).toBe(true);
  });

  it("of If-None-Match is the creation that it was, not an existing key", () => {
    const cluster = TestCluster.of(3);
    const more: Partial<PutCommand> = { ...tagged(cluster, "id", "k", "v"), ifAbsent: true };
    expect(cluster.put("n1", "k", "v", more).ok).toBe(true);
    expect(cluster.put("n2", "k", "v", more).ok).toBe(true);
    expect(cluster.put("n2", "k", "w", { ifAbsent: true })).toMatchObject({
      failure: { code: "exists", effect: "none" },
    });
    expect(dotsOf(cluster, "n1")).toBe(1);
  });
});

describe("a node that does not own the key passes the request on (TRAPS 5)", () => {
  /** A key of a cluster of five that n5 does not own. */
  function foreignKey(cluster: TestCluster): string {
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    return keys.find((key) => !cluster.owners(key).includes("n5")) as string;
  }

  it("at most one hop, and an owner that thinks it is none says so", () => {
    const cluster = TestCluster.of(5);
    const key = foreignKey(cluster);
    expect(cluster.put("n5", key, "v", { hops: 1 })).toMatchObject({ failure: { code: "not-owner", effect: "none" } });
    expect(cluster.get("n5", key, { hops: 1 })).toMatchObject({ failure: { code: "not-owner", effect: "none" } });
    expect(cluster.put("n5", key, "v").ok).toBe(true);
  });

  it("a write goes to the next owner only while it surely has not begun: never two dots", () => {
    for (let seed = 1; seed <= count(4, 100); seed++) {
      const cluster = TestCluster.of(5, seed);
      const key = foreignKey(cluster);
      const [first, second] = cluster.owners(key) as [string, string];
      cluster.kill(first);
      cluster.cut("n5", second);
      const put = cluster.put("n5", key, "v");
      cluster.timeline.run(1_000);
      const stood = cluster.values(cluster.owners(key)[2] as string, key, { r: 2 });
      expect(stood.length).toBeLessThanOrEqual(1);
      if (put.ok) expect(stood).toEqual(["v"]);
    }
  });

  /** The first owner that n5 asks to write is lost to it `afterMs` later. */
  function loseFirst(cluster: TestCluster, afterMs: number): { readonly asked: string[] } {
    const { endpoint } = cluster.member("n5");
    const send = endpoint?.send.bind(endpoint);
    if (endpoint === undefined || send === undefined) throw new Error("n5 has no endpoint");
    const asked: string[] = [];
    endpoint.send = (to, envelope) => {
      const name = to.slice(0, 2);
      const isFirst = envelope.message.kind === "put" && asked.push(name) === 1;
      if (isFirst) cluster.timeline.after(afterMs, () => cluster.cut("n5", name));
      return send(to, envelope);
    };
    return { asked };
  }

  /** Time enough to take the request, none to answer it; and not time enough to take it. */
  const LOST_AFTER_MS = [3, 0] as const;

  it("a strict write without a name, whose owner was lost after it had got it, goes to no other: its dot stands alone", () => {
    const cluster = TestCluster.of(5);
    const key = foreignKey(cluster);
    const { asked } = loseFirst(cluster, LOST_AFTER_MS[0]);
    expect(cluster.put("n5", key, "v", { sloppy: false })).toMatchObject({
      ok: false,
      failure: { effect: "unknown" },
    });
    cluster.timeline.run(1_000);
    expect(asked).toHaveLength(1);
    const [owner] = cluster.owners(key) as [string];
    expect(cluster.values(owner, key, { r: "all" })).toEqual(["v"]);
  });

  it("a sloppy write, or one with a name, goes to the next owner when the first is silent, and is one version", () => {
    for (const sloppy of [true, false]) {
      for (const afterMs of LOST_AFTER_MS) {
        const cluster = TestCluster.of(5);
        const key = foreignKey(cluster);
        const { asked } = loseFirst(cluster, afterMs);
        const more = sloppy ? {} : tagged(cluster, "id", key, "v");
        expect(cluster.put("n5", key, "v", { ...more, sloppy })).toMatchObject({ ok: true });
        expect(asked).toHaveLength(2);
        cluster.heal("n5", asked[0] as string);
        cluster.timeline.run(2_000);
        const [owner] = cluster.owners(key) as [string];
        expect(cluster.values(owner, key, { r: "all" })).toEqual(["v"]);
      }
    }
  });

  it("a blind delete goes to no other: it would delete what comes between", () => {
    const cluster = TestCluster.of(5);
    const key = foreignKey(cluster);
    const { asked } = loseFirst(cluster, LOST_AFTER_MS[1]);
    expect(cluster.put("n5", key, undefined)).toMatchObject({ ok: false, failure: { effect: "unknown" } });
    expect(asked).toHaveLength(1);
  });

  it("two dots of one passed on write are gone together with what replaces either", () => {
    const cluster = TestCluster.of(5);
    const key = foreignKey(cluster);
    const [a, b, c] = cluster.owners(key) as [string, string, string];
    // No owner hears of another's write, so whoever is asked next can't find it.
    for (const [one, other] of [
      [a, b],
      [a, c],
      [b, c],
    ] as const)
      cluster.cut(one, other);
    const { asked } = loseFirst(cluster, LOST_AFTER_MS[0]);
    const outcome = cluster.put("n5", key, "v", { w: 1 });
    expect(outcome).toMatchObject({ ok: true });
    expect(asked).toHaveLength(2);
    const second = asked[1] as string;
    expect(cluster.put(second, key, "w", { w: 1, context: cluster.contextOf(second, key) }).ok).toBe(true);
    for (const [one, other] of [
      [a, b],
      [a, c],
      [b, c],
    ] as const)
      cluster.heal(one, other);
    cluster.heal("n5", asked[0] as string);
    cluster.timeline.run(5_000);
    for (const owner of [a, b, c]) expect(cluster.values(owner, key, { r: "all" })).toEqual(["w"]);
  });

  it("the effect is unknown when an owner may have got the request, and none when surely none did", () => {
    const cluster = TestCluster.of(5);
    const key = foreignKey(cluster);
    for (const owner of cluster.owners(key)) cluster.member(owner).alive = false;
    expect(cluster.put("n5", key, "v")).toMatchObject({ ok: false, failure: { effect: "unknown" } });
    for (const owner of cluster.owners(key)) cluster.kill(owner);
    cluster.timeline.run(100);
    expect(cluster.put("n5", key, "v", { sloppy: false })).toMatchObject({ ok: false, failure: { effect: "none" } });
  });

  it("tells the owner's own numbers when the owner's quorum was not met", () => {
    const cluster = TestCluster.of(5);
    const key = foreignKey(cluster);
    const [first, ...others] = cluster.owners(key) as [string, ...string[]];
    // Those two take what they are sent and say nothing.
    for (const other of others) cluster.member(other).alive = false;
    cluster.cut("n5", others[0] as string);
    cluster.cut("n5", others[1] as string);
    expect(cluster.put("n5", key, "v", { sloppy: false })).toMatchObject({
      failure: { code: "quorum-not-met", needed: 2, received: 1, effect: "unknown" },
    });
    expect(cluster.owners(key)).toContain(first);
  });
});

describe("outcomes", () => {
  it("507 when too many of the replicas have no space, and reads go on", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { w: "all" });
    for (const name of ["n2", "n3"]) cluster.member(name).storage.full = true;
    expect(cluster.put("n1", "k", "w")).toMatchObject({
      failure: { code: "storage-full", needed: 2, received: 1, effect: "unknown" },
    });
    expect(cluster.get("n2", "k").ok).toBe(true);
    cluster.member("n2").storage.full = false;
    expect(cluster.put("n1", "k", "x").ok).toBe(true);
  });

  it("after a failed flush nothing of the batch is acknowledged, and the node takes no more", () => {
    const cluster = TestCluster.of(3);
    cluster.member("n1").storage.failing = true;
    cluster.put("n1", "k", "v");
    cluster.timeline.run(50);
    expect(cluster.member("n1").fatal).toMatch(/^storage: a flush failed/);
    expect(cluster.put("n1", "k", "w")).toMatchObject({ failure: { code: "storage-failed", effect: "none" } });
    expect(cluster.node("n1").ready()).toBe(false);
  });

  it("a write that can't succeed any more tells how many did have it, and waits for that no longer than a moment", () => {
    const cluster = TestCluster.of(3);
    cluster.kill("n3");
    cluster.timeline.run(50);
    for (const name of ["n1", "n2"]) cluster.member(name).storage.flushMs = 50;
    expect(cluster.put("n1", "k", "v", { w: "all" })).toMatchObject({ failure: { needed: 3, received: 2 } });
    cluster.member("n2").alive = false;
    const start = cluster.timeline.nowMs;
    expect(cluster.put("n1", "k", "v", { w: "all" })).toMatchObject({ failure: { needed: 3, received: 1 } });
    expect(cluster.timeline.nowMs - start).toBeLessThan(limits.failureGraceMs + 50);
  });

  it("an acknowledgement waits for W flushes, whoever is slow", () => {
    const cluster = TestCluster.of(3);
    for (const name of ["n2", "n3"]) cluster.member(name).storage.flushMs = 300;
    const start = cluster.timeline.nowMs;
    expect(cluster.put("n1", "k", "v").ok).toBe(true);
    expect(cluster.timeline.nowMs - start).toBeGreaterThanOrEqual(300);
  });

  it("no request waits longer than a node ever waits, whatever deadline came over the wire", () => {
    const cluster = TestCluster.of(3);
    for (const name of ["n2", "n3"]) cluster.member(name).alive = false;
    let answered = false;
    cluster.node("n1").put(cluster.putCommand("k", "v"), 2 ** 32, () => (answered = true));
    cluster.timeline.run(121_000);
    expect(answered).toBe(true);
    expect(cluster.node("n1").stats().requestsInFlight).toBe(0);
  });

  it("requests beyond the bound are shed, counted in and out, with a word on when to try again", () => {
    const cluster = TestCluster.of(3, 1, { requestsInFlightMax: 2 });
    const codes: string[] = [];
    for (let i = 0; i < 4; i++) {
      cluster.begin("n1", `k${i}`, "v", (outcome) => codes.push(outcome.ok ? "ok" : outcome.failure.code));
    }
    expect(codes).toEqual(["overloaded", "overloaded"]);
    cluster.timeline.run(100);
    expect(codes).toEqual(["overloaded", "overloaded", "ok", "ok"]);
    expect(cluster.node("n1").stats().requestsInFlight).toBe(0);
  });

  it("a put without a context is refused at the cap of siblings, one that covers some never (TRAPS 9)", () => {
    const cluster = TestCluster.of(3, 1, { siblingsMax: 30 });
    for (let i = 0; i < 30; i++) expect(cluster.put("n1", "k", `${i}`, { w: "all" }).ok).toBe(true);
    expect(cluster.put("n1", "k", "more")).toMatchObject({ failure: { code: "too-many-siblings", effect: "none" } });
    expect(cluster.node("n1").stats().siblingWarnings).toBeGreaterThan(0);
    const context = cluster.contextOf("n1", "k");
    expect(cluster.put("n1", "k", "one", { context }).ok).toBe(true);
    expect(cluster.values("n1", "k")).toEqual(["one"]);
  });
});

describe("deletes", () => {
  it("with a context remove what it covers, and a value written concurrently survives", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "seen");
    const context = cluster.contextOf("n1", "k");
    cluster.put("n2", "k", "unseen");
    expect(cluster.put("n1", "k", undefined, { context }).ok).toBe(true);
    expect(cluster.values("n3", "k")).toEqual(["unseen"]);
  });

  it("without a context remove what a quorum read sees, and say so also when there was nothing", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "a");
    cluster.put("n2", "k", "b");
    expect(cluster.put("n3", "k", undefined).ok).toBe(true);
    expect(cluster.values("n1", "k")).toEqual([]);
    expect(cluster.put("n3", "k", undefined).ok).toBe(true);
    expect(cluster.put("n3", "never", undefined)).toMatchObject({ ok: true });
  });

  it("leave a context behind, with which the key can be written anew and nothing old comes back", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "old", { w: "all" });
    cluster.put("n1", "k", undefined, { context: cluster.contextOf("n1", "k"), w: "all" });
    const got = cluster.get("n2", "k");
    expect(got.ok && got.value.context.length > 0).toBe(true);
    expect(standing(cluster.stateOf(got)).map(({ deleted }) => deleted)).toEqual([true]);
    cluster.put("n2", "k", "new");
    for (const name of ["n1", "n2", "n3"]) expect(cluster.values(name, "k")).toEqual(["new"]);
  });
});

describe("what comes from a client on the peer protocol is checked", () => {
  it.each([
    ["no bucket", "key"],
    ["an empty bucket", "/key"],
    ["a bad bucket", "a b/key"],
    ["an empty key", "b/"],
    ["a key that is too long", `b/${"k".repeat(1_025)}`],
    ["a key that is not UTF-8", new Uint8Array([0x62, 0x2f, 0xff])],
  ])("%s is a bad parameter", (_, id) => {
    const cluster = TestCluster.of(1);
    const replies: unknown[] = [];
    const link = {
      hello: { kind: "hello", role: "client", name: "c", instance: 0 } as const,
      reply: (__: number, message: unknown) => void replies.push(message),
    };
    const message = { ...cluster.putCommand("k", "v"), id: typeof id === "string" ? cluster.bytes(id) : id };
    cluster.node("n1").receive({ requestId: 1, deadlineMs: 100, message }, link);
    expect(replies).toMatchObject([{ kind: "failed", failure: { code: "bad-parameter", effect: "none" } }]);
  });

  it("a client can neither store states, nor pull them, nor answer for a member", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "v", { w: "all" });
    const replies: unknown[] = [];
    const link = {
      hello: {
        kind: "hello",
        role: "client",
        name: "c",
        instance: cluster.node("n2").membership.roster.members()[1]?.instance ?? 0,
      } as const,
      reply: (__: number, message: unknown) => void replies.push(message),
    };
    const id = cluster.id("b", "k");
    const store = { kind: "store", id, body: id, whole: true, epoch: 1, phase: 3 } as const;
    const pull = { kind: "pull", partition: 0, hashes: [0n], bytesMax: 10 } as const;
    cluster.node("n1").receive({ requestId: 1, deadlineMs: 100, message: store }, link);
    cluster.node("n1").receive({ requestId: 2, deadlineMs: 100, message: pull }, link);
    for (const name of ["n2", "n3"]) cluster.member(name).alive = false;
    let answered = false;
    cluster.begin("n1", "k", "forged", () => (answered = true));
    for (let requestId = 0; requestId < 10_000; requestId++) {
      cluster.node("n1").receive({ requestId, deadlineMs: 0, message: { kind: "stored", status: "durable" } }, link);
    }
    cluster.timeline.run(50);
    expect([answered, replies]).toEqual([false, []]);
  });
});
