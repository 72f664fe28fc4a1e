/** Scenarios of what an answer promises: disks behind it, members behind it, and what a context may cover (TRAPS 6, 11, 25, 27). */
import type { Scenario } from "./scenario.js";

export const acknowledgements: readonly Scenario[] = [
  {
    name: "the power goes at the moment of an acknowledgement, and nothing acknowledged goes with it",
    finds: ["ack-before-flush"],
    play: (scene) => {
      scene.at("acknowledged", "n1", () => {
        for (const name of scene.world.names) scene.world.crash(name, "power");
      });
      scene.put("n1", "k");
      for (const name of scene.world.names) scene.world.start(name);
      scene.settle();
      scene.put("n1", "k", { by: "c2" });
      scene.put("n1", "k", { by: "c1", context: "last" });
      scene.get("n2", "k");
    },
  },
  {
    name: "the power goes before a coordinator's own flush, and what it then writes are new versions",
    finds: ["reused-dot"],
    shape: { flushMs: 20 },
    play: (scene) => {
      scene.put("n1", "k");
      scene.at("merging", "n2", () => scene.world.crash("n1", "power"));
      scene.put("n1", "k", { by: "c2" });
      scene.world.start("n1");
      scene.settle();
      scene.put("n1", "k", { by: "c3" });
      scene.get("n2", "k");
    },
  },
  {
    name: "a coordinator alone is no quorum",
    finds: ["quorum-counts-twice"],
    play: (scene) => {
      scene.world.partition(["n1"], ["n2", "n3"], "both");
      scene.put("n1", "k");
    },
  },
  {
    name: "who writes after its own blind write replaces that one only",
    finds: ["context-covers-unseen", "blind-replaces"],
    play: (scene) => {
      scene.put("n1", "k", { by: "c1" });
      scene.put("n1", "k", { by: "c2" });
      scene.put("n1", "k", { by: "c2", context: "last" });
      scene.get("n3", "k");
    },
  },
  {
    name: "a write that was acknowledged and is sent again through another node is one version",
    finds: ["retry-mints-second-dot"],
    play: (scene) => {
      scene.put("n1", "k", { attempts: 2, again: true });
      scene.get("n3", "k");
    },
  },
  {
    name: "a coordinator freezes in the middle of a put, its client tries elsewhere, and one version stands",
    finds: ["retry-mints-second-dot"],
    play: (scene) => {
      scene.at("merging", "n2", () => scene.world.pause("n1", 3_000));
      scene.put("n1", "k", { attempts: 3, timeoutMs: 500 });
      scene.world.run(4_000);
      scene.get("n3", "k");
    },
  },
  {
    name: "read repair merges with what was written while it was on its way",
    finds: ["repair-copies"],
    shape: {
      delayMinMs: 1,
      delayMaxMs: 1.2,
      flushMs: 0.2,
      healers: { hints: false, readRepair: true, antiEntropy: false },
    },
    play: (scene) => {
      scene.putWithout("n3", "n1", "k");
      // n3 is asked in time; what shall mend it leaves n1 slowly, and a write through n3 overtakes it.
      scene.world.after(2.5, () => scene.world.storm(["n1"], ["n3"], { delayFactor: 40 }));
      scene.get("n1", "k", { by: "c2", quorum: "all" });
      scene.put("n3", "k", { by: "c3" });
      scene.get("n2", "k", { by: "c3" });
      scene.world.run(500);
      scene.get("n3", "k", { by: "c3" });
    },
  },
];
