/** All families of faults by name. A new one is a file beside this one and a line here: plans draw it, injectors strike with it, reports demand its bites. */
import { clock, type SkewFault } from "./clock.js";
import { copy, type CopyFault } from "./copy.js";
import { crash, type CrashFault } from "./crash.js";
import { disk, type DiskFault } from "./disk.js";
import type { Family } from "./family.js";
import { loss, type LossFault } from "./loss.js";
import { network, type NetworkFault } from "./network.js";
import { partition, type PartitionFault } from "./partition.js";
import { pause, type PauseFault } from "./pause.js";
import { power, type PowerFault } from "./power.js";
import { ring, type RingFault } from "./ring.js";
import { zone, type ZoneFault } from "./zone.js";

/** Each is off in half of the runs, so that those that are on are seen alone and in every company. */
export const families = { crash, power, pause, partition, network, clock, disk, loss, copy, zone, ring } as const;

export type FaultFamily = keyof typeof families;
export type Fault =
  | CrashFault
  | PowerFault
  | PauseFault
  | PartitionFault
  | NetworkFault
  | SkewFault
  | DiskFault
  | LossFault
  | CopyFault
  | ZoneFault
  | RingFault;

export const faultFamilies = Object.keys(families) as readonly FaultFamily[];

/** The family of that name, as one that takes any family's faults: plans keep the two together. */
export function familyOf(name: FaultFamily): Family<Fault> {
  return families[name] as Family<Fault>;
}
