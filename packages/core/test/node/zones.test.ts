/** Replicas in N zones where there are N zones: a whole zone may go, and every key is still there at a strict quorum (DESIGN §3, §6.2 of the paper). */
import { describe, expect, it } from "vitest";
import { TestCluster } from "./cluster.js";

const ZONES: Readonly<Record<string, string>> = { n1: "a", n2: "a", n3: "b", n4: "b", n5: "c", n6: "c" };
const KEYS = Array.from({ length: 40 }, (_, i) => `k${i}`);

function spread(): TestCluster {
  const cluster = new TestCluster(1);
  for (const [name, zone] of Object.entries(ZONES)) cluster.start(name, undefined, zone);
  cluster.settle();
  return cluster;
}

describe("three zones", () => {
  it("hold each key once each, and what stands in comes from the other zones first", () => {
    const cluster = spread();
    for (const key of KEYS) {
      expect(
        cluster
          .owners(key)
          .map((name) => ZONES[name])
          .sort(),
      ).toEqual(["a", "b", "c"]);
      const { fallbacks } = cluster.node("n1").place(cluster.id("b", key));
      expect(
        fallbacks
          .slice(0, 3)
          .map((name) => ZONES[name])
          .sort(),
      ).toEqual(["a", "b", "c"]);
    }
  });

  it.each(["a", "b", "c"])("zone %s is lost: every key is readable and writable at a strict quorum", (lost) => {
    const cluster = spread();
    for (const key of KEYS) cluster.put("n1", key, "before");
    const left = Object.keys(ZONES).filter((name) => ZONES[name] !== lost);
    for (const name of Object.keys(ZONES)) if (!left.includes(name)) cluster.kill(name);
    for (const [i, key] of KEYS.entries()) {
      const through = left[i % left.length] as string;
      expect(cluster.values(through, key, { sloppy: false })).toEqual(["before"]);
      expect(cluster.put(through, key, "after", { sloppy: false })).toMatchObject({ ok: true, value: { received: 2 } });
      expect(cluster.values(through, key, { sloppy: false })).toEqual(["after", "before"]);
    }
  });
});
