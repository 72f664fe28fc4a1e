/**
 * The healers of a node that a run can turn off, each named as its switch in the node's settings. A new one is a name here and a drive in
 * heal/all.ts: runs draw it, members are set to it, and the end of a run relies on it.
 */

export const healerNames = ["hints", "readRepair", "antiEntropy"] as const;

export type Healer = (typeof healerNames)[number];
export type Healers = Readonly<Record<Healer, boolean>>;

export const allHealers: Healers = { hints: true, readRepair: true, antiEntropy: true };
