/** Whole clusters on the log that ships, over simulated disks of bytes: torn sectors, lost names and failed flushes reach every invariant of a run. */
import { Rng } from "@kvorum/core";
import { describe, expect, it } from "vitest";
import { count } from "../../../core/test/counts.js";
import { testPrimitives } from "../../../core/test/primitives.js";
import { storageContract } from "../../../server/test/storage/contract.js";
import { RunDigest } from "../../src/digest.js";
import { run } from "../../src/run/runner.js";
import { drawScript } from "../../src/run/script.js";
import type { FlushWatch } from "../../src/world/disk-storage.js";
import { LogDisk } from "../../src/world/log-disk.js";
import { LogDiskStorage } from "../../src/world/log-disk-storage.js";
import { Process } from "../../src/world/process.js";
import { Timeline } from "../../src/world/timeline.js";
import { WallClock } from "../../src/world/wall-clock.js";

const nobody: FlushWatch = { flushing() {}, flushed() {}, failed() {}, torn() {}, refused() {}, slowed() {} };
const primitives = testPrimitives;

storageContract("the log on a member's disk", () => {
  const timeline = new Timeline(new RunDigest());
  const disk = new LogDisk(new Rng(1), primitives);
  let isTurning = true;
  const turn = (): void => {
    timeline.run(1);
    if (isTurning) setImmediate(turn);
  };
  turn();
  const open = (): Promise<LogDiskStorage> => {
    const process = new Process(timeline, new WallClock(timeline), (error) => {
      throw error;
    });
    return Promise.resolve(new LogDiskStorage(disk, process, { flushMs: 0.2, slowReads: false }, nobody));
  };
  const remove = (): Promise<void> => {
    isTurning = false;
    return Promise.resolve();
  };
  return Promise.resolve({ open, remove });
});

describe("a cluster on the log", () => {
  it("holds every invariant through the faults of its seeds, the same way each time", () => {
    for (let seed = 1; seed <= count(6, 300); seed++) {
      const script = drawScript(seed, { engine: "log", operations: 80, activeMs: 2_000 });
      const result = run(script, { primitives });
      expect(result.violations, `seed ${seed}`).toEqual([]);
      if (seed === 1) expect(run(script, { primitives }).digest).toBe(result.digest);
    }
  });
});
