/** Sloppy quorums and hinted handoff (Dynamo §4.6; DESIGN §5; TRAPS 11, 12, 18, 19), on real nodes in virtual time. */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/base/failure.js";
import type { Explanation } from "../../src/node/api.js";
import { hintPrefix } from "../../src/replication/hint.js";
import { live } from "../../src/versions/key-state.js";
import { TestCluster } from "./cluster.js";

/** Nothing here expires. */
const NOW = 0;
const QUICK = { handoffIntervalMs: 200 };

/** Five nodes and a key that n5 does not own, with its owners and fallbacks in order. */
function five(settings = {}) {
  const cluster = TestCluster.of(5, 1, { ...QUICK, ...settings });
  for (let i = 0; ; i++) {
    const key = `k${i}`;
    const owners = cluster.owners(key);
    if (owners.includes("n5")) continue;
    const others = ["n1", "n2", "n3", "n4", "n5"].filter((name) => !owners.includes(name));
    return { cluster, key, owners: owners as [string, string, string], others: others as [string, string] };
  }
}

const hintsAt = (cluster: TestCluster, name: string): number => cluster.node(name).stats().hintsPending;
const hints = (cluster: TestCluster): number =>
  [...cluster.members.values()].filter(({ alive }) => alive).reduce((sum, { name }) => sum + hintsAt(cluster, name), 0);

/** They are processes again; who they are is read from their disks. */
function restart(cluster: TestCluster, ...names: string[]): void {
  for (const name of names) cluster.restart(name);
  cluster.timeline.until(() => names.every((name) => cluster.member(name).node !== undefined), 5_000, "started", 1);
}

/** Everybody takes them for down. */
function kill(cluster: TestCluster, ...names: string[]): void {
  for (const name of names) cluster.kill(name);
  const rest = [...cluster.members.values()].filter(({ alive }) => alive);
  cluster.timeline.until(
    () => rest.every(({ node }) => names.every((name) => node?.membership.status(name) === "down")),
    60_000,
    `${names.join(", ")} down`,
    10,
  );
}

const local = (cluster: TestCluster, name: string, key: string): string[] =>
  cluster.values(name, key, { local: true, sloppy: false });

function drained(cluster: TestCluster): void {
  cluster.timeline.until(() => hints(cluster) === 0, 60_000, "no hints", 10);
}

