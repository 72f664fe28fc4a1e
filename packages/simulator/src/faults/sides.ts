/** The two sides of a broken network. */
import type { Rng } from "@kvorum/core";
import type { FaultShape, Target } from "./family.js";

export interface Sides {
  readonly from: readonly Target[];
  readonly to: readonly Target[];
}

/** Members only, or members and the clients on one of the sides. */
export function drawSides(rng: Rng, shape: FaultShape): Sides {
  const members = rng.shuffle(Array.from({ length: shape.nodes }, (_, i) => `n${i + 1}`));
  const clients = Array.from({ length: shape.clients }, (_, i) => `c${i + 1}`);
  const cut = 1 + rng.below(Math.max(1, shape.nodes - 1));
  const [from, to] = [members.slice(0, cut), members.slice(cut)];
  // A lone member can be cut off from its clients only.
  if (to.length === 0 || rng.chance(0.3)) to.push(...clients);
  return rng.chance(0.5) ? { from, to } : { from: to, to: from };
}
