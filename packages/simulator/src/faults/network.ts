/** The network is bad: frames are lost, doubled, overtaken and late. */
import type { Rng } from "@kvorum/core";
import type { Weather } from "../world/path.js";
import type { Family } from "./family.js";
import { drawSides, type Sides } from "./sides.js";

export interface StormFault extends Sides {
  readonly kind: "storm";
  readonly weather: Partial<Weather>;
  readonly forMs: number;
}

export const network: Family<StormFault> = {
  bites: ["loss", "duplicate", "reorder"],
  draw: ({ rng, forMs }, shape) => ({
    ...drawSides(rng, shape),
    ...{ kind: "storm", weather: drawWeather(rng), forMs: forMs * 2 },
  }),
  strike: (fault, { world, later }) => {
    later(fault.forMs, world.storm(fault.from, fault.to, fault.weather));
    return true;
  },
};

function drawWeather(rng: Rng): Partial<Weather> {
  const weather = {
    loss: rng.pick([0, 0, 0.02, 0.2]),
    duplicate: rng.pick([0, 0, 0.05, 0.3]),
    reorder: rng.pick([0, 0.05, 0.3]),
    delayFactor: rng.pick([1, 1, 5, 40]),
  };
  const isFair = weather.loss + weather.duplicate + weather.reorder === 0 && weather.delayFactor === 1;
  return isFair ? { ...weather, reorder: 0.3 } : weather;
}
