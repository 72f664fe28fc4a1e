/** Processes stand still, as under SIGSTOP or a long collection of garbage. */
import { upTarget, type Family, type Target } from "./family.js";

export interface PauseFault {
  readonly kind: "pause";
  readonly target: Target;
  readonly forMs: number;
}

export const pause: Family<PauseFault> = {
  bites: ["pause"],
  draw: ({ rng, target }) => ({ kind: "pause", target, forMs: 20 + Math.round(rng.float() ** 2 * 3_000) }),
  strike: (fault, stage, subject) => {
    const name = upTarget(fault, stage, subject);
    if (name === undefined) return false;
    stage.world.pause(name, fault.forMs);
    return true;
  },
};
