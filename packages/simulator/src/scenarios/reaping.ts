/** Scenarios of deletes by proof and of expiry (CHECKERS.md, "delete, reap, a node returns …"; TRAPS 1, 16, 17, 20). */
import type { Scenario } from "./scenario.js";

/** More than reaping takes when nothing stands in its way: its rounds, and a message's life for what was given up. */
const REAPED_MS = 30_000;
const hintsAlone = { hints: true, readRepair: false, antiEntropy: false };
const ALL = { quorum: "all" } as const;

export const reaping: readonly Scenario[] = [
  {
    name: "zombie: a member that was away with the value finds its tombstone when it returns",
    finds: ["reaped-early"],
    play: (scene) => {
      scene.put("n1", "k", ALL);
      scene.world.crash("n3", "kill");
      scene.delete("n1", "k", { context: "last" });
      scene.world.run(REAPED_MS);
      scene.world.start("n3");
      scene.settle();
      scene.get("n1", "k", { by: "c2" });
      scene.get("n3", "k", { by: "c2" });
    },
  },
  {
    name: "a hint of before the delete, on a fallback that was away, finds its tombstone",
    finds: ["reaped-early"],
    shape: { nodes: 5, healers: hintsAlone },
    play: (scene) => {
      const [first = "", , away = ""] = scene.owners("k");
      scene.world.crash(away, "kill");
      scene.until("it seems down", () => scene.seesDown(first, away));
      scene.put(first, "k", { ...ALL, sloppy: true });
      const keepsIt = (name: string): boolean => (scene.world.node(name)?.hints.queue.count ?? 0) > 0;
      const fallback = scene.world.names.find((name) => !scene.owners("k").includes(name) && keepsIt(name)) ?? "";
      scene.world.crash(fallback, "kill");
      scene.world.start(away);
      scene.until("the owners are up", () => scene.world.isUp(away) && !scene.seesDown(first, away));
      scene.delete(first, "k", { ...ALL, context: "last" });
      scene.world.run(REAPED_MS);
      scene.world.start(fallback);
      scene.settle();
      scene.get(first, "k", { by: "c2" });
    },
  },
  {
    name: "doomstone: a tombstone that comes back kills nothing that was made anew",
    finds: [],
    play: (scene) => {
      scene.put("n1", "k", ALL);
      scene.delete("n1", "k", { ...ALL, context: "last" });
      scene.world.crash("n3", "kill");
      scene.put("n1", "k", { by: "c2" });
      scene.world.run(REAPED_MS);
      scene.world.start("n3");
      scene.settle();
      scene.get("n3", "k", { by: "c3" });
    },
  },
  {
    name: "a key that was reaped and is made anew has dots that never were",
    finds: ["reused-dot"],
    play: (scene) => {
      scene.put("n1", "k", ALL);
      scene.delete("n1", "k", { ...ALL, context: "last" });
      scene.untilReaped("k");
      scene.put("n1", "k", { by: "c2" });
      scene.get("n2", "k", { by: "c3" });
    },
  },
  {
    name: "what is on its way out when the power goes, or its owners part, goes afterwards",
    finds: [],
    play: (scene) => {
      for (let i = 0; i < 6; i++) {
        // The client finds out here that its connections of before are broken.
        for (const node of ["n1", "n2"]) for (let look = 0; look < 2; look++) scene.get(node, "other");
        const put = scene.put("n1", `k${i}`, ALL);
        const removed = scene.delete("n2", `k${i}`, { ...ALL, context: "last" });
        if (put.outcome !== "done" || removed.outcome !== "done") throw new Error("the day is not quiet enough");
        // Each time at another of its steps.
        scene.world.run(100 * i);
        if (i % 2 === 0) scene.restart("n1");
        else scene.world.partition(["n1"], ["n2", "n3"], "both");
        scene.world.run(3_000);
        scene.world.healAll();
        scene.settle();
        scene.world.run(15_000);
      }
      for (let i = 0; i < 6; i++) scene.untilReaped(`k${i}`);
    },
  },
  {
    name: "an expired value comes back through nobody: not by a hint, a repair or a member that was away",
    finds: ["expired-is-shown"],
    play: (scene) => {
      scene.world.crash("n3", "kill");
      scene.put("n1", "k", { ttlSeconds: 5 });
      scene.put("n1", "stays", {});
      scene.world.run(10_000);
      scene.world.start("n3");
      scene.settle();
      for (const node of ["n1", "n2", "n3"]) scene.get(node, "k", { by: "c2", quorum: "all" });
      scene.untilReaped("k");
    },
  },
];
