/** The power goes: of one machine, or of all at once. What was not flushed is gone, but for a random first part. */
import { POWER_CUT_MOMENTS, upTarget, type Family, type Stage, type Target } from "./family.js";

export type PowerFault =
  | { readonly kind: "power"; readonly target: Target; readonly downMs: number }
  /** All members at once. */
  | { readonly kind: "blackout"; readonly downMs: number };

export const power: Family<PowerFault> = {
  bites: ["power", "blackout", "unflushed-lost", "torn"],
  moments: () => POWER_CUT_MOMENTS,
  draw: ({ rng, target, downMs }) =>
    rng.chance(0.4) ? { kind: "blackout", downMs } : { kind: "power", target, downMs },
  strike: (fault, stage, subject) => {
    if (fault.kind === "blackout") return blackout(fault.downMs, stage);
    const name = upTarget(fault, stage, subject);
    if (name === undefined) return false;
    stage.world.crash(name, "power");
    stage.later(fault.downMs, () => stage.world.start(name));
    return true;
  },
};

function blackout(downMs: number, { world, later }: Stage): boolean {
  const up = world.names.filter((name) => world.isUp(name));
  for (const name of up) {
    world.crash(name, "power");
    later(downMs, () => world.start(name));
  }
  if (up.length > 1) world.chronicle.bit("blackout");
  return up.length > 0;
}
