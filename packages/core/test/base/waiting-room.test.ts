/** The ring of places says of every id what a map would say, whatever the order in which replies come. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WaitingRoom } from "@kvorum/core";

const ID_END = 0xffff_ffff;

describe("a waiting room", () => {
  test("is a map from ids to who waits, however they come and go", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constant({ kind: "enter" } as const) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), nth: fc.nat() }) },
      // Ids that nobody waits for: answered already, or never given.
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("late" as const), back: fc.nat(500) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.constantFrom(0, 70, ID_END - 40), (steps, start) => {
        const room = new WaitingRoom<string>(start);
        const model = new Map<number, string>();
        let lastId = start;
        for (const [i, each] of steps.entries()) {
          if (each.kind === "enter") {
            lastId = room.nextId();
            expect(model.has(lastId)).toBe(false);
            room.enter(lastId, `waiter ${i}`);
            model.set(lastId, `waiter ${i}`);
          } else {
            const ids = [...model.keys()];
            const id = each.kind === "leave" ? ids[each.nth % ids.length] : Math.max(0, lastId - each.back);
            if (id === undefined) continue;
            expect(room.has(id)).toBe(model.has(id));
            expect(room.leave(id)).toBe(model.get(id));
            model.delete(id);
          }
          expect(room.size).toBe(model.size);
        }
        expect(room.those(() => true)).toEqual([...model].sort(([a], [b]) => a - b));
      }),
    );
  });

  test("ids begin again at 1, and those that are still waited for are passed over", () => {
    const room = new WaitingRoom<string>(0);
    room.enter(room.nextId(), "slow");
    const ids: number[] = [];
    for (let i = 0; i < 200; i++) {
      const id = room.nextId();
      ids.push(id);
      room.enter(id, "quick");
      room.leave(id);
    }
    expect(new Set(ids).size).toBe(200);
    expect(room.leave(1)).toBe("slow");
    const end = new WaitingRoom<string>(ID_END - 1);
    expect([end.nextId(), end.nextId()]).toEqual([ID_END, 1]);
  });

  test("an answer that comes after its time is not taken for that of a later request in the same place", () => {
    const room = new WaitingRoom<string>();
    const first = room.nextId();
    room.enter(first, "gave up");
    room.leave(first);
    for (let i = 0; i < 64; i++) room.enter(room.nextId(), `later ${i}`);
    expect(room.leave(first)).toBeUndefined();
    expect(room.size).toBe(64);
  });
});
