/** How far transfers are, kept on disk: what is read back is what was kept, and what can't be read or is of another record is begun anew. */
import { expect, it } from "vitest";
import { Checkpoints, ENDED } from "../../src/node/checkpoints.js";
import { testPrimitives as primitives } from "../primitives.js";
import { Timeline } from "./cluster.js";
import { TestStorage } from "./test-storage.js";

function disk(): { storage: TestStorage; timeline: Timeline } {
  const timeline = new Timeline();
  return { timeline, storage: new TestStorage((delayMs, run) => void timeline.after(delayMs, run)) };
}

function load(storage: TestStorage): Checkpoints {
  let loaded: Checkpoints | undefined;
  Checkpoints.load(primitives, storage, (checkpoints) => (loaded = checkpoints));
  if (loaded === undefined) throw new Error("the disk has not answered");
  return loaded;
}

it("goes on where it stopped after a restart, for that very record alone", () => {
  const { storage, timeline } = disk();
  const before = new Checkpoints(primitives, storage);
  before.keep({ partition: 7, epoch: 4, from: "n1", fromHash: 99n });
  before.keep({ partition: 7, epoch: 4, from: "n1", fromHash: 100n });
  before.keep({ partition: 7, epoch: 4, from: "n2", fromHash: ENDED });
  timeline.run(100);
  const after = load(storage);
  expect(after.get({ partition: 7, epoch: 4, from: "n1" })).toBe(100n);
  expect(after.get({ partition: 7, epoch: 4, from: "n2" })).toBe(ENDED);
  expect(after.get({ partition: 7, epoch: 5, from: "n1" })).toBe(0n);
  expect(after.get({ partition: 8, epoch: 4, from: "n1" })).toBe(0n);
});

it("is gone with its partition's want, but for the record that is kept", () => {
  const { storage, timeline } = disk();
  const checkpoints = new Checkpoints(primitives, storage);
  checkpoints.keep({ partition: 7, epoch: 0, from: "n1", fromHash: 1n });
  checkpoints.keep({ partition: 7, epoch: 4, from: "n2", fromHash: 2n });
  checkpoints.forget(7, 4);
  timeline.run(100);
  expect(load(storage).get({ partition: 7, epoch: 0, from: "n1" })).toBe(0n);
  expect(load(storage).get({ partition: 7, epoch: 4, from: "n2" })).toBe(2n);
  checkpoints.forget(7);
  timeline.run(100);
  expect(load(storage).get({ partition: 7, epoch: 4, from: "n2" })).toBe(0n);
});
