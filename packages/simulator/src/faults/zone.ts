/** A whole zone is lost for a while: all its members, at once (DESIGN §3, "in N zones where there are N zones"). */
import type { Family } from "./family.js";

export interface ZoneFault {
  readonly kind: "zone";
  /** From 0: zones may be fewer, and then it is counted on from the first. */
  readonly place: number;
  readonly power: boolean;
  readonly downMs: number;
}

export const zone: Family<ZoneFault> = {
  bites: ["zone"],
  draw: ({ rng, downMs }) => ({ kind: "zone", place: rng.below(5), power: rng.chance(0.5), downMs }),
  strike: ({ place, power, downMs }, { world, later }) => {
    const members = world.inZone(`z${(place % world.shape.zones) + 1}`).filter((name) => world.isUp(name));
    for (const name of members) {
      world.crash(name, power ? "power" : "kill");
      later(downMs, () => world.start(name));
    }
    if (members.length > 0) world.chronicle.bit("zone");
    return members.length > 0;
  },
};
