/** The operator of a simulated cluster waits for the word of whom it asked: nothing is settled while a change may still be made. */
import { expect, it } from "vitest";
import { testPrimitives as primitives } from "../../../core/test/primitives.js";
import { SimulatedWorld } from "../../src/world/simulated-world.js";
import { calmShape } from "../../src/world/shape.js";

it("waits for a leave that is written down late", () => {
  const world = SimulatedWorld.founded({ seed: 1, primitives, shape: { ...calmShape, nodes: 4 } });
  world.pause("n1", 7_000);
  world.leave("n2", "n1");
  world.run(6_500);
  expect(world.isLeaving("n2")).toBe(true);
  expect(world.settled).toBe(false);
  expect(world.untilSettled(30_000)).toBe(true);
  expect(world.standing).toEqual(["n1", "n3", "n4"]);
});

it("gives up a leave that died with whom it asked, once that one is back", () => {
  const world = SimulatedWorld.founded({ seed: 1, primitives, shape: { ...calmShape, nodes: 4 } });
  world.pause("n1", 7_000);
  world.leave("n2", "n1");
  world.crash("n1", "kill");
  world.run(7_000);
  expect(world.isLeaving("n2")).toBe(true);
  world.start("n1");
  expect(world.untilSettled(30_000)).toBe(true);
  expect(world.standing).toHaveLength(4);
});
