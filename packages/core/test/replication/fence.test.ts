/** The proof that nothing older is under way: asked of all members, again and again, until no copy can have been passed on in time (DESIGN §4). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fence, NEW_MARK } from "../../src/replication/fence.js";
import { Tides, type Tide } from "../../src/replication/tides.js";
import { count } from "../counts.js";

const members = new Map([
  ["a", 1],
  ["b", 2],
  ["c", 3],
]);
const names = [...members.keys()];
const ROUNDS = 5;

function answerAll(fence: Fence, isOut: boolean, boot = 1, tide = fence.round): void {
  for (const name of names) fence.take(name, { boot, tide, isOut, waitsFor: isOut ? "" : "hints" });
}

describe("a fence", () => {
  it("is passed when every member has said it in every round, and not a word earlier", () => {
    const fence = new Fence(members);
    for (let round = 1; round <= ROUNDS; round++) {
      expect([fence.isPassed, fence.round, fence.markOf("a")]).toEqual([false, round, NEW_MARK]);
      answerAll(fence, false);
      expect(fence.markOf("a")).toEqual({ boot: 1, tide: round });
      answerAll(fence, false);
      expect([fence.round, fence.why]).toEqual([round, "a: hints"]);
      fence.take("a", { boot: 1, tide: round, isOut: true, waitsFor: "" });
      fence.take("b", undefined);
      expect([fence.waitingFor, fence.why]).toEqual([["b", "c"], "b: does not answer"]);
      answerAll(fence, true);
    }
    expect([fence.isPassed, fence.waitingFor, fence.why]).toEqual([true, [], ""]);
  });

  it("takes no first answer for a word: it only begins the tide, whatever it says", () => {
    const fence = new Fence(members);
    for (let i = 0; i < 3; i++) answerAll(new Fence(members), true);
    answerAll(fence, true);
    expect(fence.round).toBe(1);
    expect(fence.waitingFor).toEqual(names);
  });

  it("asks a member anew that was started again meanwhile", () => {
    const fence = new Fence(members);
    answerAll(fence, false);
    fence.take("a", { boot: 2, tide: 1, isOut: true, waitsFor: "" });
    expect(fence.markOf("a")).toEqual({ boot: 2, tide: 1 });
    expect(fence.waitingFor).toContain("a");
  });

  it("is of these very members and of no others", () => {
    const fence = new Fence(members);
    expect(fence.isOf(new Map(members))).toBe(true);
    expect(fence.isOf(new Map([...members, ["d", 4]]))).toBe(false);
    expect(fence.isOf(new Map([...members, ["c", 9]]))).toBe(false);
    expect(fence.isOf(new Map([["a", 1]]))).toBe(false);
  });

  /**
   * A copy goes from member to member while they are asked one by one in any order; each holds it until the next one has it. Its way is at most as
   * long as the longest there is, and then it ends.
   */
  it("is never passed while a copy of before is in anybody's hands", () => {
    const LONGEST_WAY = 5;
    const move = fc.record({ kind: fc.constant("pass" as const), to: fc.nat(2) });
    const ask = fc.record({ kind: fc.constant("ask" as const), whom: fc.nat(2) });
    const steps = fc.array(fc.oneof({ weight: 1, arbitrary: move }, { weight: 6, arbitrary: ask }), {
      ...{ minLength: 40, maxLength: 160, size: "max" as const },
    });
    let passed = 0;
    fc.assert(
      fc.property(steps, fc.nat(2), (moves, first) => {
        const tides = names.map(() => new Tides(0, 0));
        let holder: { readonly at: number; readonly tide: Tide } | undefined = {
          at: first,
          tide: (tides[first] as Tides).enter(),
        };
        let hands = 1;
        const fence = new Fence(members);
        for (const each of moves) {
          if (each.kind === "ask") {
            const name = names[each.whom] as string;
            const own = tides[each.whom] as Tides;
            const mark = fence.markOf(name);
            const isNew = mark.boot === 0;
            const tide = isNew ? own.turn() : mark.tide;
            fence.take(name, { boot: 1, tide, isOut: !isNew && own.stateOf(tide, 1) === "out", waitsFor: "" });
          } else if (holder !== undefined) {
            const before = holder;
            holder = hands++ < LONGEST_WAY ? { at: each.to, tide: (tides[each.to] as Tides).enter() } : undefined;
            (tides[before.at] as Tides).leave(before.tide);
          }
          if (fence.isPassed) expect(holder).toBeUndefined();
        }
        passed += Number(fence.isPassed);
      }),
      { numRuns: count(2_000, 100_000) },
    );
    expect(passed).toBeGreaterThan(0);
  });
});