describe("a sloppy quorum", () => {
  it("takes reads and writes with two of three primaries down; a strict one answers with needed and received", () => {
    const { cluster, key, owners } = five();
    kill(cluster, owners[0], owners[1]);
    expect(cluster.put(owners[2], key, "v")).toMatchObject({ ok: true, value: { needed: 2 } });
    for (const name of [owners[2], "n5"]) {
      expect(cluster.get(name, key)).toMatchObject({ ok: true, value: { needed: 2, received: 2, fallbacks: 1 } });
      expect(cluster.values(name, key)).toEqual(["v"]);
    }
    const strict = { failure: { code: "quorum-not-met", needed: 2, received: 1 } };
    expect(cluster.put(owners[2], key, "w", { sloppy: false })).toMatchObject(strict);
    expect(cluster.get(owners[2], key, { sloppy: false })).toMatchObject(strict);
  });

  it("takes them with all three down, through any node, which then writes as a fallback", () => {
    const { cluster, key, owners, others } = five();
    kill(cluster, ...owners);
    const put = cluster.put("n5", key, "v");
    expect(put).toMatchObject({ ok: true, value: { needed: 2, received: 2, fallbacks: 2 } });
    for (const name of others) expect(cluster.values(name, key)).toEqual(["v"]);
    const [sibling] = live(cluster.stateOf(cluster.get("n5", key)), NOW);
    expect(sibling?.origin).toEqual({ node: "n5", fallback: true, context: false });
    // The write is on both of them, and each owner is owed it by at least one.
    expect(hints(cluster)).toBeGreaterThanOrEqual(3);
  });

  it("does not take fallbacks' silence for absence, but an owner's word (TRAPS 14)", () => {
    const { cluster, key, owners } = five();
    kill(cluster, owners[0], owners[1]);
    expect(cluster.get("n5", key)).toMatchObject({ ok: true, value: { received: 2, fallbacks: 1 } });
    kill(cluster, owners[2]);
    expect(cluster.get("n5", key)).toMatchObject({
      failure: { code: "quorum-not-met", needed: 2, received: 0, effect: "none" },
    });
  });

  it("lets a retry through though no owner can say whether there was a first attempt, and finds the one there was", () => {
    const { cluster, key, owners } = five();
    kill(cluster, ...owners);
    const operation = { id: new Uint8Array(16).fill(7), check: 9n, maybeRetry: true };
    for (const name of ["n5", "n5"]) expect(cluster.put(name, key, "v", { operation }).ok).toBe(true);
    expect(cluster.values("n5", key)).toEqual(["v"]);
    expect(cluster.put("n5", key, "w", { ifAbsent: true })).toMatchObject({ failure: { code: "exists" } });
    expect(cluster.put("n5", "another", undefined).ok).toBe(
      cluster.owners("another").some((name) => !owners.includes(name)),
    );
  });

  it("asks no fallback while the owners answer", () => {
    const { cluster, owners } = five();
    for (let i = 0; i < 50; i++) {
      const put = cluster.put(`n${(i % 5) + 1}`, `k${i}`, "v");
      expect(put).toMatchObject({ ok: true, value: { fallbacks: 0 } });
      expect(cluster.get(`n${(i % 5) + 1}`, `k${i}`)).toMatchObject({ ok: true, value: { fallbacks: 0 } });
    }
    cluster.timeline.run(5_000);
    expect([hints(cluster), cluster.node(owners[0]).stats().hintsReplayed]).toEqual([0, 0]);
  });

  it("does not wait for an owner that is silent until the deadline", () => {
    const { cluster, key, owners } = five();
    for (const name of [owners[1], owners[2]]) cluster.cut(owners[0], name);
    const startMs = cluster.timeline.nowMs;
    expect(cluster.put(owners[0], key, "v")).toMatchObject({ ok: true, value: { fallbacks: 1 } });
    expect(cluster.values(owners[0], key)).toEqual(["v"]);
    expect(cluster.timeline.nowMs - startMs).toBeLessThan(1_500);
  });

  it("asks those who are only suspected when there is nobody else", () => {
    const { cluster, key, owners, others } = five();
    kill(cluster, ...owners);
    const [other = ""] = others.filter((name) => name !== "n5");
    cluster.cut("n5", other);
    cluster.timeline.until(() => cluster.node("n5").membership.status(other) === "suspect", 5_000, "suspect", 1);
    cluster.heal("n5", other);
    expect(cluster.put("n5", key, "v")).toMatchObject({ ok: true, value: { received: 2, fallbacks: 2 } });
  });

  it("is none without hints: then it is as strict as any", () => {
    const { cluster, key, owners } = five({ hints: false });
    kill(cluster, owners[0], owners[1]);
    expect(cluster.put(owners[2], key, "v")).toMatchObject({ failure: { code: "quorum-not-met", received: 1 } });
    expect(cluster.get(owners[2], key)).toMatchObject({ failure: { code: "quorum-not-met" } });
    expect(hints(cluster)).toBe(0);
  });
});

