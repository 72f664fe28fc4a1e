/**
 * What a family of faults is: it draws them from the seed as plain data, strikes with them, and names what bites when they have an effect.
 * One file of this folder for each family; `all.ts` lists them.
 */
import type { Rng } from "@kvorum/core";
import type { Atlas } from "../run/atlas.js";
import type { SimulatedWorld } from "../world/simulated-world.js";

/** Moments that a fault can be aimed at: the n-th of its kind after the clients have begun, at one member or any. */
export const momentKinds = ["asked", "acknowledged", "flushing", "flushed", "merging", "up", "ring"] as const;
export type MomentKind = (typeof momentKinds)[number];

/** A member's name, or `subject`: the one at which the moment was. */
export type Target = string;

/** What a family may know of the run it draws for. */
export interface FaultShape {
  readonly nodes: number;
  readonly clients: number;
  readonly activeMs: number;
}

/** Drawn for every fault before its family adds its own. */
export interface Draw {
  readonly rng: Rng;
  readonly target: Target;
  /** The name of some member of the founding. */
  readonly name: () => string;
  readonly downMs: number;
  readonly forMs: number;
}

/** Where a fault strikes. */
export interface Subject {
  readonly node: string;
  /** The key that the moment was about, if any. */
  readonly id: Uint8Array | undefined;
}

/** What a fault may touch. */
export interface Stage {
  readonly world: SimulatedWorld;
  readonly atlas: Atlas;
  /** What a fault ends by itself, unless everything was healed before. */
  readonly later: (delayMs: number, run: () => void) => void;
}

export interface Family<Fault extends { readonly kind: string }> {
  /** As `world.chronicle.bit` calls them: what must have had an effect, sooner or later, in many runs with the family enabled. */
  readonly bites: readonly string[];
  /** Moments worth aiming at; those of {@link MOMENTS} where the family does not say. */
  readonly moments?: (fault: Fault) => readonly MomentKind[];
  readonly draw: (draw: Draw, shape: FaultShape) => Fault;
  /** False where there was nothing to hurt, or the atlas forbids it now. */
  readonly strike: (fault: Fault, stage: Stage, subject: Subject) => boolean;
}

export const MOMENTS: readonly MomentKind[] = [
  ...(["acknowledged", "acknowledged", "flushing", "flushed", "merging", "asked"] as const),
];
/** A power cut tells something only while something is not flushed. */
export const POWER_CUT_MOMENTS: readonly MomentKind[] = [
  ...(["acknowledged", "acknowledged", "flushing", "flushing", "merging"] as const),
];

/** The member that a fault aims at; undefined where the world has none of that name. */
export function targetOf(
  { target }: { readonly target: Target },
  { world }: Stage,
  subject: Subject,
): string | undefined {
  const name = target === "subject" ? subject.node : target;
  return world.names.includes(name) ? name : undefined;
}

/** The same, of members whose node is up. */
export function upTarget(fault: { readonly target: Target }, stage: Stage, subject: Subject): string | undefined {
  const name = targetOf(fault, stage, subject);
  return name !== undefined && stage.world.isUp(name) ? name : undefined;
}
