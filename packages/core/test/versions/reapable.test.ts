/** When a dead state may go, as far as it can say itself: no value stands, clocks can't disagree, and no client retries any more (DESIGN §4). */
import { describe, expect, it } from "vitest";
import { stampAt } from "../../src/base/hlc.js";
import { limits } from "../../src/base/limits.js";
import { EMPTY_STATE, isDead } from "../../src/versions/key-state.js";
import { reapableFromMs } from "../../src/versions/reapable.js";
import { Replica, operationOf } from "./support.js";

describe("a state may be reaped", () => {
  it("at once when only tombstones stand, and never while a value stays", () => {
    const a = new Replica(1);
    expect(reapableFromMs(EMPTY_STATE)).toBe(0);
    a.put();
    expect(reapableFromMs(a.state)).toBe(Infinity);
    a.put({ deleted: true });
    expect(reapableFromMs(a.state)).toBe(Infinity);
    a.put({ deleted: true, context: a.read() });
    expect(reapableFromMs(a.state)).toBe(0);
  });

  it("when the last of its values has expired on every clock", () => {
    const a = new Replica(1);
    a.put({ expiresAtMs: 5_000 });
    a.put({ expiresAtMs: 9_000 });
    a.put({ deleted: true });
    expect(reapableFromMs(a.state)).toBe(9_000 + limits.clockSkewMaxMs);
    expect([isDead(a.state, 8_999), isDead(a.state, 9_000)]).toEqual([false, true]);
    a.put();
    expect(reapableFromMs(a.state)).toBe(Infinity);
  });

  it("when nobody retries an operation of it, one that stands or one that was replaced", () => {
    const a = new Replica(1);
    a.put({ operation: operationOf(1), stampedAt: stampAt(70_000) });
    a.put({ deleted: true, context: a.read(), stampedAt: stampAt(80_000) });
    expect(a.state.operations.count).toBe(1);
    expect(reapableFromMs(a.state)).toBe(70_000 + limits.operationMemoryMs);
    const b = new Replica(2);
    b.put({ deleted: true, operation: operationOf(2), stampedAt: stampAt(90_000) });
    expect(reapableFromMs(b.state)).toBe(90_000 + limits.operationMemoryMs);
  });
});
