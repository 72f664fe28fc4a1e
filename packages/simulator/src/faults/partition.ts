/** The network is cut in two, in one direction or both. */
import type { Family } from "./family.js";
import { drawSides, type Sides } from "./sides.js";

export interface PartitionFault extends Sides {
  readonly kind: "partition";
  readonly direction: "one-way" | "both";
  readonly forMs: number;
}

export const partition: Family<PartitionFault> = {
  bites: ["held"],
  draw: ({ rng, forMs }, shape) => ({
    ...drawSides(rng, shape),
    ...{ kind: "partition", direction: rng.pick(["one-way", "both", "both"]), forMs },
  }),
  strike: (fault, { world, later }) => {
    later(fault.forMs, world.partition(fault.from, fault.to, fault.direction));
    return true;
  },
};
