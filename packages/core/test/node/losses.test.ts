/** A store that lost records which nobody can name: the node takes nothing it has for whole, and is filled by the others again (DESIGN §8). */
import { describe, expect, it } from "vitest";
import type { Batch } from "../../src/ports/storage.js";
import { TestCluster } from "./cluster.js";

const KEYS = Array.from({ length: 20 }, (_, i) => `k${i}`);

describe("a start on a store with losses", () => {
  it("proves no absence until the partitions are merged from the others, brings the records back, and says once that it knows", () => {
    const cluster = TestCluster.of(3, 1, { readRepair: false });
    for (const key of KEYS) cluster.put("n1", key, "v", { w: "all" });
    cluster.kill("n2");
    const { storage } = cluster.member("n2");
    // Gone, as if they had never been: only the store itself could tell.
    for (const key of KEYS.slice(0, 5)) {
      const { partition } = cluster.place(key);
      storage.disk.partitions.delete(partition);
    }
    storage.lost = { records: true, facts: false };
    const heard: Batch[] = [];
    const apply = storage.apply.bind(storage);
    storage.apply = (batch, done) => {
      if (batch.heard === true) heard.push(batch);
      apply(batch, done);
    };
    cluster.restart("n2");
    cluster.timeline.until(() => cluster.member("n2").node !== undefined, 1_000, "n2 is a node");
    expect(heard).toHaveLength(1);
    // In one batch: nothing is whole, and the actors of before are retired.
    expect(heard[0]?.meta?.map(({ name }) => name)).toEqual(expect.arrayContaining(["whole", "boot"]));
    const node = cluster.node("n2");
    expect(node.isInDoubt(cluster.place("k0").partition)).toBe(true);
    cluster.settle();
    cluster.timeline.until(
      () => !KEYS.some((key) => node.isInDoubt(cluster.place(key).partition)),
      60_000,
      "n2 is whole",
    );
    for (const key of KEYS) {
      const { partition, hash } = cluster.place(key);
      const records = storage.disk.partitions.get(partition) ?? [];
      expect(records.some((record) => record.hash === hash)).toBe(true);
    }
  });

  it("is refused where facts about the node itself may be lost", () => {
    const cluster = TestCluster.of(1);
    cluster.kill("n1");
    cluster.member("n1").storage.lost = { records: true, facts: true };
    cluster.restart("n1");
    cluster.timeline.run(100);
    expect(cluster.member("n1").fatal).toContain("the data folder can't tell what it knew");
  });
});
