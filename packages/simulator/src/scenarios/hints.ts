/** Scenarios of fallbacks and hints, with the other healers off: one of them would hide what another one lost (TRAPS 11, 18, 19, 32). */
import type { Operation } from "../history.js";
import type { Scenario } from "./scenario.js";
import type { Scene } from "./scene.js";

const five = { nodes: 5, healers: { hints: true, readRepair: false, antiEntropy: false } };
const SLOPPY = { sloppy: true };

/** The key's owners are gone, and everybody who is left takes them for down. Returns them, and one who is left. */
function killOwners(scene: Scene, key: string): { readonly owners: readonly string[]; readonly left: string } {
  const owners = scene.owners(key);
  for (const owner of owners) scene.world.crash(owner, "kill");
  const left = scene.world.names.filter((name) => !owners.includes(name));
  scene.until("they seem down", () => left.every((name) => owners.every((owner) => scene.seesDown(name, owner))));
  return { owners, left: left[0] as string };
}

function mustBeDone(operation: Operation): void {
  if (operation.outcome !== "done") throw new Error(`${operation.kind} of ${operation.key}: ${operation.failure}`);
}

export const hints: readonly Scenario[] = [
  {
    name: "a write on fallbacks alone comes home, though the first time that it is sent nobody gets it",
    finds: ["hint-dropped-early"],
    shape: five,
    play: (scene) => {
      const { owners } = killOwners(scene, "k");
      const left = scene.world.names.filter((name) => !owners.includes(name));
      mustBeDone(scene.put(left[0] as string, "k", SLOPPY));
      mustBeDone(scene.get(left[0] as string, "k", SLOPPY));
      // Those who owe hear the owners and are not heard; when they are, the owners are other processes.
      const heal = scene.world.partition(left, owners, "one-way");
      for (const owner of owners) scene.world.start(owner);
      scene.world.run(15_000);
      for (const owner of owners) scene.world.crash(owner, "kill");
      heal();
      for (const owner of owners) scene.world.start(owner);
      scene.settle();
    },
  },
  {
    name: "a hint that is older than its lifetime, with no owner there to take it, is kept",
    finds: ["hint-dropped-for-age"],
    shape: { ...five, hintTtlMs: 2_000 },
    play: (scene) => {
      const { owners, left } = killOwners(scene, "k");
      mustBeDone(scene.put(left, "k", SLOPPY));
      scene.world.run(10_000);
      for (const owner of owners) scene.world.start(owner);
      scene.settle();
    },
  },
  {
    name: "a fallback that has what it keeps for others restarts, and still owes it",
    finds: [],
    shape: five,
    play: (scene) => {
      const { owners, left } = killOwners(scene, "k");
      mustBeDone(scene.put(left, "k", SLOPPY));
      for (const name of scene.world.names.filter((each) => !owners.includes(each))) scene.world.crash(name, "power");
      for (const name of scene.world.names) scene.world.start(name);
      scene.settle();
    },
  },
  {
    name: "a strict write counts no fallback",
    finds: ["fallback-counts-as-primary"],
    shape: five,
    play: (scene) => {
      const [first = "", ...others] = scene.owners("k");
      scene.world.partition([first], others, "both");
      scene.put(first, "k");
      scene.put(first, "k", { by: "c2", ...SLOPPY });
    },
  },
  {
    name: "a copy that went home does not come back as an actor of before (TRAPS 1, with the first writes on fallbacks)",
    finds: [],
    shape: five,
    play: (scene) => {
      const { owners, left } = killOwners(scene, "k");
      mustBeDone(scene.put(left, "k", SLOPPY));
      for (const owner of owners) scene.world.start(owner);
      scene.settle();
      scene.until("the copy is gone", () => scene.world.node(left)?.hints.queue.count === 0);
      killOwners(scene, "k");
      mustBeDone(scene.put(left, "k", { by: "c2", ...SLOPPY }));
      for (const owner of owners) scene.world.start(owner);
      scene.settle();
    },
  },
  {
    name: "both sides of a split take writes, and after it all of them stand",
    finds: [],
    shape: five,
    play: (scene) => {
      const heal = scene.world.partition(["n1", "n2"], ["n3", "n4", "n5"], "both");
      scene.world.run(10_000);
      for (let i = 0; i < 10; i++) {
        mustBeDone(scene.put("n1", `k${i}`, { by: "c1", ...SLOPPY }));
        mustBeDone(scene.put("n4", `k${i}`, { by: "c2", ...SLOPPY }));
        mustBeDone(scene.get("n5", `k${i}`, { by: "c2", ...SLOPPY }));
      }
      heal();
      scene.settle();
      scene.world.run(10_000);
      for (let i = 0; i < 10; i++) {
        const both = scene.get("n2", `k${i}`, { by: "c3", quorum: "all" });
        if (scene.shown(both).length !== 2) throw new Error(`k${i} shows ${scene.shown(both).join(", ")}`);
      }
    },
  },
  {
    name: "a whole zone is lost, and every key is readable and writable at a strict quorum",
    finds: [],
    shape: { ...five, nodes: 6, zones: 3 },
    play: (scene) => {
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
      for (const key of keys) mustBeDone(scene.put("n1", key));
      for (const name of scene.world.inZone("z1")) scene.world.crash(name, "kill");
      const left = scene.world.names.filter((name) => scene.world.isUp(name));
      for (const [i, key] of keys.entries()) {
        const node = left[i % left.length] as string;
        const manner = { timeoutMs: 5_000 };
        mustBeDone(scene.get(node, key, manner));
        mustBeDone(scene.put(node, key, { context: "last", ...manner }));
      }
    },
  },
];
