/**
 * A store whose process or power ends at any step: what was acknowledged is there, nothing else appears, and a second recovery changes nothing (DESIGN §8;
 * issue: "Simulated"). Each seed is three lives on one disk, each ending at a step that was drawn.
 */
import { Rng } from "@kvorum/core";
import { SimulatedDisk } from "@kvorum/store";
import { describe, expect, it } from "vitest";
import { count } from "../../../core/test/counts.js";
import { contentOf, diskOptions, Ended, Life, open, Turns } from "./life.js";
import { Model } from "./model.js";

const LIVES = 3;
const BATCHES = 22;
/** Histories that lost something once: 2046, where a drop that was not flushed emptied a segment of fresh copies, which was then thrown away. */
const FOUND = [2046];

interface Totals {
  ended: number;
  acknowledged: number;
  merges: number;
  steps: number;
  endedOpening: number;
}

/** Runs one life on a disk, up to a step; gives what may be on it then. */
function live(disk: SimulatedDisk, before: Model, turns: Turns, rng: Rng, life: number, totals: Totals): Model {
  let model = before;
  let storage: ReturnType<typeof open> | undefined;
  try {
    storage = open(disk, turns);
    const found = contentOf(storage, turns);
    expect(model.allows(found), `life ${life} began with what the one before may have left`).toBe(true);
    model = new Model(found);
    const player = new Life(storage, model, turns, rng, life);
    player.play(rng.below(BATCHES));
    if (rng.chance(0.5)) turns.until(() => model.unsettled === 0);
    totals.acknowledged += player.acknowledged;
    if (rng.chance(0.3)) {
      let isClosed = false;
      storage.close(() => (isClosed = true));
      turns.until(() => isClosed);
    }
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    totals.ended++;
    if (storage === undefined) totals.endedOpening++;
  }
  totals.merges += storage?.stats().merges ?? 0;
  totals.steps += disk.steps;
  return model;
}

function playSeed(seed: number, totals: Totals): void {
  const rng = new Rng(seed);
  let model = new Model(new Map());
  let disk = new SimulatedDisk(diskOptions(rng.fork("disk"), new Turns(rng.fork("turns/0")), 0));
  for (let life = 1; life <= LIVES; life++) {
    const own = rng.fork(`life/${life}`);
    const turns = new Turns(own.fork("turns"));
    // Early steps are those of opening; most lives have some two hundred.
    const endAt = own.chance(0.3) ? 1 + own.below(30) : 1 + own.below(380);
    const options = diskOptions(own.fork("disk"), turns, endAt);
    disk = own.chance(0.6) ? disk.cut(options) : disk.killed(options);
    if (own.chance(0.1)) disk.capacity = disk.usedBytes + own.below(6_000);
    model = live(disk, model, turns, own, life, totals);
    disk.capacity = Number.POSITIVE_INFINITY;
    recoverTwice(disk, model, own);
  }
}

/** What a start finds, and the start after it; on copies, so that the disk itself may yet be found in any of the states. */
function recoverTwice(disk: SimulatedDisk, model: Model, rng: Rng): void {
  const turns = new Turns(rng.fork("recovery"));
  const options = diskOptions(rng.fork("recovery/disk"), turns, 0);
  const first = rng.chance(0.6) ? disk.cut(options) : disk.copy(options);
  const found = contentOf(open(first, turns), turns);
  if (!model.allows(found)) throw new Error(`a start found ${JSON.stringify([...found])}, of ${model.inspect()}`);
  const again = contentOf(open(rng.chance(0.5) ? first.cut(options) : first.copy(options), turns), turns);
  expect(again).toEqual(found);
}

describe("a store whose process or power ends", () => {
  it("at a random step holds what was acknowledged, and nothing else", () => {
    const totals: Totals = { ended: 0, acknowledged: 0, merges: 0, steps: 0, endedOpening: 0 };
    const seeds = count(300, 20_000);
    const first = Number(process.env["KVORUM_SEED"] ?? 1);
    for (const seed of [...FOUND, ...Array.from({ length: seeds }, (_, i) => first + i)]) {
      try {
        playSeed(seed, totals);
      } catch (error) {
        throw new Error(`seed ${seed} (KVORUM_SEED=${seed}): ${(error as Error).message}`, { cause: error });
      }
    }
    // A fault that did not bite proves nothing.
    expect(totals.ended).toBeGreaterThan(seeds * 0.5);
    expect(totals.endedOpening).toBeGreaterThan(seeds * 0.05);
    expect(totals.acknowledged).toBeGreaterThan(seeds * 5);
    expect(totals.merges).toBeGreaterThan(seeds * 0.2);
  }, 3_600_000);
});
