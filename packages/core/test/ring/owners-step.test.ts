/** The three-phase hand-over of one partition: what follows from what, and that every quorum of a phase meets those of the phases beside it (DESIGN §3). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Reader, Writer } from "../../src/base/bytes.js";
import { majority } from "../../src/quorum/needed.js";
import { readRecords, writeRecords } from "../../src/ring/owners-codec.js";
import {
  authorOf,
  compareRecords,
  fence,
  readersOf,
  UNKNOWN_RECORD,
  writersOf,
  type OwnersRecord,
} from "../../src/ring/owners-record.js";
import { sourcesOf, stepAfter, type ChangeView, type Step } from "../../src/ring/owners-step.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";

const names = ["a", "b", "c", "d", "e", "f"];
const rest = (...to: string[]): OwnersRecord => ({ epoch: 7, from: [], to, phase: 3 });
const isMember =
  (...members: string[]) =>
  (name: string) =>
    members.includes(name);

function view(members: string, target: string, more: Partial<ChangeView> = {}): ChangeView {
  return {
    members: members.split(""),
    target: target.split(""),
    hasSeen: () => true,
    hasConfirmed: () => true,
    ...more,
  };
}

function recordOf(step: Step): OwnersRecord {
  if (step.kind !== "go") throw new Error(`no step, but ${step.kind}`);
  return step.record;
}

describe("the next step", () => {
  it("opens, confirms, turns the reads round, closes: each one epoch, each only when all have seen the one before", () => {
    const target = "abd";
    let record = rest("a", "b", "c");
    const steps: OwnersRecord[] = [];
    for (let i = 0; i < 3; i++) {
      for (const blind of "abcd") {
        const step = stepAfter(record, view("abcd", target, { hasSeen: (name) => name !== blind }));
        expect(step).toEqual({ kind: "unseen", by: [blind] });
      }
      record = recordOf(stepAfter(record, view("abcd", target)));
      steps.push(record);
    }
    expect(steps).toEqual([
      { epoch: 8, from: ["a", "b", "c"], to: ["a", "b", "d"], phase: 1 },
      { epoch: 9, from: ["a", "b", "c"], to: ["a", "b", "d"], phase: 2 },
      { epoch: 10, from: [], to: ["a", "b", "d"], phase: 3 },
    ]);
    expect(stepAfter(record, view("abcd", target))).toEqual({ kind: "none" });
  });

  it("waits for each new owner to confirm, and for those that stay where fewer are left than before", () => {
    const open: OwnersRecord = { epoch: 8, from: ["a", "b", "c"], to: ["a", "b", "d"], phase: 1 };
    expect(stepAfter(open, view("abcd", "abd", { hasConfirmed: () => false }))).toEqual({
      kind: "unconfirmed",
      by: ["d"],
    });
    const shrinking: OwnersRecord = { epoch: 8, from: ["a", "b", "c"], to: ["a", "b"], phase: 1 };
    expect(stepAfter(shrinking, view("abc", "ab", { hasConfirmed: () => false }))).toEqual({
      kind: "unconfirmed",
      by: ["a", "b"],
    });
    expect(sourcesOf(shrinking, "a", isMember("a", "b", "c"))).toEqual(["c"]);
    expect(sourcesOf(open, "d", isMember("a", "b", "d"))).toEqual(["a", "b"]);
    expect(sourcesOf(open, "a", isMember("a", "b", "c", "d"))).toEqual([]);
  });

  it("completes an open record before it looks at a newer target", () => {
    const open: OwnersRecord = { epoch: 8, from: ["a", "b", "c"], to: ["a", "b", "d"], phase: 1 };
    expect(recordOf(stepAfter(open, view("abcde", "ace")))).toMatchObject({ to: ["a", "b", "d"], phase: 2 });
  });

  it("goes back where a new owner was removed before it was read, and from there looks for another", () => {
    const open: OwnersRecord = { epoch: 8, from: ["a", "b", "c"], to: ["a", "b", "d"], phase: 1 };
    const back = recordOf(stepAfter(open, view("abce", "abe")));
    expect(back).toEqual({ epoch: 9, from: [], to: ["a", "b", "c"], phase: 3 });
    expect(recordOf(stepAfter(back, view("abce", "abe")))).toMatchObject({
      from: ["a", "b", "c"],
      to: ["a", "b", "e"],
      phase: 1,
    });
  });

  it("turns back to the old owners where all new ones were removed while they were read", () => {
    const open: OwnersRecord = { epoch: 9, from: ["a"], to: ["d"], phase: 2 };
    expect(recordOf(stepAfter(open, view("ab", "ab")))).toEqual({ epoch: 10, from: ["a"], to: ["d"], phase: 1 });
    const closed: OwnersRecord = { epoch: 9, from: ["a"], to: ["d"], phase: 2 };
    expect(recordOf(stepAfter(closed, view("ad", "ad"))).phase).toBe(3);
  });

  it("moves nothing where only the order is another, and begins anew where nobody is left", () => {
    expect(recordOf(stepAfter(rest("a", "b", "c"), view("abc", "bca")))).toEqual({
      epoch: 8,
      from: [],
      to: ["b", "c", "a"],
      phase: 3,
    });
    expect(recordOf(stepAfter(rest("x", "y"), view("ab", "ab")))).toEqual({
      epoch: 8,
      from: [],
      to: ["a", "b"],
      phase: 3,
    });
    expect(recordOf(stepAfter(UNKNOWN_RECORD, view("a", "a")))).toEqual({ epoch: 1, from: [], to: ["a"], phase: 3 });
  });

  it("is one member's alone: the first new owner that is a member, else the first old one, else the target's first", () => {
    const open: OwnersRecord = { epoch: 8, from: ["a", "b"], to: ["c", "d"], phase: 1 };
    expect(authorOf(open, ["e"], isMember("a", "b", "c", "d", "e"))).toBe("c");
    expect(authorOf(open, ["e"], isMember("a", "b", "d", "e"))).toBe("d");
    expect(authorOf(open, ["e"], isMember("b", "e"))).toBe("b");
    expect(authorOf(open, ["e"], isMember("e"))).toBe("e");
    expect(authorOf(open, ["e"], isMember())).toBeUndefined();
  });
});

const subset = fc
  .subarray(names, { minLength: 1, maxLength: 5 })
  .chain((set) => fc.shuffledSubarray(set, { minLength: set.length }));

describe("adjacent placements", () => {
  it("share a member in every write quorum of the one and read quorum of the other, whatever the two sets of owners are", () => {
    fc.assert(
      fc.property(subset, subset, (from, target) => {
        const members = view(names.join(""), "", { target });
        let record: OwnersRecord = { epoch: 1, from: [], to: from, phase: 3 };
        for (;;) {
          const step = stepAfter(record, members);
          if (step.kind !== "go") break;
          expectOverlap(record, step.record);
          record = step.record;
        }
        expect(record.to).toEqual(target);
      }),
      { numRuns: count(500, 20_000) },
    );
  });

  function expectOverlap(before: OwnersRecord, after: OwnersRecord): void {
    const all = isMember(...names);
    for (const [writing, reading] of [
      [before, after],
      [after, before],
      [after, after],
    ] as const) {
      const readers = readersOf(reading, all);
      const sets = writersOf(writing, all);
      const meets = sets.some(
        (set) => majority(set.length) + majority(readers.length) > new Set([...set, ...readers]).size,
      );
      expect([writing, reading, meets]).toEqual([writing, reading, true]);
    }
  }
});

describe("the fence", () => {
  it("serves what was asked by the same record or one beside it, and says who is behind otherwise", () => {
    const own: OwnersRecord = { epoch: 8, from: ["a"], to: ["b"], phase: 1 };
    expect([5, 6, 7, 8, 9, 10, 11].map((epoch) => fence(own, { epoch, phase: 1 }))).toEqual([
      ...["asker-behind", "asker-behind", "serve", "serve", "serve", "replica-behind", "replica-behind"],
    ]);
    expect(fence(own, { epoch: 8, phase: 3 })).toBe("replica-behind");
    expect(fence({ ...own, phase: 3 }, { epoch: 8, phase: 1 })).toBe("asker-behind");
  });
});

const record: fc.Arbitrary<OwnersRecord> = fc.record({
  epoch: fc.nat(),
  from: fc.array(fc.constantFrom(...names), { maxLength: 3 }),
  to: fc.array(fc.constantFrom(...names), { maxLength: 3 }),
  phase: fc.constantFrom(1 as const, 2 as const, 3 as const),
});

describe("records", () => {
  it("are ordered by all members alike: two that are the same are equal, and of any other two one is the newer", () => {
    fc.assert(
      fc.property(record, record, (a, b) => {
        const isSame =
          JSON.stringify([a.epoch, a.phase, a.from, a.to]) === JSON.stringify([b.epoch, b.phase, b.from, b.to]);
        expect(compareRecords(a, b) === 0).toBe(isSame);
        expect(Math.sign(compareRecords(a, b)) + Math.sign(compareRecords(b, a))).toBe(0);
      }),
    );
  });

  it("read back as they were written", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ partition: fc.nat(65_535), record }), { maxLength: 70 }), (placed) => {
        const writer = new Writer(testPrimitives.text);
        writeRecords(writer, placed);
        const reader = new Reader(testPrimitives.text, writer.take());
        expect(readRecords(reader)).toEqual(placed);
        reader.finish();
      }),
    );
  });

  it("of a whole change of 256 partitions are few bytes: names stand there once", () => {
    const placed = Array.from({ length: 256 }, (_, partition) => ({
      partition,
      record: { epoch: 40, from: ["n1", "n2", "n3"], to: ["n2", "n3", "n4"], phase: 1 } as const,
    }));
    const writer = new Writer(testPrimitives.text);
    writeRecords(writer, placed);
    expect(writer.take().length).toBeLessThan(4_096);
  });
});
