/** What shall go wrong in a run, as plain data drawn from the seed: it can be written to a file, shrunk and run again. */
import type { Rng } from "@kvorum/core";
import type { Weather } from "../world/path.js";
import type { FaultFamily, RunConfig } from "./config.js";

/** Moments that a fault can be aimed at: the n-th of its kind after the clients have begun, at one member or any. */
export type MomentKind = "asked" | "acknowledged" | "flushing" | "flushed" | "merging" | "up" | "ring";

export type When =
  /** So long after the clients have begun. */
  | { readonly at: "time"; readonly ms: number }
  | { readonly at: MomentKind; readonly nth: number; readonly node?: string; readonly afterMs: number };

/** A member's name, or `subject`: the one at which the moment was. */
export type Target = string;

export type Fault =
  | { readonly kind: "kill" | "power" | "stop"; readonly target: Target; readonly downMs: number }
  /** All members lose power at once. */
  | { readonly kind: "blackout"; readonly downMs: number }
  | { readonly kind: "pause"; readonly target: Target; readonly forMs: number }
  | {
      readonly kind: "partition";
      readonly from: readonly Target[];
      readonly to: readonly Target[];
      readonly direction: "one-way" | "both";
      readonly forMs: number;
    }
  | {
      readonly kind: "storm";
      readonly from: readonly Target[];
      readonly to: readonly Target[];
      readonly weather: Partial<Weather>;
      readonly forMs: number;
    }
  | { readonly kind: "skew"; readonly target: Target; readonly byMs: number }
  | { readonly kind: "slow-disk"; readonly target: Target; readonly factor: number; readonly forMs: number }
  | { readonly kind: "full-disk"; readonly target: Target; readonly forMs: number }
  | { readonly kind: "failed-flush"; readonly target: Target }
  /** A bit flips in a record: in the moment's, or else in one that `pick` (0 to 1) chooses of all that the member has. */
  | { readonly kind: "damage"; readonly target: Target; readonly pick: number }
  /** The power goes, and with it the disk; the member comes back with an empty one. */
  | { readonly kind: "wipe"; readonly target: Target; readonly downMs: number };

export type FaultKind = Fault["kind"];

export interface PlannedFault {
  /** For the story, and for shrinking: unique in its plan. */
  readonly id: number;
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
      const fault = drawFault(draw, family, config);
      faults.push({ id: faults.length + 1, when: drawWhen(draw, fault, config), fault });
    }
  }
  return { faults };
}

const MOMENTS: readonly MomentKind[] = ["acknowledged", "acknowledged", "flushing", "flushed", "merging", "asked"];
/** A power cut tells something only while something is not flushed. */
const POWER_CUT_MOMENTS: readonly MomentKind[] = ["acknowledged", "acknowledged", "flushing", "flushing", "merging"];

/** Aimed at a moment more often than not: independent random crashes find next to nothing (STYLE, habit 5). */
function drawWhen(rng: Rng, fault: Fault, config: RunConfig): When {
  const needsMoment = "target" in fault && fault.target === "subject";
  if (!needsMoment && rng.chance(0.5)) return { at: "time", ms: Math.round(rng.float() * config.activeMs) };
  // Starts and ring changes are few: whoever waits for the hundredth waits in vain.
  if (rng.chance(0.08)) return { at: rng.pick(["up", "ring"]), nth: 1 + rng.below(4), afterMs: rng.float() * 50 };
  const at = rng.pick(isPowerCut(fault) ? POWER_CUT_MOMENTS : MOMENTS);
  const afterMs = rng.chance(0.6) ? 0 : rng.float() * 3;
  return { at, nth: 1 + rng.below(Math.ceil(config.operations / 2)), afterMs };
}

function isPowerCut({ kind }: Fault): boolean {
  return kind === "power" || kind === "blackout" || kind === "wipe";
}

function drawFault(rng: Rng, family: FaultFamily, config: RunConfig): Fault {
  const name = (): string => `n${1 + rng.below(config.nodes)}`;
  const target = rng.chance(0.5) ? "subject" : name();
  const downMs = 50 + Math.round(rng.float() ** 2 * 4_000);
  const forMs = PARTITION_MIN_MS + Math.round(rng.float() ** 2 * 4_000);
  switch (family) {
    case "crash":
      return { kind: rng.pick(["kill", "kill", "stop"]), target, downMs };
    case "power":
      return rng.chance(0.4) ? { kind: "blackout", downMs } : { kind: "power", target, downMs };
    case "pause":
      return { kind: "pause", target, forMs: 20 + Math.round(rng.float() ** 2 * 3_000) };
    case "partition":
      return { ...drawSides(rng, config), kind: "partition", direction: rng.pick(["one-way", "both", "both"]), forMs };
    case "network":
      return { ...drawSides(rng, config), kind: "storm", weather: drawWeather(rng), forMs: forMs * 2 };
    case "clock":
      return {
        kind: "skew",
        target: name(),
        byMs: Math.round((rng.float() * 2 - 1) * rng.pick([5, 1_000, 50_000, 90_000])),
      };
    case "disk":
      return drawDiskFault(rng, target, forMs);
    case "loss":
      return rng.chance(0.5)
        ? { kind: "wipe", target, downMs }
        : { kind: "damage", target: rng.chance(0.7) ? "subject" : name(), pick: rng.float() };
  }
}

function drawDiskFault(rng: Rng, target: Target, forMs: number): Fault {
  switch (rng.below(3)) {
    case 0:
      return { kind: "slow-disk", target, factor: rng.pick([5, 50, 500]), forMs };
    case 1:
      return { kind: "full-disk", target, forMs };
    default:
      return { kind: "failed-flush", target };
  }
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

/** Two sides: members only, or members and the clients on one of them. */
function drawSides(rng: Rng, config: RunConfig): { from: string[]; to: string[] } {
  const members = rng.shuffle(Array.from({ length: config.nodes }, (_, i) => `n${i + 1}`));
  const clients = Array.from({ length: config.clients }, (_, i) => `c${i + 1}`);
  const cut = 1 + rng.below(Math.max(1, config.nodes - 1));
  const [from, to] = [members.slice(0, cut), members.slice(cut)];
  // A lone member can be cut off from its clients only.
  if (to.length === 0 || rng.chance(0.3)) to.push(...clients);
  return rng.chance(0.5) ? { from, to } : { from: to, to: from };
}
