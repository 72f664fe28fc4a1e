/** The append-only log: Kvorum's own store, over a disk port. */
export type { Disk, DiskError, DiskFile, Done, Unlock } from "./disk.js";
export { checkStore, type CheckReport, type DamagedRecord } from "./check.js";
export { LogStorage, type LogStats } from "./log-storage.js";
export type { Pace } from "./merge-output.js";
export { openLog, type LogOptions, type OpenLog } from "./open-log.js";
export { factPlaceOf, placeOf, type FactPlace, type RecordPlace } from "./record-place.js";
export { readFacts } from "./read-facts.js";
export type { RecoveryReport } from "./recovery/recover.js";
export { SimulatedDisk, type SimulatedDiskOptions } from "./simulated-disk.js";
export { run, wait, type Task } from "./task.js";
