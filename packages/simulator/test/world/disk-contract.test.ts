/** The contract of the storage port, on the simulated disk. */
import { Rng } from "@kvorum/core";
import { storageContract } from "../../../server/test/storage/contract.js";
import { RunDigest } from "../../src/digest.js";
import { Disk } from "../../src/world/disk.js";
import { DiskStorage, type FlushWatch } from "../../src/world/disk-storage.js";
import { Process } from "../../src/world/process.js";
import { Timeline } from "../../src/world/timeline.js";
import { WallClock } from "../../src/world/wall-clock.js";

const nobody: FlushWatch = { flushing() {}, flushed() {}, failed() {}, torn() {}, refused() {}, slowed() {} };

for (const slowReads of [false, true]) {
  storageContract(slowReads ? "the simulated disk, read slowly" : "the simulated disk", () => {
    const timeline = new Timeline(new RunDigest());
    const disk = new Disk(new Rng(1));
    // The contract waits for callbacks; somebody has to let virtual time pass meanwhile.
    let isTurning = true;
    const turn = (): void => {
      timeline.run(1);
      if (isTurning) setImmediate(turn);
    };
    turn();
    const open = (): Promise<DiskStorage> => {
      const process = new Process(timeline, new WallClock(timeline), (error) => {
        throw error;
      });
      return Promise.resolve(new DiskStorage(disk, process, { flushMs: 2, slowReads }, nobody));
    };
    const remove = (): Promise<void> => {
      isTurning = false;
      return Promise.resolve();
    };
    return Promise.resolve({ open, remove });
  });
}
