/** The load generator: a closed loop that asks for exactly what its workload says, and counts what it got. */
import { describe, expect, test } from "vitest";
import { OverloadedError, ValidationError } from "@kvorum/client/internal";
import { Latencies } from "../../src/bench/latency.js";
import { loadRecords, runLoad, type LoadOptions, type Target } from "../../src/bench/load.js";
import { recordKey, ValueSource, Workload, type WorkloadName } from "../../src/bench/workloads.js";

/** Counts, answers in a later turn, and fails when told to. */
class CountingTarget implements Target {
  inFlight = 0;
  inFlightMax = 0;
  reads = 0;
  updates = 0;
  readonly written = new Map<string, Uint8Array>();
  failures: (() => Error | undefined) | undefined;

  read(): Promise<void> {
    this.reads++;
    return this.#answer();
  }

  async update(key: string, value: Uint8Array): Promise<void> {
    this.updates++;
    await this.#answer();
    this.written.set(key, value);
  }

  async #answer(): Promise<void> {
    this.inFlightMax = Math.max(this.inFlightMax, ++this.inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    this.inFlight--;
    const failure = this.failures?.();
    if (failure !== undefined) throw failure;
  }
}

function options(target: Target, name: WorkloadName, more: Partial<LoadOptions> = {}): LoadOptions {
  const workload = new Workload(name, 100, 1);
  return { target, workload, values: new ValueSource(16, 1), concurrency: 8, warmupMs: 0, durationMs: 60, ...more };
}

describe("runLoad", () => {
  test("keeps exactly the wanted number of operations in flight", async () => {
    const target = new CountingTarget();
    await runLoad(options(target, "a", { concurrency: 5 }));
    expect(target.inFlightMax).toBe(5);
    expect(target.inFlight).toBe(0);
  });

  test.each([
    ["a", 0.5],
    ["b", 0.95],
    ["c", 1],
    ["w", 0],
  ] as const)("workload %s reads %d of the time", (name, share) => {
    const workload = new Workload(name, 100, 1);
    const ops = Array.from({ length: 20_000 }, () => workload.nextOp());
    expect(ops.filter((op) => op === "read").length / ops.length).toBeCloseTo(share, 1.5);
  });

  test("counts every operation that succeeded, and no other", async () => {
    const target = new CountingTarget();
    const result = await runLoad(options(target, "a", { durationMs: 200 }));
    expect(result.read.count).toBeGreaterThan(0);
    // Those that were under way at the end were asked for and are not counted.
    expect(target.reads + target.updates - result.ops).toBeLessThanOrEqual(8);
    expect(result.opsPerSecond).toBeCloseTo(result.ops / 0.2, 5);
    expect(result.errors).toEqual({});
  });

  test("the warm-up is asked for and not counted", async () => {
    const target = new CountingTarget();
    const result = await runLoad(options(target, "c", { warmupMs: 100, durationMs: 100 }));
    expect(target.reads).toBeGreaterThan(result.ops * 1.2);
  });

  test("a failed operation is counted by its code, and the loop does not spin on it", async () => {
    const target = new CountingTarget();
    target.failures = () => new OverloadedError("slow down", undefined);
    const result = await runLoad(options(target, "c", { durationMs: 100 }));
    expect(result.ops).toBe(0);
    expect(result.errors["overloaded"]).toBe(target.reads);
    expect(result.firstError).toBe("slow down");
    expect(target.reads).toBeLessThanOrEqual(8 * 12);
  });

  test("a mistake in the program is not counted as a failed operation", async () => {
    const target = new CountingTarget();
    target.failures = () => new TypeError("a mistake");
    await expect(runLoad(options(target, "c"))).rejects.toThrow(TypeError);
  });

  test("two workloads of one seed ask for the same", () => {
    const asked = (seed: number): string[] => {
      const workload = new Workload("a", 1_000, seed);
      return Array.from({ length: 200 }, () => `${workload.nextOp()} ${workload.nextKey()}`);
    };
    expect(asked(7)).toEqual(asked(7));
    expect(asked(7)).not.toEqual(asked(8));
  });
});

describe("loadRecords", () => {
  test("writes every record once, values of the wanted size that differ", async () => {
    const target = new CountingTarget();
    await loadRecords(target, 100, new ValueSource(64, 1), 7);
    expect([...target.written.keys()].sort()).toEqual(Array.from({ length: 100 }, (_, i) => recordKey(i)).sort());
    expect(target.updates).toBe(100);
    expect(target.inFlightMax).toBe(7);
    expect([...target.written.values()].every((value) => value.length === 64)).toBe(true);
    expect(new Set([...target.written.values()].map((value) => value.toString())).size).toBe(100);
  });

  test("tries a record again until it stands", async () => {
    const target = new CountingTarget();
    let calls = 0;
    target.failures = () => (++calls % 3 === 0 ? new OverloadedError("slow down", undefined) : undefined);
    await loadRecords(target, 20, new ValueSource(8, 1), 4);
    expect(target.written.size).toBe(20);
  });

  test("gives up on one that cannot be written", async () => {
    const target = new CountingTarget();
    target.failures = () => new TypeError("a mistake");
    await expect(loadRecords(target, 3, new ValueSource(8, 1), 1)).rejects.toThrow(TypeError);
    target.failures = () => new ValidationError("bad-parameter", "never");
    await expect(loadRecords(target, 3, new ValueSource(8, 1), 1)).rejects.toMatchObject({ code: "bad-parameter" });
  });
});

describe("Latencies", () => {
  test("gives percentiles to three figures", () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 1_000; ms++) latencies.record(ms);
    const { count, meanMs, p50Ms, p95Ms, p99Ms, p999Ms, maxMs } = latencies.summary();
    expect(count).toBe(1_000);
    const near = (value: number, wanted: number): void => expect(Math.abs(value / wanted - 1)).toBeLessThan(0.01);
    near(meanMs, 500.5);
    near(p50Ms, 500);
    near(p95Ms, 950);
    near(p99Ms, 990);
    near(p999Ms, 999);
    near(maxMs, 1_000);
  });

  test("of nothing are zero", () => {
    expect(new Latencies().summary()).toMatchObject({ count: 0, p50Ms: 0, maxMs: 0 });
  });

  test("take what is out of range as the nearest that is in", () => {
    const latencies = new Latencies();
    latencies.record(0);
    latencies.record(1e12);
    expect(latencies.summary().count).toBe(2);
  });
});
