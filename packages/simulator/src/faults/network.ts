/** The network is bad: frames are lost, doubled, overtaken and late. */
import type { Rng } from "@kvorum/core";
import type { Weather } from "../world/path.js";
import type { Family } from "./family.js";
import { drawSides, type Sides } from "./sides.js";

export type NetworkFault =
  | (Sides & { readonly kind: "storm"; readonly weather: Partial<Weather>; readonly forMs: number })
  /** One way from one to one, for a moment: what was sent later elsewhere arrives before it. */
  | (Sides & { readonly kind: "clog"; readonly forMs: number });

/** The longest that a path is clogged: shorter than anybody waits before giving up. */
const CLOG_MAX_MS = 400;

export const network: Family<NetworkFault> = {
  bites: ["loss", "duplicate", "reorder", "clogged"],
  draw: ({ rng, forMs }, shape) => {
    const sides = drawSides(rng, shape);
    if (rng.chance(0.3)) return { ...drawPair(rng, sides), kind: "clog", forMs: Math.round(rng.float() * CLOG_MAX_MS) };
    return { ...sides, kind: "storm", weather: drawWeather(rng), forMs: forMs * 2 };
  },
  strike: (fault, { world, later }) => {
    const { from, to, forMs } = fault;
    later(forMs, fault.kind === "clog" ? world.clog(from, to) : world.storm(from, to, fault.weather));
    return true;
  },
};

function drawPair(rng: Rng, { from, to }: Sides): Sides {
  return { from: [rng.pick(from)], to: [rng.pick(to)] };
}

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
