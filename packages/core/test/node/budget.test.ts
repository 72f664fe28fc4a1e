/** Background work never starves users, and users never stop it (TRAPS 26). */
import { describe, expect, it } from "vitest";
import { limits } from "../../src/base/limits.js";
import { Budget } from "../../src/node/budget.js";
import { Timeline } from "./cluster.js";

const KIB = 1024;

function world() {
  const timeline = new Timeline();
  const budget = new Budget({
    monotonicMs: () => timeline.nowMs,
    wallMs: () => timeline.nowMs,
    after: (delayMs, run) => timeline.after(delayMs, run),
  });
  const sent = { bytes: 0 };
  /** Spends without end, one piece after the other. */
  const pump = (): void => void budget.spend("transfers", 64 * KIB, () => ((sent.bytes += 64 * KIB), pump()));
  /** Bytes of background work in a second in which a client's request takes so long, one every 10 ms. */
  const second = (latencyMs: number): number => {
    const before = sent.bytes;
    for (let i = 0; i < 100; i++) {
      budget.answered(latencyMs);
      timeline.run(10);
    }
    return sent.bytes - before;
  };
  return { timeline, budget, pump, second };
}

describe("the budget for background work", () => {
  it("lets a first burst go at once, and then as much as its pace allows", () => {
    const { timeline, budget } = world();
    let went = 0;
    for (let i = 0; i < 1_000; i++) budget.spend("hints", 128 * KIB, () => went++);
    expect(went).toBe(limits.backgroundBurstBytes / (128 * KIB));
    timeline.run(1_000);
    expect(went).toBeGreaterThan(400);
    expect(went * 128 * KIB).toBeLessThanOrEqual(limits.backgroundBytesPerSecondMax + limits.backgroundBurstBytes);
  });

  it("yields to clients that feel it, to a floor, and comes back when they no longer do", () => {
    const { pump, second } = world();
    pump();
    const calm = second(1);
    for (let i = 0; i < 5; i++) second(10);
    const felt = second(10);
    expect(felt).toBeLessThan(calm / 20);
    expect(felt).toBeGreaterThanOrEqual(limits.backgroundBytesPerSecondMin / 2);
    for (let i = 0; i < 10; i++) second(1);
    expect(second(1)).toBeGreaterThan(calm / 2);
  });

  it("takes the kinds in turn: a hint does not wait behind a whole transfer", () => {
    const { timeline, budget } = world();
    const order: string[] = [];
    for (let i = 0; i < 50; i++) budget.spend("transfers", 512 * KIB, () => order.push("transfer"));
    for (let i = 0; i < 3; i++) budget.spend("hints", KIB, () => order.push("hint"));
    timeline.run(1_000);
    expect(order.length).toBe(53);
    expect(order.lastIndexOf("hint")).toBeLessThan(10);
  });

  it("does not begin what was cancelled, or anything after its end", () => {
    const { timeline, budget } = world();
    const went: string[] = [];
    budget.spend("repair", 10 * limits.backgroundBurstBytes, () => went.push("large"));
    const cancel = budget.spend("repair", 1, () => went.push("cancelled"));
    budget.spend("repair", 1, () => went.push("small"));
    cancel();
    timeline.run(2_000);
    expect(went).toEqual(["large", "small"]);
    budget.spend("repair", 10 * limits.backgroundBurstBytes, () => {});
    budget.spend("repair", 1, () => went.push("too late"));
    budget.stop();
    timeline.run(10_000);
    expect(went).toEqual(["large", "small"]);
    expect(budget.waiting).toBe(0);
  });
});
