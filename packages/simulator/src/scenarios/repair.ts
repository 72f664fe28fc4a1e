/** Scenarios of anti-entropy and of damage (CHECKERS.md, TRAPS 2, 24, 25, 28, 32): what is mended without anybody reading it, and how. */
import type { Scenario } from "./scenario.js";

const alone = { hints: false, readRepair: false, antiEntropy: true };

export const repair: readonly Scenario[] = [
  {
    name: "what a member missed is brought to it though nobody reads it",
    finds: [],
    shape: { healers: alone },
    play: (scene) => {
      for (let i = 0; i < 12; i++) scene.putWithout("n3", "n1", `k${i}`);
      scene.putWithout("n1", "n2", "k0");
    },
  },
  {
    name: "an exchange merges with what was written while its states were on their way",
    finds: ["exchange-copies"],
    shape: { healers: alone, flushMs: 0.2 },
    play: (scene) => {
      scene.putWithout("n3", "n1", "k");
      // What shall mend n3 leaves the others slowly, and a write through n3 overtakes it.
      scene.world.storm(["n1", "n2"], ["n3"], { delayFactor: 60 });
      for (let i = 0; i < 80; i++) {
        scene.put("n3", "k", { by: "c3", quorum: "one" });
        scene.world.run(50);
      }
    },
  },
  {
    name: "a tree that is built anew while a write is being flushed counts that write once",
    finds: ["tree-outside-batch"],
    shape: { flushMs: 300 },
    play: (scene) => {
      scene.put("n1", "k");
      scene.damage("n1", "k");
      scene.put("n1", "k", { by: "c2", timeoutMs: 3_000 });
      scene.get("n2", "k");
    },
  },
  {
    name: "a damaged record that was found is healed though nobody reads its key again",
    finds: [],
    shape: { healers: { hints: false, readRepair: false, antiEntropy: false } },
    play: (scene) => {
      scene.put("n1", "k");
      scene.damage("n1", "k");
      scene.get("n2", "k", { quorum: "all" });
      scene.until("healed", () => scene.world.node("n1")?.stats().healedRecords === 1);
      scene.get("n1", "k", { quorum: "all", by: "c2" });
    },
  },
  {
    name: "a record that was damaged and then healed from its peers begins a new lifetime: it meets its own actor's higher counter",
    finds: ["reused-dot"],
    shape: { healers: alone },
    play: (scene) => {
      scene.put("n1", "k");
      scene.put("n1", "k", { context: "last" });
      scene.damage("n1", "k");
      scene.world.partition(["n2"], ["n1"], "both");
      scene.put("n1", "k", { by: "c2" });
      scene.world.healAll();
      scene.settle();
      scene.put("n1", "k", { by: "c3" });
      scene.get("n2", "k");
    },
  },
];
