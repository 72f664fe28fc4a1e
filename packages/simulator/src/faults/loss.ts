/** What was proven is lost: a whole disk, or one record of it whose bits flip. The atlas sees to it that no acknowledged write may go with it. */
import type { KeyId } from "@kvorum/core";
import {
  MOMENTS,
  POWER_CUT_MOMENTS,
  targetOf,
  upTarget,
  type Family,
  type Stage,
  type Subject,
  type Target,
} from "./family.js";

export type LossFault =
  /** A bit flips in a record: in the moment's, or else in one that `pick` (0 to 1) chooses of all that the member has. */
  | { readonly kind: "damage"; readonly target: Target; readonly pick: number }
  /** The power goes, and with it the disk; the member comes back with an empty one. */
  | { readonly kind: "wipe"; readonly target: Target; readonly downMs: number };

export const loss: Family<LossFault> = {
  bites: ["wipe", "damage"],
  moments: ({ kind }) => (kind === "wipe" ? POWER_CUT_MOMENTS : MOMENTS),
  draw: ({ rng, target, name, downMs }) =>
    rng.chance(0.5)
      ? { kind: "wipe", target, downMs }
      : { kind: "damage", target: rng.chance(0.7) ? "subject" : name(), pick: rng.float() },
  strike: (fault, stage, subject) => {
    return fault.kind === "wipe" ? wipe(fault, stage, subject) : damage(fault, stage, subject);
  },
};

function wipe(fault: LossFault & { readonly kind: "wipe" }, stage: Stage, subject: Subject): boolean {
  const { world, atlas } = stage;
  const name = upTarget(fault, stage, subject);
  if (name === undefined || !atlas.mayWipe(name)) return false;
  world.crash(name, "power");
  world.wipe(name);
  atlas.wiped(name);
  stage.later(fault.downMs, () => world.start(name));
  return true;
}

function damage(fault: LossFault & { readonly kind: "damage" }, stage: Stage, subject: Subject): boolean {
  const { world, atlas } = stage;
  const name = targetOf(fault, stage, subject);
  if (name === undefined) return false;
  const id = name === subject.node ? subject.id : undefined;
  const key = id === undefined ? anyKey(stage, name, fault.pick) : world.keyOfId(id);
  if (key === undefined || !atlas.mayDamage(name, key) || !world.damageRecord(name, key)) return false;
  atlas.damaged(name, key);
  return true;
}

function anyKey({ world }: Stage, name: string, pick: number): KeyId | undefined {
  const records = [...world.member(name).disk.proven.records()];
  const record = records[Math.floor(pick * records.length)];
  return record && world.keyOfId(record.key);
}
