/** What a node thinks of the others, and why: local, in words, and with its own doubt first (Dynamo §4.8.3; TRAPS 22). */
import { describe, expect, it } from "vitest";
import { healthOf } from "../../src/node/member-health.js";
import { TestCluster } from "./cluster.js";

describe("the health of a member", () => {
  it("is told with its reasons", () => {
    const signs = { isSelf: false, silenceMs: 400, phi: 0.2, lateMs: 0, status: "up" } as const;
    expect(healthOf(signs)).toEqual({ phi: 0.2, heardMsAgo: 400, why: "heard 0.4 s ago" });
    const suspect = { ...signs, status: "suspect", silenceMs: 6_100, phi: 9.333 } as const;
    expect(healthOf(suspect)).toMatchObject({
      phi: 9.33,
      why: "silent for 6.1 s: phi is 9.3, and suspicion begins at 8",
    });
    const down = { ...suspect, status: "down", phi: Number.POSITIVE_INFINITY } as const;
    expect(healthOf(down)).toMatchObject({ phi: 1_000, why: "silent for 6.1 s: phi is above 16" });
    const unheard = { ...down, silenceMs: undefined } as const;
    expect(healthOf(unheard)).toMatchObject({ heardMsAgo: null, why: "not heard since this node was started" });
    const self = { ...signs, isSelf: true, phi: undefined } as const;
    expect(healthOf(self)).toEqual({ phi: null, heardMsAgo: null, why: "this node" });
    expect(healthOf({ ...self, lateMs: 2_500 }).why).toBe(
      "this node; it stood still for 2.5 s and blames nobody for it",
    );
  });

  it("grows worse with silence, on the node that hears nothing alone, and moves nothing", () => {
    const cluster = TestCluster.of(4);
    const view = (by: string, of: string) =>
      cluster
        .node(by)
        .cluster()
        .members.find(({ name }) => name === of);
    expect(view("n1", "n4")).toMatchObject({ status: "up", why: expect.stringMatching(/^heard /) });
    const before = cluster.node("n1").ringView();
    for (const other of ["n2", "n3", "n4"]) cluster.cut("n1", other);
    cluster.timeline.until(() => view("n1", "n4")?.status === "suspect", 5_000, "suspect", 5);
    expect(view("n1", "n4")?.why).toMatch(/^silent for .*: phi is /);
    cluster.timeline.until(() => view("n1", "n4")?.status === "down", 5_000, "down", 5);
    expect(view("n2", "n4")?.status).toBe("up");
    expect(cluster.node("n1").ringView()).toEqual(before);
  });
});
