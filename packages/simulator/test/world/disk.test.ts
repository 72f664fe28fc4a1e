/** What a simulated disk does to those who trust it too much. */
import { Rng, type Batch, type StorageError } from "@kvorum/core";
import { beforeEach, describe, expect, it } from "vitest";
import { RunDigest } from "../../src/digest.js";
import { Disk } from "../../src/world/disk.js";
import { DiskStorage } from "../../src/world/disk-storage.js";
import { Process } from "../../src/world/process.js";
import { Timeline } from "../../src/world/timeline.js";
import { WallClock } from "../../src/world/wall-clock.js";

const at = (index: number): { partition: number; hash: bigint; key: Uint8Array } => ({
  partition: 0,
  hash: BigInt(index),
  key: Uint8Array.of(index),
});
const batch = (index: number, value: number): Batch => ({ records: [{ ...at(index), value: Uint8Array.of(value) }] });

describe("a simulated disk", () => {
  let timeline: Timeline;
  let disk: Disk;
  let process: Process;
  let storage: DiskStorage;
  let said: (StorageError | undefined)[];
  const bites: string[] = [];

  const open = (): void => {
    process = new Process(timeline, new WallClock(timeline), (error) => {
      throw error;
    });
    storage = new DiskStorage(
      disk,
      process,
      { flushMs: 4, slowReads: false },
      {
        flushing: () => bites.push("flushing"),
        flushed: () => bites.push("flushed"),
        failed: () => bites.push("failed"),
        torn: () => bites.push("torn"),
        refused: () => bites.push("refused"),
        slowed: () => bites.push("slowed"),
      },
    );
  };
  const write = (index: number, value: number): void =>
    storage.apply(batch(index, value), (error) => void said.push(error));
  const proven = (index: number): number | undefined => disk.proven.get(at(index))?.[0];
  const visible = (index: number): number | undefined => disk.visible.get(at(index))?.[0];

  const begin = (seed: number): void => {
    timeline = new Timeline(new RunDigest());
    disk = new Disk(new Rng(seed));
    said = [];
    bites.length = 0;
    open();
  };
  beforeEach(() => begin(1));

  it("shows at once what was written, and calls it durable only when it is proven", () => {
    write(1, 7);
    expect([visible(1), proven(1), said]).toEqual([7, undefined, []]);
    timeline.run(10);
    expect([visible(1), proven(1), said]).toEqual([7, 7, [undefined]]);
  });

  it("keeps under a power cut all that was called durable, and of the rest some first part, in every length", () => {
    const kept = new Set<number>();
    for (let seed = 1; seed <= 60; seed++) {
      begin(seed);
      write(0, 1);
      timeline.run(10);
      for (let i = 1; i <= 4; i++) write(i, 1);
      process.end();
      disk.lose();
      const left = [0, 1, 2, 3, 4].filter((i) => proven(i) === 1);
      expect(left).toEqual([0, 1, 2, 3, 4].slice(0, left.length));
      expect(left.length).toBeGreaterThanOrEqual(1);
      expect([0, 1, 2, 3, 4].filter((i) => visible(i) === 1)).toEqual(left);
      kept.add(left.length);
    }
    expect(kept).toEqual(new Set([1, 2, 3, 4, 5]));
  });

  it("keeps a batch whole or not at all", () => {
    for (let seed = 1; seed <= 20; seed++) {
      begin(seed);
      storage.apply({ records: [batch(1, 1), batch(2, 2)].flatMap(({ records }) => records ?? []) }, () => {});
      disk.lose();
      expect([
        [1, 2],
        [undefined, undefined],
      ]).toContainEqual([proven(1), proven(2)]);
    }
  });

  it("leaves unproven what outlived a kill, so that a power cut may take it yet", () => {
    const fates = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      begin(seed);
      write(1, 1);
      process.end();
      disk.loseHeld();
      const afterKill = visible(1);
      expect(proven(1)).toBeUndefined();
      disk.lose();
      fates.add(`${afterKill} ${visible(1)}`);
    }
    expect([...fates].sort()).toEqual(["1 1", "1 undefined", "undefined undefined"]);
  });

  it("proves with the flush of a later process what an earlier one had written", () => {
    write(1, 1);
    process.end();
    expect(visible(1)).toBe(1);
    open();
    write(2, 2);
    timeline.run(10);
    expect([proven(1), proven(2)]).toEqual([1, 2]);
  });

  it("takes nothing more after a failed flush, and acknowledges nothing of it", () => {
    write(1, 1);
    timeline.run(10);
    disk.failNextFlush = true;
    write(1, 2);
    write(2, 2);
    timeline.run(10);
    write(3, 3);
    expect(said).toEqual([undefined, "failed", "failed", "failed"]);
    expect(bites).toContain("failed");
    expect([undefined, 2]).toContain(proven(2));
    expect(proven(3)).toBeUndefined();
  });

  it("says full, does nothing of the batch, and reads on", () => {
    write(1, 1);
    timeline.run(10);
    disk.full = true;
    write(1, 2);
    timeline.run(10);
    expect(said).toEqual([undefined, "full"]);
    expect([visible(1), proven(1)]).toEqual([1, 1]);
  });

  it("does nothing for a dead process, whatever that still runs", () => {
    process.end();
    write(1, 1);
    timeline.run(10);
    expect([visible(1), said]).toEqual([undefined, []]);
  });

  it("flips one bit of a proven record, and of none that was written since", () => {
    write(1, 0);
    timeline.run(10);
    expect(disk.damage(at(1))).toBe(true);
    expect(Math.log2(proven(1) ?? 0) % 1).toBe(0);
    expect(visible(1)).toBe(proven(1));
    write(1, 9);
    expect(disk.damage(at(1))).toBe(false);
    expect(disk.damage(at(2))).toBe(false);
  });

  it("leaves a part of a key's first record, at times, and never one of what replaces a proven one", () => {
    const whole: Batch = { records: [{ ...at(2), value: Uint8Array.of(1, 2, 3, 4, 5, 6) }] };
    const lengths = new Set<number | undefined>();
    for (let seed = 1; seed <= 240; seed++) {
      begin(seed);
      write(1, 1);
      timeline.run(10);
      storage.apply(seed % 2 === 0 ? whole : batch(1, 9), () => {});
      process.end();
      const isTorn = disk.lose();
      if (seed % 2 === 0) lengths.add(disk.proven.get(at(2))?.length);
      else expect([isTorn, [1, 9].includes(proven(1) ?? 0)]).toEqual([false, true]);
      if (isTorn) expect(disk.proven.get(at(2))?.length).toBeLessThan(6);
    }
    expect(lengths).toEqual(new Set([undefined, 0, 1, 2, 3, 4, 5, 6]));
  });

  it("flips one bit of a fact", () => {
    storage.apply({ meta: [{ name: "fact", value: Uint8Array.of(0, 0) }] }, () => {});
    timeline.run(10);
    expect([disk.damageFact("fact"), disk.damageFact("none")]).toEqual([true, false]);
    expect(disk.proven.meta.get("fact")).toBe(disk.visible.meta.get("fact"));
    expect([...(disk.proven.meta.get("fact") ?? [])].reduce((sum, byte) => sum + byte)).toBeGreaterThan(0);
  });

  it("answers slowly when it is slow", () => {
    disk.slowness = 100;
    write(1, 1);
    timeline.run(50);
    expect(said).toEqual([]);
    let found = "nothing yet";
    storage.get(at(1), ({ kind }) => (found = kind));
    expect(found).toBe("nothing yet");
    timeline.run(1_000);
    expect([found, said]).toEqual(["found", [undefined]]);
  });
});
