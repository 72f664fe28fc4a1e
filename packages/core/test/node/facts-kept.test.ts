/** What a node hears durably is on its own disk before it goes by it: a ring that it acted on and then forgot would be a promise broken. */
import { describe, expect, it } from "vitest";
import { TestCluster } from "./cluster.js";

const versions = (cluster: TestCluster, ...names: string[]): string[] =>
  names.map((name) => cluster.node(name).ring.version);

describe("a ring that was heard of", () => {
  it("is not gone by while there is no room to keep it, and is once there is", () => {
    const cluster = TestCluster.of(3);
    const [before] = versions(cluster, "n3");
    cluster.member("n3").storage.full = true;
    cluster.start("n4");
    cluster.timeline.until(
      () => versions(cluster, "n1", "n2").every((each) => each !== before),
      5_000,
      "the others know",
    );
    cluster.timeline.run(2_000);
    expect(versions(cluster, "n3")).toEqual([before]);
    expect(cluster.node("n1").membership.settled()).toBe(false);
    cluster.member("n3").storage.full = false;
    cluster.settle();
    expect(new Set(versions(cluster, "n1", "n2", "n3", "n4")).size).toBe(1);
    cluster.cutPower("n3");
    const now = versions(cluster, "n1");
    const again = cluster.restart("n3");
    cluster.timeline.until(() => again.node !== undefined, 1_000, "n3 is up again");
    expect(versions(cluster, "n3")).toEqual(now);
  });

  it("is not gone by when the disk fails under it: the node ends, and its next start goes by what was kept", () => {
    const cluster = TestCluster.of(3);
    const [before] = versions(cluster, "n3");
    const said: (string | undefined)[] = [];
    cluster.member("n3").storage.failing = true;
    cluster.start("n4");
    cluster.timeline.until(
      () => {
        said.push(cluster.member("n3").node?.ring.version);
        return cluster.member("n3").fatal !== undefined;
      },
      5_000,
      "the disk has failed",
    );
    expect(cluster.member("n3").fatal).toMatch(/^storage/);
    expect(new Set(said)).toEqual(new Set([before]));
  });
});
