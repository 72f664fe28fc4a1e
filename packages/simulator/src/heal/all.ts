/** The healers at the end of a run, in the order in which they are relied on: up to the first that by itself makes replicas equal. */
import { healerNames, type Healer, type Healers } from "../world/healers.js";
import type { Drive, HealStage } from "./drive.js";
import { antiEntropy } from "./anti-entropy.js";
import { handoff } from "./handoff.js";
import { readRepair } from "./read-repair.js";
import { waitForRecords } from "./records.js";

/** In order: those that need no asking first, so that they have to show that they do their work unasked. */
const drives: Readonly<Record<Healer, Drive>> = { hints: handoff, antiEntropy, readRepair };

/** With these on, replicas must end up equal. */
export function makeEqual(healers: Healers): boolean {
  return healerNames.some((name) => healers[name] && drives[name].makesEqual);
}

/** Lets the healers that are on mend what they can, one after the other; then `done`. */
export function heal(healers: Healers, stage: HealStage, done: () => void): void {
  const on = (Object.keys(drives) as Healer[]).filter((name) => healers[name]).map((name) => drives[name]);
  const next = (at: number): void => {
    const drive = on[at];
    if (drive === undefined) return waitForRecords(stage, done);
    drive.begin(stage, () => (drive.makesEqual ? waitForRecords(stage, done) : next(at + 1)));
  };
  next(0);
}
