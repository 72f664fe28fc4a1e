/** Wall clocks jump, forwards and back. */
import { targetOf, type Family, type Target } from "./family.js";

export interface SkewFault {
  readonly kind: "skew";
  readonly target: Target;
  readonly byMs: number;
}

export const clock: Family<SkewFault> = {
  bites: ["skew"],
  draw: ({ rng, name }) => ({
    kind: "skew",
    target: name(),
    byMs: Math.round((rng.float() * 2 - 1) * rng.pick([5, 1_000, 50_000, 90_000])),
  }),
  strike: (fault, stage, subject) => {
    const name = targetOf(fault, stage, subject);
    if (name === undefined) return false;
    stage.world.skew(name, fault.byMs);
    return true;
  },
};
