import { describe, expect, it } from "vitest";
import { TestCluster } from "./cluster.js";

describe("a cluster of three", () => {
  it("founds, joins and agrees on one ring", () => {
    const cluster = TestCluster.of(3);
    const rings = ["n1", "n2", "n3"].map((name) => cluster.node(name).ring.version);
    expect(new Set(rings).size).toBe(1);
    expect(
      cluster
        .node("n2")
        .cluster()
        .members.map((member) => [member.name, member.status]),
    ).toEqual([
      ["n1", "up"],
      ["n2", "up"],
      ["n3", "up"],
    ]);
  });

  it("reads through every node what was written through one", () => {
    const cluster = TestCluster.of(3);
    expect(cluster.put("n1", "k", "v")).toMatchObject({ ok: true, value: { needed: 2 } });
    for (const name of ["n1", "n2", "n3"]) expect(cluster.values(name, "k")).toEqual(["v"]);
  });

  it("keeps two writes from one old context as siblings, and a merge of both replaces them", () => {
    const cluster = TestCluster.of(3);
    const first = cluster.put("n1", "cart", "book");
    const context = first.ok ? first.value.context : new Uint8Array();
    cluster.put("n2", "cart", "book,pen", { context });
    cluster.put("n3", "cart", "book,ink", { context });
    cluster.timeline.run(100);
    expect(cluster.values("n1", "cart")).toEqual(["book,ink", "book,pen"]);
    expect(cluster.put("n1", "cart", "book,pen,ink", { context: cluster.contextOf("n1", "cart") }).ok).toBe(true);
    cluster.timeline.run(100);
    for (const name of ["n1", "n2", "n3"]) {
      expect(cluster.values(name, "cart", { local: true })).toEqual(["book,pen,ink"]);
    }
  });

  it("works from requests to a node that does not own the key", () => {
    const cluster = TestCluster.of(5);
    for (let i = 0; i < 20; i++) {
      const through = `n${(i % 5) + 1}`;
      expect(cluster.put(through, `k${i}`, `v${i}`).ok).toBe(true);
      for (const name of ["n1", "n2", "n3", "n4", "n5"]) expect(cluster.values(name, `k${i}`)).toEqual([`v${i}`]);
    }
  });

  it("goes on at quorum without one node, and brings it up to date when it is read again", () => {
    const cluster = TestCluster.of(3);
    cluster.put("n1", "k", "old");
    cluster.kill("n3");
    const context = cluster.contextOf("n1", "k");
    expect(cluster.put("n1", "k", "new", { context }).ok).toBe(true);
    expect(cluster.put("n1", "k", "all", { w: "all" })).toMatchObject({
      ok: false,
      failure: { code: "quorum-not-met", effect: "unknown" },
    });
    cluster.restart("n3");
    cluster.settle();
    expect(cluster.values("n3", "k", { local: true })).toEqual(["old"]);
    cluster.values("n3", "k");
    cluster.timeline.run(100);
    expect(cluster.values("n3", "k", { local: true })).toEqual(["all", "new"]);
  });
});
