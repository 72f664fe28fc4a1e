/** A member whose disk hangs while its loop lives: the others hear of it, and stand in for it from the start (DESIGN §8). */
import { describe, expect, it } from "vitest";
import { limits } from "../../src/base/limits.js";
import { TestCluster } from "./cluster.js";

const HANGS_MS = 60_000;

function statusOf(cluster: TestCluster, by: string, of: string) {
  return cluster
    .node(by)
    .cluster()
    .members.find(({ name }) => name === of);
}

/** Four members, of which n4's disk takes nothing any more, and a key that n4 owns. */
function hung() {
  const cluster = TestCluster.of(4);
  const key = Array.from({ length: 100 }, (_, at) => `k${at}`).find((each) => cluster.owners(each).includes("n4"));
  const storage = cluster.member("n4").storage;
  storage.flushMs = HANGS_MS;
  const by = cluster.owners(key as string).find((owner) => owner !== "n4") as string;
  cluster.put(by, key as string, "first");
  cluster.timeline.until(() => statusOf(cluster, by, "n4")?.status === "suspect", 10_000, "n4 is suspected", 10);
  return { cluster, key: key as string, storage, by };
}

describe("a disk that hangs", () => {
  it("is told by the member's own heartbeats, with the reason, and moves nothing", () => {
    const { cluster, by } = hung();
    expect(statusOf(cluster, by, "n4")?.why).toMatch(/^heard .* ago, but its disk has written nothing for \d+\.\d s$/);
    expect(statusOf(cluster, "n4", "n4")?.why).toMatch(/^this node; its disk has written nothing for/);
    expect(cluster.node("n4").ready()).toBe(false);
    expect(cluster.node(by).ready()).toBe(true);
    expect(statusOf(cluster, by, by)?.status).toBe("up");
  });

  it("is stood in for at once: no write waits for its silence", () => {
    const { cluster, key, by } = hung();
    const before = cluster.timeline.nowMs;
    const outcome = cluster.put(by, key, "second", { w: "all" });
    expect(outcome).toMatchObject({ ok: true, value: { needed: 3, received: 3, fallbacks: 1 } });
    expect(cluster.timeline.nowMs - before).toBeLessThan(limits.standInAfterMs);
  });

  it("is trusted again as soon as it moves, also when its process was started anew", () => {
    const moves = hung();
    moves.storage.flushMs = 2;
    const isUp = (): boolean => statusOf(moves.cluster, moves.by, "n4")?.status === "up";
    moves.cluster.timeline.until(isUp, HANGS_MS + 5_000, "n4 is up again", 10);
    expect(moves.cluster.node("n4").ready()).toBe(true);

    const { cluster, by, storage } = hung();
    cluster.cutPower("n4");
    storage.flushMs = 2;
    cluster.restart("n4");
    cluster.timeline.until(() => statusOf(cluster, by, "n4")?.status === "up", 10_000, "n4 is up again", 10);
  });
});