describe("hinted handoff", () => {
  it("brings back to owners what they missed, with no request made to the key, and leaves nothing behind", () => {
    const { cluster, key, owners, others } = five();
    kill(cluster, ...owners);
    cluster.put("n5", key, "v");
    restart(cluster, ...owners);
    drained(cluster);
    for (const owner of owners) expect(local(cluster, owner, key)).toEqual(["v"]);
    for (const other of others) {
      expect(cluster.get(other, key, { local: true })).toMatchObject({ ok: true, value: { body: new Uint8Array() } });
      expect([...cluster.member(other).storage.disk.meta.keys()].filter((name) => name.startsWith(hintPrefix))).toEqual(
        [],
      );
    }
  });

  it("is owed by the coordinator where nobody can stand in: in a cluster of three", () => {
    const cluster = TestCluster.of(3, 1, QUICK);
    kill(cluster, "n3");
    expect(cluster.put("n1", "k", "v")).toMatchObject({ ok: true, value: { received: 2, fallbacks: 0 } });
    expect(hints(cluster)).toBe(1);
    restart(cluster, "n3");
    drained(cluster);
    expect(local(cluster, "n3", "k")).toEqual(["v"]);
    expect(local(cluster, "n1", "k")).toEqual(["v"]);
  });

  it("covers an owner that missed a write which was answered without it, sloppy or strict", () => {
    for (const sloppy of [true, false]) {
      const cluster = TestCluster.of(3, 1, QUICK);
      cluster.cut("n1", "n3");
      expect(cluster.put("n1", "k", "v", { sloppy })).toMatchObject({ ok: true });
      cluster.timeline.until(() => hintsAt(cluster, "n1") === 1, 4_000, "n1 owes n3", 10);
      cluster.heal("n1", "n3");
      drained(cluster);
      expect(local(cluster, "n3", "k")).toEqual(["v"]);
    }
  });

  it("is owed too when the coordinator's own disk is the last to speak, and what waited for that is given back once", () => {
    const cluster = TestCluster.of(3, 1, QUICK);
    const disk = cluster.member("n1").storage as { flushMs: number };
    disk.flushMs = 4_000;
    cluster.cut("n1", "n3");
    expect(cluster.put("n1", "k", "v", { w: 1 })).toMatchObject({ ok: true, value: { received: 1 } });
    cluster.timeline.until(() => hintsAt(cluster, "n1") === 1, 12_000, "n1 owes n3", 10);
    expect(cluster.node("n1").hints.waits.bytes).toBe(0);
    disk.flushMs = 2;
    cluster.heal("n1", "n3");
    drained(cluster);
    expect(local(cluster, "n3", "k")).toEqual(["v"]);
  });

  it("survives the death of the one who owes: hints are on disk with the state, and found at the start (TRAPS 19)", () => {
    const { cluster, key, owners, others } = five();
    kill(cluster, ...owners);
    cluster.put("n5", key, "v");
    for (const other of others) cluster.cutPower(other);
    restart(cluster, ...others, ...owners);
    expect(hintsAt(cluster, "n5")).toBeGreaterThan(0);
    drained(cluster);
    for (const owner of owners) expect(local(cluster, owner, key)).toEqual(["v"]);
  });

  it("a damaged hint is made whole from its name and what it stands by", () => {
    const { cluster, key, owners, others } = five();
    kill(cluster, ...owners);
    cluster.put("n5", key, "v");
    for (const other of others) {
      cluster.kill(other);
      const { meta } = cluster.member(other).storage.disk;
      for (const [name, value] of meta) if (name.startsWith(hintPrefix)) meta.set(name, value.fill(0, 12));
    }
    restart(cluster, ...others, ...owners);
    drained(cluster);
    for (const owner of owners) expect(local(cluster, owner, key)).toEqual(["v"]);
  });

  it("keeps what is newer than what was handed over", () => {
    const { cluster, key, owners } = five();
    kill(cluster, owners[0]);
    cluster.put(owners[1], key, "v");
    restart(cluster, owners[0]);
    cluster.timeline.run(1);
    // While the first handoff is under way, a second write misses the owner again.
    cluster.timeline.until(() => cluster.node(owners[1]).membership.seemsAlive(owners[0]), 10_000, "seen", 1);
    cluster.cut(owners[1], owners[0]);
    cluster.put(owners[1], key, "w", { context: cluster.contextOf(owners[1], key) });
    cluster.heal(owners[1], owners[0]);
    drained(cluster);
    expect(local(cluster, owners[0], key)).toEqual(["w"]);
  });

  it("past its lifetime goes to any of today's owners, and not before", () => {
    const { cluster, key, owners, others } = five({ hintTtlMs: 20_000 });
    kill(cluster, ...owners);
    cluster.put("n5", key, "v");
    const [dead, ...back] = owners;
    restart(cluster, ...back);
    cluster.timeline.until(
      // Started a moment ago, they can't tell yet what they do not hold.
      () => back.every((name) => cluster.get(name, key, { local: true }).ok && local(cluster, name, key).length === 1),
      15_000,
      "two have it",
      10,
    );
    expect(hints(cluster)).toBeGreaterThan(0);
    drained(cluster);
    expect(cluster.node("n5").membership.status(dead as string)).toBe("down");
    for (const other of others) expect(local(cluster, other, key)).toEqual([]);
  });

  it("goes to the new instance when the target was replaced", () => {
    const { cluster, key, owners } = five();
    const [target = ""] = owners.filter((name) => name !== "n1");
    const [coordinator = ""] = owners.filter((name) => name !== target);
    kill(cluster, target);
    cluster.put(coordinator, key, "v");
    const holder = ["n1", "n2", "n3", "n4", "n5"].find(
      (name) => name !== target && hintsAt(cluster, name) > 0,
    ) as string;
    // Nothing but the hint may bring it: the holder hands over to the new instance while it cannot fill itself.
    for (const name of cluster.members.keys()) if (name !== target && name !== holder) cluster.cut(name, target);
    cluster.start(target, cluster.emptyStorage());
    cluster.heal("n1", target);
    cluster.timeline.until(() => cluster.member(target).node !== undefined, 5_000, "started", 1);
    if (holder !== "n1") cluster.cut("n1", target);
    drained(cluster);
    const body = cluster.get(target, key, { local: true });
    expect(body).toMatchObject({ ok: true, value: { body: { length: expect.any(Number) as number } } });
    expect(local(cluster, target, key)).toEqual(["v"]);
  });

  it("a copy that was handed over leaves with its lifetime: the next write there is of a new actor (TRAPS 1)", () => {
    const { cluster, key, owners } = five();
    const dotOf = (name: string): string =>
      JSON.stringify(live(cluster.stateOf(cluster.get(name, key)), NOW)[0]?.dot.actor);
    kill(cluster, ...owners);
    cluster.put("n5", key, "v");
    const first = dotOf("n5");
    restart(cluster, ...owners);
    drained(cluster);
    kill(cluster, ...owners);
    cluster.put("n5", key, "w");
    expect(cluster.values("n5", key)).toEqual(["w"]);
    expect(dotOf("n5")).not.toBe(first);
    restart(cluster, ...owners);
    drained(cluster);
    for (const owner of owners) expect(local(cluster, owner, key)).toEqual(["v", "w"]);
  });

  it("takes nothing away that lay there before it: a ring that forgot an owner's place does not make its copy a guest", () => {
    const { cluster, key, owners, others } = five();
    cluster.put(owners[0], key, "v", { w: "all" });
    const place = cluster.place(key);
    const copy = cluster
      .member(owners[0])
      .storage.disk.partitions.get(place.partition)
      ?.find(({ hash }) => hash === place.hash);
    for (const other of others) {
      const marks = { digest: copy?.digest ?? 0n, mark: copy?.mark ?? 0, tag: copy?.tag ?? 0 };
      cluster.member(other).storage.apply({ records: [{ ...place, ...marks, value: copy?.value.slice() }] }, () => {});
    }
    kill(cluster, ...owners);
    cluster.put("n5", key, "w");
    restart(cluster, ...owners);
    drained(cluster);
    for (const name of [...owners, ...others]) expect(local(cluster, name, key)).toEqual(["v", "w"]);
  });

  it("a full house refuses new hints, drops none, and says so to nobody's harm", () => {
    const { cluster, key, owners, others } = five();
    kill(cluster, ...owners);
    for (const name of others) {
      const limits = cluster.node(name).hints.queue.limits as { hintsMax: number };
      limits.hintsMax = 0;
    }
    expect(cluster.put("n5", key, "v")).toMatchObject({ failure: { code: "overloaded", effect: "none" } });
    expect(hints(cluster)).toBe(0);
  });

  it("hands over at an orderly stop what it can", () => {
    const { cluster, key, owners } = five({ handoffIntervalMs: 3_600_000 });
    kill(cluster, owners[0]);
    cluster.put(owners[1], key, "v");
    const [holder] = [...cluster.members.keys()].filter(
      (name) => cluster.member(name).alive && hintsAt(cluster, name) > 0,
    );
    restart(cluster, owners[0]);
    cluster.settle();
    expect(hints(cluster)).toBe(1);
    cluster.stop(holder as string);
    expect(local(cluster, owners[0], key)).toEqual(["v"]);
  });

  it("is shown by explain: who keeps what, while whether replicas agree is the owners' matter", () => {
    const { cluster, key, owners } = five();
    const explained = () =>
      cluster.wait<Outcome<Explanation>>((done) => cluster.node("n5").explain(cluster.id("b", key), 1_000, done));
    const roles = (): string[] => {
      const outcome = explained();
      return outcome.ok ? outcome.value.replicas.map(({ role, reply }) => `${role} ${reply}`) : [];
    };
    kill(cluster, ...owners);
    cluster.put("n5", key, "v");
    expect(roles()).toEqual(["primary timeout", "primary timeout", "primary timeout", "fallback ok", "fallback ok"]);
    restart(cluster, ...owners);
    drained(cluster);
    expect(roles()).toEqual(["primary ok", "primary ok", "primary ok"]);
    expect(explained()).toMatchObject({ ok: true, value: { agree: true } });
  });

  it("tells everybody what is owed", () => {
    const { cluster, key, owners } = five();
    kill(cluster, owners[0]);
    const sinceMs = 1_700_000_000_000 + cluster.timeline.nowMs;
    cluster.put(owners[1], key, "v");
    const seen = () =>
      cluster
        .node("n5")
        .cluster()
        .members.reduce((sum, member) => sum + member.hints, 0);
    cluster.timeline.until(() => seen() === 1, 5_000, "n5 shows it", 10);
    const debts = cluster
      .node("n5")
      .cluster()
      .members.map(({ name }) => cluster.node("n5").membership.debtsOf(name));
    const owing = debts.find((debt) => debt?.hints === 1);
    expect(owing?.oldestHintMs).toBeGreaterThanOrEqual(sinceMs);
    expect(owing?.hintBytes).toBeGreaterThan(0);
    restart(cluster, owners[0]);
    drained(cluster);
    cluster.timeline.until(() => seen() === 0, 5_000, "n5 shows none", 10);
  });
});
