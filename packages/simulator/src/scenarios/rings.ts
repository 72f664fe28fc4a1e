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
    name: "one that was removed while it stood still finds no quorum by the owners that it knew",
    finds: ["stale-ring-accepted"],
    shape: { nodes: 4, healers: { hints: false, readRepair: false, antiEntropy: false } },
    play: (scene) => {
      const { world } = scene;
      const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
      const key = keys.find((each) => ["n1", "n2", "n4"].every((name) => scene.owners(each).includes(name))) ?? "k";
      scene.put("n1", key, { quorum: "all" });
      // Its client has greeted it already: the next request is the first thing that it sees when it wakes.
      scene.get("n4", key, { by: "c3" });
      world.pause("n4", 10_000);
      world.partition(["n4"], ["n1", "n3"], "both");
      world.remove("n4", "n1");
      const goesWithout = (name: string): boolean => {
        const { phase, all } = world.node(name)?.placement(world.keyOf("carts", key).partition) ?? {
          phase: 0,
          all: [],
        };
        return phase === 3 && all.includes("n3") && !all.includes("n4");
      };
      scene.until("the others go on without n4", () => ["n1", "n2", "n3"].every(goesWithout));
      // n2 misses a write that the owners of today acknowledge; by the owners of then, n2 and n4 are a quorum.
      world.partition(["n1"], ["n2"], "both");
      scene.put("n1", key, { by: "c2" });
      // What it hears of its removal it keeps before it acts on it.
      world.slowDisk("n4", 1_000);
      const read = scene.begin("get", "n4", key, { by: "c3" });
      world.run(5);
      world.member("n4").process?.resume();
      scene.until("an answer of n4", () => read() !== undefined);
      world.crash("n4", "kill");
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
    name: "a member that loses its disk while it is leaving is replaced like any other",
    finds: [],
    shape: { nodes: 4 },
    play: (scene) => {
      for (let i = 0; i < 10; i++) scene.put("n1", `k${i}`);
      // Nobody can hand anything over: the departure stays open.
      scene.world.crash("n3", "kill");
      scene.world.leave("n2", "n1");
      scene.world.run(500);
      scene.replace("n2");
      scene.world.start("n3");
      scene.until("n2 is up", () => scene.world.isUp("n2"));
      for (let i = 0; i < 10; i++) scene.get("n4", `k${i}`);
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
