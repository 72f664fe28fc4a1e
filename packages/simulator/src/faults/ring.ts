/** The ring changes: members join, leave, or die and are removed by hand; or two operators do two of it at once (DESIGN §3; TRAPS 15, 23). */
import type { Family, Stage, Subject, Target } from "./family.js";
import { upTarget } from "./family.js";

export type RingFault =
  | { readonly kind: "join" }
  | { readonly kind: "leave"; readonly target: Target }
  /** Its process and its disk are gone, and an operator removes it. */
  | { readonly kind: "remove"; readonly target: Target }
  | { readonly kind: "join-and-leave"; readonly target: Target };

/** So many more than were founded, at most. */
const NEWCOMERS_MAX = 2;

export const ring: Family<RingFault> = {
  bites: ["join", "leave", "remove"],
  draw: ({ rng, target }) => {
    const kind = rng.pick(["join", "join", "leave", "leave", "remove", "join-and-leave"] as const);
    return kind === "join" ? { kind } : { kind, target };
  },
  strike: (fault, stage, subject) => {
    switch (fault.kind) {
      case "join":
        return join(stage);
      case "leave":
        return leave(fault, stage, subject);
      case "remove":
        return remove(fault, stage, subject);
      case "join-and-leave": {
        const hasLeft = leave(fault, stage, subject);
        return join(stage) || hasLeft;
      }
    }
  },
};

function join({ world }: Stage): boolean {
  if (world.names.length >= world.shape.nodes + NEWCOMERS_MAX) return false;
  world.start(`n${world.names.length + 1}`);
  world.chronicle.bit("join");
  return true;
}

function leave(fault: RingFault & { readonly target: Target }, stage: Stage, subject: Subject): boolean {
  const { world } = stage;
  const name = upTarget(fault, stage, subject);
  if (name === undefined || !maySpare(stage, name)) return false;
  const by = otherUp(stage, name) ?? name;
  world.leave(name, by);
  return true;
}

function remove(fault: RingFault & { readonly target: Target }, stage: Stage, subject: Subject): boolean {
  const { world, atlas } = stage;
  const name = upTarget(fault, stage, subject);
  const by = name && otherUp(stage, name);
  if (name === undefined || by === undefined || !maySpare(stage, name) || !atlas.mayWipe(name)) return false;
  world.crash(name, "power");
  world.wipe(name);
  atlas.wiped(name);
  world.remove(name, by);
  return true;
}

/** Enough are left for as many replicas as there were, none of whom is going too. */
function maySpare({ world }: Stage, name: string): boolean {
  const { replicas, nodes } = world.shape;
  const going = new Set(world.standing.filter((other) => world.isLeaving(other)));
  const staying = world.standing.filter((other) => other !== name && !going.has(other));
  return !going.has(name) && staying.length >= Math.max(1, Math.min(replicas, nodes));
}

function otherUp({ world }: Stage, name: string): string | undefined {
  return world.standing.find((other) => other !== name && world.isUp(other));
}
