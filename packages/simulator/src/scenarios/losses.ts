/** Scenarios of what is lost and must not be missed: disks, records, memory (CHECKERS.md, TRAPS 1–3, 14, 28). */
import type { Scenario } from "./scenario.js";

/** A hint would tell a member what it has missed. */
const noHints = { healers: { hints: false, readRepair: true, antiEntropy: false } };

export const losses: readonly Scenario[] = [
  {
    name: "a session does not take the word of a member that missed what it has written",
    finds: ["session-takes-less"],
    shape: noHints,
    play: (scene) => {
      scene.world.partition(["n3"], ["n1", "n2"], "both");
      scene.put("n1", "k", { session: true });
      scene.get("n3", "k", { quorum: "one" });
    },
  },
  {
    name: "two of three owners whose records are damaged at once do not wait for each other for ever",
    finds: [],
    play: (scene) => {
      scene.put("n1", "k", { quorum: "all" });
      scene.damage("n1", "k");
      scene.damage("n2", "k");
      scene.get("n1", "k", { by: "c2" });
    },
  },
  {
    name: "an old copy of a folder that is put back proves nothing, and is refused",
    finds: ["old-copy-believed"],
    shape: noHints,
    play: (scene) => {
      scene.put("n1", "k");
      scene.world.crash("n3", "power");
      scene.world.takeCopy("n3");
      scene.world.start("n3");
      scene.until("all know of that start", () => scene.world.isStartKnown("n3"));
      scene.putWithout("n1", "n3", "k");
      scene.world.crash("n3", "power");
      scene.world.putBack("n3");
      scene.world.partition(["n2"], ["n1", "n3"], "both");
      scene.world.start("n3");
      scene.until("n3 is up", () => scene.world.isUp("n3"));
      scene.get("n1", "k", { by: "c2" });
    },
  },
  {
    name: "a write through a coordinator that was wiped is a new write",
    finds: [],
    play: (scene) => {
      scene.put("n1", "k");
      scene.put("n1", "k", { context: "last" });
      scene.replace("n1");
      scene.settle();
      scene.put("n1", "k", { by: "c2" });
      scene.get("n2", "k");
    },
  },
  {
    name: "a write through a wiped coordinator that is still empty is a new write",
    finds: [],
    play: (scene) => {
      scene.put("n1", "k");
      const cut = scene.world.partition(["n1"], ["n2"], "both");
      scene.replace("n1");
      scene.until("n1 is up", () => scene.world.isUp("n1"));
      scene.put("n1", "k", { by: "c2" });
      cut();
      scene.settle();
      scene.get("n2", "k");
    },
  },
  {
    name: "a write through a coordinator whose record is damaged is a new write",
    finds: ["reused-dot"],
    play: (scene) => {
      scene.put("n1", "k");
      scene.damage("n1", "k");
      scene.put("n1", "k", { by: "c2" });
      scene.get("n2", "k");
    },
  },
  {
    name: "an empty instance proves nothing until it was merged from every other owner",
    finds: ["notfound-is-absence", "one-source-is-enough"],
    shape: noHints,
    play: (scene) => {
      scene.putWithout("n3", "n1", "k");
      // n3 never heard of the write, n1 forgets it, and n2 can't be asked.
      scene.world.partition(["n2"], ["n1", "n3"], "both");
      scene.replace("n1");
      scene.until("n1 is up", () => scene.world.isUp("n1"));
      scene.world.run(60_000);
      scene.get("n3", "k", { by: "c2" });
      scene.get("n1", "k", { by: "c2" });
    },
  },
  {
    name: "a damaged record is not absence",
    finds: ["notfound-is-absence"],
    shape: noHints,
    play: (scene) => {
      scene.putWithout("n3", "n1", "k");
      scene.damage("n1", "k");
      scene.world.partition(["n2"], ["n1", "n3"], "both");
      scene.get("n3", "k", { by: "c2" });
    },
  },
  {
    name: "a wiped replica that is refilled and then coordinates makes new versions",
    finds: [],
    play: (scene) => {
      for (const node of ["n1", "n2", "n3"]) scene.put(node, "k", { context: "last" });
      scene.replace("n2");
      scene.settle();
      scene.put("n2", "k", { by: "c2" });
      scene.put("n2", "k", { by: "c1", context: "last" });
      scene.get("n3", "k");
    },
  },
  {
    name: "what had no space is not minted again",
    finds: [],
    play: (scene) => {
      scene.put("n1", "k");
      scene.world.fillDisk("n1", true);
      scene.put("n1", "k", { by: "c2" });
      scene.world.fillDisk("n1", false);
      scene.put("n1", "k", { by: "c3" });
      scene.put("n1", "k", { by: "c2", context: "last" });
      scene.get("n2", "k");
    },
  },
];
