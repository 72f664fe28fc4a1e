/** What shall go wrong in a run, as plain data drawn from the seed: it can be written to a file, shrunk and run again. */
import type { Rng } from "@kvorum/core";
import { familyOf, type Fault, type FaultFamily } from "../faults/all.js";
import { MOMENTS, type Draw, type FaultShape, type MomentKind } from "../faults/family.js";
import type { RunConfig } from "./config.js";

export type When =
  /** So long after the clients have begun. */
  | { readonly at: "time"; readonly ms: number }
  | { readonly at: MomentKind; readonly nth: number; readonly node?: string; readonly afterMs: number };

export interface PlannedFault {
  /** For the story, and for shrinking: unique in its plan. */
  readonly id: number;
  readonly family: FaultFamily;
  readonly when: When;
  readonly fault: Fault;
}

export interface Plan {
  readonly faults: readonly PlannedFault[];
}

/** The least time that a partition stands: shorter ones are a storm. */
const PARTITION_MIN_MS = 300;

export function drawPlan(rng: Rng, config: RunConfig): Plan {
  const faults: PlannedFault[] = [];
  for (const family of config.families) {
    const mine = rng.fork(family);
    const count = 1 + mine.below(Math.ceil(config.activeMs / 3_000));
    for (let i = 0; i < count; i++) {
      const draw = mine.fork(String(i));
      const fault = familyOf(family).draw(drawCommon(draw, config), config);
      faults.push({ id: faults.length + 1, family, when: drawWhen(draw, family, fault, config), fault });
    }
  }
  return { faults };
}

function drawCommon(rng: Rng, { nodes }: FaultShape): Draw {
  const name = (): string => `n${1 + rng.below(nodes)}`;
  const target = rng.chance(0.5) ? "subject" : name();
  const downMs = 50 + Math.round(rng.float() ** 2 * 4_000);
  const forMs = PARTITION_MIN_MS + Math.round(rng.float() ** 2 * 4_000);
  return { rng, target, name, downMs, forMs };
}

/** Aimed at a moment more often than not: independent random crashes find next to nothing (STYLE, habit 5). */
function drawWhen(rng: Rng, family: FaultFamily, fault: Fault, config: RunConfig): When {
  const needsMoment = "target" in fault && fault.target === "subject";
  if (!needsMoment && rng.chance(0.5)) return { at: "time", ms: Math.round(rng.float() * config.activeMs) };
  // Starts and ring changes are few: whoever waits for the hundredth waits in vain.
  if (rng.chance(0.08)) return { at: rng.pick(["up", "ring"]), nth: 1 + rng.below(4), afterMs: rng.float() * 50 };
  const at = rng.pick(familyOf(family).moments?.(fault) ?? MOMENTS);
  const afterMs = rng.chance(0.6) ? 0 : rng.float() * 3;
  return { at, nth: 1 + rng.below(Math.ceil(config.operations / 2)), afterMs };
}
