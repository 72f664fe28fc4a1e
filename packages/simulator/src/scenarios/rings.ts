/** Scenarios of membership: who joins, and who comes back (TRAPS 21, 23). */
import type { Scenario } from "./scenario.js";
import type { Scene } from "./scene.js";

/** Keys that n3 never heard of: each write was acknowledged by n1 and n2. */
function putKeysWithoutN3(scene: Scene): readonly string[] {
  const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
  scene.world.crash("n3", "kill");
  for (const key of keys) scene.put("n1", key);
  scene.world.start("n3");
  scene.settle();
  return keys;
}

export const rings: readonly Scenario[] = [
  {
    name: "a new owner is read once it has merged what every old owner has, and from then on makes up for the one that went",
    finds: ["serves-before-data", "one-source-is-enough"],
    // They would bring a new owner what its transfer left out.
    shape: { healers: { hints: false, readRepair: false, antiEntropy: false } },
    play: (scene) => {
      const keys = putKeysWithoutN3(scene);
      for (const name of ["n4", "n5"]) {
        scene.world.start(name);
        scene.settle();
      }
      // Whoever holds a key now, any two of its owners know what n1 and n2 acknowledged.
      for (const down of ["n1", "n2"]) {
        scene.world.crash(down, "kill");
        for (const key of keys) for (const name of ["n3", "n4", "n5"]) scene.get(name, key);
        scene.world.start(down);
        scene.settle();
      }
    },
  },
  {
    name: "a member that was removed while it was cut off is none when it is heard again",
    finds: ["gossip-resurrects"],
    shape: { nodes: 4 },
    play: (scene) => {
      scene.put("n1", "k");
      const heal = scene.world.partition(["n4"], ["n1", "n2", "n3"], "both");
      scene.until("n4 seems down", () => ["n1", "n2", "n3"].every((name) => scene.seesDown(name, "n4")));
      scene.world.remove("n4", "n1");
      scene.settle();
      heal();
      scene.world.run(10_000);
      scene.put("n1", "k", { context: "last" });
    },
  },
  {
    name: "two members that join at once end up in one ring, and find everything that was written",
    finds: [],
    play: (scene) => {
      for (let i = 0; i < 20; i++) scene.put("n1", `k${i}`);
      scene.world.start("n4");
      scene.world.start("n5");
      scene.settle();
      for (let i = 0; i < 20; i++) scene.get("n5", `k${i}`);
    },
  },
  {
    name: "a member whose clock is far behind the log takes nobody in under a stamp before it",
    finds: [],
    play: (scene) => {
      scene.put("n1", "k");
      scene.world.skew("n1", -55_000);
      scene.restart("n1");
      scene.world.skew("n1", -25_000);
      scene.restart("n1");
      scene.settle();
      scene.replace("n3");
      scene.settle();
      scene.get("n3", "k");
    },
  },
  {
    name: "a member without room for a new ring goes by the old one until it has room",
    finds: [],
    play: (scene) => {
      scene.world.fillDisk("n3", true);
      scene.world.start("n4");
      scene.world.run(3_000);
      scene.world.fillDisk("n3", false);
      scene.settle();
      scene.restart("n3");
    },
  },
  {
    name: "members that were cut off come back to the ring that the others made",
    finds: [],
    play: (scene) => {
      scene.put("n1", "k");
      const heal = scene.world.partition(["n3"], ["n1", "n2", "n4"], "both");
      scene.world.start("n4");
      scene.world.run(3_000);
      scene.restart("n3");
      heal();
      scene.settle();
      scene.get("n4", "k");
    },
  },
];
