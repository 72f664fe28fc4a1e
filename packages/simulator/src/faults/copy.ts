/** An old copy of a member's folder is put back in its place, as by somebody who has a backup and no idea (DESIGN §4; TRAPS 3). */
import type { Family, Stage, Target } from "./family.js";
import { upTarget } from "./family.js";

export interface CopyFault {
  readonly kind: "old-copy";
  readonly target: Target;
  /** For the copy to be taken, and until it is put back. */
  readonly downMs: number;
  readonly afterMs: number;
}

const LOOK_AGAIN_MS = 300;
const LOOKS_MAX = 20;

export const copy: Family<CopyFault> = {
  bites: ["old-copy"],
  draw: ({ rng, target, downMs }) => ({
    ...{ kind: "old-copy", target, downMs: Math.min(downMs, 800), afterMs: 100 + rng.float() * 2_500 },
  }),
  strike: (fault, stage, subject) => {
    const { world, atlas } = stage;
    const name = upTarget(fault, stage, subject);
    if (name === undefined || !atlas.mayWipe(name) || world.isLeaving(name)) return false;
    world.crash(name, "power");
    world.takeCopy(name);
    stage.later(fault.downMs, () => world.start(name));
    stage.later(fault.downMs + fault.afterMs, () => putBack(stage, name, LOOKS_MAX));
    return true;
  },
};

/** Its loss must be one that the atlas allows; and somebody must know of the later start, or nobody could tell (decision 25). */
function putBack(stage: Stage, name: string, looks: number): void {
  const { world, atlas, later } = stage;
  if (looks === 0 || !world.standing.includes(name) || world.isLeaving(name)) return;
  if (!world.isUp(name) || !atlas.mayWipe(name) || !world.isStartKnown(name)) {
    return later(LOOK_AGAIN_MS, () => putBack(stage, name, looks - 1));
  }
  world.crash(name, "power");
  if (!world.putBack(name)) return world.start(name);
  atlas.wiped(name);
  world.start(name);
}
