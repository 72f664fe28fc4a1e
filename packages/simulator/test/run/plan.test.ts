/** What a seed draws, and that what it draws bites. */
import type { PutCommand } from "@kvorum/core";
import { describe, expect, it } from "vitest";
import { testPrimitives } from "../../../core/test/primitives.js";
import { calmShape } from "../../src/world/shape.js";
import { SimulatedWorld } from "../../src/world/simulated-world.js";
import { Atlas } from "../../src/run/atlas.js";
import { families, faultFamilies } from "../../src/faults/all.js";
import { drawScript, leastCopies } from "../../src/run/script.js";

const scripts = Array.from({ length: 300 }, (_, i) => drawScript(i + 1));

describe("what seeds draw", () => {
  it("turns each family of faults on in some runs and off in others", () => {
    for (const family of faultFamilies) {
      const on = scripts.filter(({ config }) => config.families.includes(family)).length;
      expect(on).toBeGreaterThan(100);
      expect(on).toBeLessThan(200);
    }
  });

  it("plans no fault of a family that is off", () => {
    for (const { config, plan } of scripts) {
      const kinds = new Set(plan.faults.map(({ fault }) => fault.kind));
      if (!config.families.includes("loss")) expect([...kinds]).not.toContain("wipe");
      if (!config.families.includes("power")) expect([...kinds]).not.toContain("blackout");
      if (config.families.length === 0) expect(plan.faults).toEqual([]);
    }
  });

  it("aims at moments more often than at times", () => {
    const faults = scripts.flatMap(({ plan }) => plan.faults);
    const aimed = faults.filter(({ when }) => when.at !== "time").length;
    expect(aimed).toBeGreaterThan(faults.length / 2);
  });

  it("asks for no single copy where a disk may be lost", () => {
    for (const script of scripts) {
      if (!script.config.families.includes("loss")) continue;
      expect(leastCopies(script)).toBeGreaterThanOrEqual(Math.min(2, script.config.replicas, script.config.nodes));
    }
  });

  it("gives sessions to some clients, and ends to some values, whatever may be lost", () => {
    for (const isLosing of [true, false]) {
      const some = scripts.filter(({ config: { families: on } }) => on.includes("loss") === isLosing);
      const clients = some.flatMap(({ workload }) => workload.clients);
      const held = clients.filter(({ session }) => session === true);
      expect(held.length).toBeGreaterThan(clients.length / 12);
      expect(held.length).toBeLessThan(clients.length / 3);
      const ending = clients.filter(({ steps }) => steps.some(({ ttlSeconds }) => ttlSeconds !== undefined));
      expect(ending.length).toBeGreaterThan(clients.length / 4);
    }
  });

  it("names for every family what its faults do when they bite", () => {
    for (const family of faultFamilies) expect(families[family].bites).not.toEqual([]);
  });
});

describe("the atlas", () => {
  const founded = (): SimulatedWorld =>
    SimulatedWorld.founded({ seed: 1, primitives: testPrimitives, shape: calmShape });
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  const write = (world: SimulatedWorld, key: string): void => {
    let isDone = false;
    const command: PutCommand = {
      ...{ kind: "put", id: bytes(`carts/${key}`), value: bytes("v"), contentType: "", context: new Uint8Array() },
      ...{ w: "all", sloppy: false, ifAbsent: false, operation: undefined, hops: 0 },
    };
    world.request("c1", "n1", command, 1_000, (reply) => (isDone = reply?.kind === "put-done"));
    expect(world.until(() => isDone, 1_000)).toBe(true);
    world.run(50);
  };

  it("lets the next disk go only when the one before has got everything back", () => {
    const world = founded();
    const atlas = new Atlas(world, 2);
    write(world, "k");
    expect(atlas.mayWipe("n2")).toBe(true);
    world.crash("n2", "power");
    world.wipe("n2");
    atlas.wiped("n2");
    expect([atlas.mayWipe("n1"), atlas.mayDamage("n1", world.keyOf("carts", "k"))]).toEqual([false, false]);
    world.start("n2");
    expect(world.until(() => world.settled, 30_000)).toBe(true);
    world.run(1_000);
    expect([atlas.mayWipe("n1"), atlas.mayDamage("n1", world.keyOf("carts", "k"))]).toEqual([true, true]);
  });

  it("lets one copy of a record be damaged, and another only when that is mended", () => {
    const world = founded();
    const atlas = new Atlas(world, 2);
    for (const key of ["k", "other"]) write(world, key);
    const [k, other] = [world.keyOf("carts", "k"), world.keyOf("carts", "other")];
    expect(world.damageRecord("n1", k)).toBe(true);
    atlas.damaged("n1", k);
    expect([atlas.mayDamage("n2", k), atlas.mayDamage("n2", other), atlas.mayWipe("n2")]).toEqual([false, true, false]);
    const command = { kind: "get", id: k.id, r: "all", sloppy: false, local: false, hops: 0 } as const;
    for (let i = 0; i < 2; i++) world.request("c1", "n2", command, 500, () => {});
    world.run(1_000);
    expect([atlas.mayDamage("n2", k), atlas.mayWipe("n2")]).toEqual([true, true]);
  });

  it("lets nothing be lost where a write may stand on one disk", () => {
    const world = founded();
    expect(new Atlas(world, 1).mayWipe("n1")).toBe(false);
  });
});
