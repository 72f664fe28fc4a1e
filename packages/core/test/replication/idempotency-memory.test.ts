/** One idempotency key names one write, while it is remembered (TRAPS 6; CONTRACT §3, `Idempotency-Key`). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdempotencyMemory } from "../../src/replication/idempotency-memory.js";
import { count } from "../counts.js";

describe("the memory of idempotency keys", () => {
  it("refuses one key for two writes, and takes it for a retry", () => {
    const memory = new IdempotencyMemory(1_000, 10);
    memory.use("id", 1n, 0)?.(true);
    expect(memory.use("id", 2n, 1_000)).toBe(undefined);
    expect(memory.use("id", 1n, 1_000)).toBeDefined();
  });

  it("forgets after its time", () => {
    const memory = new IdempotencyMemory(1_000, 10);
    memory.use("id", 1n, 0)?.(true);
    expect(memory.use("id", 2n, 1_001)).toBeDefined();
  });

  it("frees a key whose write never began, so that the request can be mended", () => {
    const memory = new IdempotencyMemory(1_000, 10);
    memory.use("id", 1n, 0)?.(false);
    expect(memory.size).toBe(0);
    expect(memory.use("id", 2n, 1)).toBeDefined();
  });

  it("does not free a key that another attempt is using, or has begun with", () => {
    const memory = new IdempotencyMemory(1_000, 10);
    const first = memory.use("id", 1n, 0);
    memory.use("id", 1n, 1)?.(false);
    expect(memory.use("id", 2n, 2)).toBe(undefined);
    first?.(true);
    memory.use("id", 1n, 3)?.(false);
    expect(memory.use("id", 2n, 4)).toBe(undefined);
  });

  it("is bounded, and drops the oldest first", () => {
    const ids = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 100 });
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 8 }), (uses, entriesMax) => {
        const memory = new IdempotencyMemory(1_000_000, entriesMax);
        uses.forEach((id, now) => {
          memory.use(`${id}`, BigInt(id), now)?.(true);
          expect(memory.size).toBeLessThanOrEqual(entriesMax);
          // The one just used is there: another write under it is refused.
          expect(memory.use(`${id}`, 99n, now) === undefined || entriesMax === 1).toBe(true);
        });
      }),
      { numRuns: count(100, 5_000) },
    );
  });
});
