/** What `explain` concludes from the replicas' answers: who disagrees, and what repair would do. */
import type { Explanation, ReplicaView } from "@kvorum/core";
import { expect, test } from "vitest";
import { findings } from "../../src/cli/commands/explain.js";

function replica(node: string, reply: ReplicaView["reply"], ...dots: readonly string[]): ReplicaView {
  const siblings = dots.map((dot) => ({ dot, timestamp: 0, deleted: false }));
  const digest = reply === "ok" ? dots.join() : null;
  return { node, role: "primary", status: "up", reply, digest, siblings };
}

function explained(agree: boolean, ...replicas: ReplicaView[]): readonly string[] {
  const explanation: Explanation = { partition: 1, preferenceList: [], coordinator: "n1", replicas, agree };
  return findings(explanation);
}

test("agreement is said as such, and does not speak for those who were silent", () => {
  expect(explained(true, replica("n1", "ok", "a:1"), replica("n2", "ok", "a:1"), replica("n3", "timeout"))).toEqual([
    "2 replicas answered, and all agree: nothing to repair.",
    "- n3 (up) did not answer in time: what it holds is not known, and is repaired when it answers again.",
  ]);
  expect(explained(true, replica("n1", "not-found"))[0]).toBe("Every replica that answered holds nothing of this key.");
  expect(explained(true, replica("n1", "error"))[0]).toBe("No replica answered: nothing is known of this key.");
});

test("each difference names the replica, the version and its holders", () => {
  const lines = explained(
    false,
    replica("n1", "ok", "a:1", "b:2"),
    replica("n2", "ok", "a:1"),
    replica("n3", "not-found"),
  );
  expect(lines.slice(1)).toEqual([
    "- n2 does not hold b:2 (held by n1); the merge keeps it, unless n2 has replaced it already.",
    "- n3 holds nothing; it would get a:1 (held by n1, n2), b:2 (held by n1).",
  ]);
  expect(explained(false, replica("n1", "ok", "a:1"), replica("n2", "ok", "a:1"))[1]).toContain("different histories");
});
