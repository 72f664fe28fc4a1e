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

describe("a flipped bit in a named fact of the log", () => {
  it("is found at the next start: the fact is damaged, or one is known to be lost; and no other reads wrongly", async () => {
    let damaged = 0;
    let lost = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const disk = new LogDisk(new Rng(seed), primitives);
      const names = ["a", "b", "c"];
      const value = (name: string): Uint8Array => new TextEncoder().encode(`what ${name} says`);
      await living(disk, async (storage, turn) => {
        expect(disk.damageFact("a"), "a running process has its facts in memory").toBe(false);
        let written = 0;
        for (const name of names) {
          storage.apply({ meta: [{ name, value: value(name) }] }, () => written++);
          while (written <= names.indexOf(name)) turn();
        }
      });
      expect(disk.damageFact("none")).toBe(false);
      expect(disk.damageFact("b")).toBe(true);
      await living(disk, (storage) => {
        storage.getMeta("a", (outcome) => expect(outcome).toEqual({ kind: "found", value: value("a") }));
        storage.getMeta("b", (outcome) => {
          expect(outcome.kind).not.toBe("found");
          if (outcome.kind === "damaged") damaged++;
          else storage.losses(({ facts }) => (lost += facts ? 1 : 0));
        });
      });
    }
    expect(damaged + lost).toBe(40);
    expect(Math.min(damaged, lost)).toBeGreaterThan(0);
  });
});

/** One life of a process on the disk, which ends with the power. */
async function living(disk: LogDisk, during: (storage: LogDiskStorage, turn: () => void) => unknown): Promise<void> {
  const timeline = new Timeline(new RunDigest());
  const process = new Process(timeline, new WallClock(timeline), (error) => {
    throw error;
  });
  const storage = new LogDiskStorage(disk, process, { flushMs: 0.2, slowReads: false }, nobody);
  const turn = (): void => timeline.run(1);
  let isOpen = false;
  storage.losses(() => (isOpen = true));
  while (!isOpen) turn();
  await during(storage, turn);
  for (let i = 0; i < 50; i++) turn();
  process.end();
  disk.lose();
}

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
