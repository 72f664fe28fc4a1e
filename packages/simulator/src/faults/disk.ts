/** Disks are slow, full, or fail to flush. Nothing that was proven on them is lost. */
import { targetOf, type Family, type Target } from "./family.js";

export type DiskFault =
  | { readonly kind: "slow-disk"; readonly target: Target; readonly factor: number; readonly forMs: number }
  | { readonly kind: "full-disk"; readonly target: Target; readonly forMs: number }
  | { readonly kind: "failed-flush"; readonly target: Target };

export const disk: Family<DiskFault> = {
  bites: ["disk-slow", "disk-full", "flush-failed"],
  draw: ({ rng, target, forMs }) => {
    switch (rng.below(3)) {
      case 0:
        return { kind: "slow-disk", target, factor: rng.pick([5, 50, 500]), forMs };
      case 1:
        return { kind: "full-disk", target, forMs };
      default:
        return { kind: "failed-flush", target };
    }
  },
  strike: (fault, stage, subject) => {
    const { world, later } = stage;
    const name = targetOf(fault, stage, subject);
    if (name === undefined) return false;
    switch (fault.kind) {
      case "slow-disk":
        world.slowDisk(name, fault.factor);
        later(fault.forMs, () => world.slowDisk(name, 1));
        return true;
      case "full-disk":
        world.fillDisk(name, true);
        later(fault.forMs, () => world.fillDisk(name, false));
        return true;
      case "failed-flush":
        world.failFlush(name);
        return true;
    }
  },
};
