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
  /** A part of a member's disk goes bad: of all its records, so many hundredths. */
  | { readonly kind: "rot"; readonly target: Target; readonly percent: number }
  /** A bit flips in what the folder says of itself. It is found at the next start, so the power goes with it. */
  | { readonly kind: "damage-fact"; readonly target: Target; readonly pick: number; readonly downMs: number }
  /** A bit flips in a record: in the moment's, or else in one that `pick` (0 to 1) chooses of all that the member has. */
  | { readonly kind: "damage"; readonly target: Target; readonly pick: number }
  /** The power goes, and with it the disk; the member comes back with an empty one. */
  | { readonly kind: "wipe"; readonly target: Target; readonly downMs: number };

export const loss: Family<LossFault> = {
  bites: ["wipe", "damage", "damage-fact", "rot"],
  moments: ({ kind }) => (kind === "wipe" ? POWER_CUT_MOMENTS : MOMENTS),
  draw: ({ rng, target, name, downMs }) => {
    switch (rng.pick(["wipe", "wipe", "wipe", "damage", "damage", "rot", "rot", "damage-fact"])) {
      case "wipe":
        return { kind: "wipe", target, downMs };
      case "damage":
        return { kind: "damage", target: rng.chance(0.7) ? "subject" : name(), pick: rng.float() };
      case "rot":
        return { kind: "rot", target, percent: rng.pick([5, 30, 100]) };
      default:
        return { kind: "damage-fact", target, pick: rng.float(), downMs };
    }
  },
  strike: (fault, stage, subject) => {
    switch (fault.kind) {
      case "wipe":
        return wipe(fault, stage, subject);
      case "damage":
        return damage(fault, stage, subject);
      case "rot":
        return rot(fault, stage, subject);
      case "damage-fact":
        return damageFact(fault, stage, subject);
    }
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

/** As a disk that may be lost altogether: what was damaged may be what the member knows itself by. */
function damageFact(fault: LossFault & { readonly kind: "damage-fact" }, stage: Stage, subject: Subject): boolean {
  const { world, atlas } = stage;
  const name = upTarget(fault, stage, subject);
  if (name === undefined || !atlas.mayWipe(name)) return false;
  world.crash(name, "power");
  stage.later(fault.downMs, () => world.start(name));
  if (!world.damageFact(name, fault.pick)) return false;
  atlas.wiped(name);
  return true;
}

function rot(fault: LossFault & { readonly kind: "rot" }, stage: Stage, subject: Subject): boolean {
  const name = targetOf(fault, stage, subject);
  if (name === undefined) return false;
  const { world } = stage;
  const rng = world.rng(`rot/${name}/${world.nowMs}`);
  const records = [...world.member(name).disk.proven.records()].filter(() => rng.chance(fault.percent / 100));
  const damaged = records.filter((record) => damageKey(stage, name, world.keyOfId(record.key)));
  if (damaged.length > 0) world.chronicle.bit("rot");
  return damaged.length > 0;
}

function damage(fault: LossFault & { readonly kind: "damage" }, stage: Stage, subject: Subject): boolean {
  const { world } = stage;
  const name = targetOf(fault, stage, subject);
  if (name === undefined) return false;
  const id = name === subject.node ? subject.id : undefined;
  const key = id === undefined ? anyKey(stage, name, fault.pick) : world.keyOfId(id);
  return key !== undefined && damageKey(stage, name, key);
}

function damageKey({ world, atlas }: Stage, name: string, key: KeyId): boolean {
  if (!atlas.mayDamage(name, key) || !world.damageRecord(name, key)) return false;
  atlas.damaged(name, key);
  return true;
}

function anyKey({ world }: Stage, name: string, pick: number): KeyId | undefined {
  const records = [...world.member(name).disk.proven.records()];
  const record = records[Math.floor(pick * records.length)];
  return record && world.keyOfId(record.key);
}
