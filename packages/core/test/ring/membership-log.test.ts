import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedError, Reader, Writer } from "../../src/base/bytes.js";
import type { Stamp } from "../../src/base/hlc.js";
import type { MembershipEvent } from "../../src/ring/membership-log.js";
import {
  WEIGHT_MAX,
  canonicalText,
  decodeMembershipEvent,
  encodeMembershipEvent,
  membershipEventId,
  orderEvents,
} from "../../src/ring/membership-log.js";
import { foldMembers } from "../../src/ring/members.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";
import { acts, logOf } from "./world.js";

const text = testPrimitives.text;
const stampOf = (ms: number): Stamp => (ms * 1024) as Stamp;
const joined = (ms: number, name: string, instance: number): MembershipEvent => ({
  kind: "joined",
  stamp: stampOf(ms),
  by: 1,
  name,
  instance,
  zone: "a",
  weight: 1,
});
const removed = (ms: number, name: string, instance: number): MembershipEvent => ({
  kind: "removed",
  stamp: stampOf(ms),
  by: 1,
  name,
  instance,
});
const replaced = (ms: number, name: string, instance: number): MembershipEvent => ({
  kind: "replaced",
  stamp: stampOf(ms),
  by: 1,
  name,
  instance,
});

const id48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const authored = {
  stamp: fc.maxSafeNat().map((n) => n as Stamp),
  by: id48,
  name: fc.string({ unit: "grapheme", minLength: 1 }),
};
const placing = { zone: fc.string({ unit: "grapheme" }), weight: fc.integer({ min: 1, max: WEIGHT_MAX }) };
const anyEvent: fc.Arbitrary<MembershipEvent> = fc.oneof(
  fc.record({ kind: fc.constant("joined" as const), ...authored, instance: id48, ...placing }),
  fc.record({ kind: fc.constant("replaced" as const), ...authored, instance: id48 }),
  fc.record({ kind: fc.constant("leaving" as const), ...authored }),
  fc.record({ kind: fc.constant("removed" as const), ...authored, instance: id48 }),
  fc.record({ kind: fc.constant("changed" as const), ...authored, ...placing }),
);

function encoded(event: MembershipEvent): Uint8Array {
  const writer = new Writer(text);
  encodeMembershipEvent(writer, event);
  return writer.take();
}

describe("an event's bytes", () => {
  test("read back as they were written, and nothing is left", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const reader = new Reader(text, encoded(event));
        expect(decodeMembershipEvent(reader)).toEqual(event);
        reader.finish();
      }),
      { numRuns: count(200, 5000) },
    );
  });

  test("cut short or of an unknown version, kind or weight are refused", () => {
    const bytes = encoded(joined(1, "n1", 7));
    for (let end = 0; end < bytes.length; end++) {
      expect(() => decodeMembershipEvent(new Reader(text, bytes.subarray(0, end)))).toThrow(MalformedError);
    }
    const broken = (at: number, value: number): Uint8Array => bytes.with(at, value);
    for (const wrong of [broken(0, 2), broken(1, 0), broken(1, 6), broken(bytes.length - 1, 0)]) {
      expect(() => decodeMembershipEvent(new Reader(text, wrong))).toThrow(MalformedError);
    }
  });
});

describe("the order of the log", () => {
  test("is by stamp, then author, then content; repetitions go", () => {
    const late = { ...joined(2, "n2", 2), by: 9 };
    const [a, b, c] = [joined(1, "n1", 1), { ...joined(2, "n3", 3), by: 3 }, { ...late, name: "n9" }];
    expect(orderEvents([c, late, a, b, late, { ...a }])).toEqual([a, b, late, c]);
    expect(membershipEventId(b)).toBe("2048-3");
    expect(canonicalText(a)).not.toBe(canonicalText(b));
  });
});

describe("members are a fold of the log", () => {
  test("any order and repetition of the events gives the same members", () => {
    const history = acts({ zones: 3, weightMax: 3, start: 2, stepsMax: 25 });
    fc.assert(
      fc.property(history, fc.infiniteStream(fc.nat()), (history, order) => {
        const events = logOf(history);
        const keyed = [...events, ...events].map((event) => ({ event, key: order.next().value }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ event }) => event);
        expect(foldMembers(shuffled)).toEqual(foldMembers(events));
      }),
      { numRuns: count(100, 2000) },
    );
  });

  test("a name that is a member is not joined again", () => {
    expect(foldMembers([joined(1, "n1", 1), joined(2, "n1", 2)])).toMatchObject([{ name: "n1", instance: 1 }]);
  });

  test("a replaced instance keeps name, zone and weight; only a member can be replaced", () => {
    const members = foldMembers([joined(1, "n1", 1), replaced(2, "n1", 2), replaced(3, "n2", 3)]);
    expect(members).toEqual([{ name: "n1", instance: 2, zone: "a", weight: 1, leaving: false }]);
  });

  test("a removal takes its own instance only", () => {
    const events = [joined(1, "n1", 1), replaced(2, "n1", 2), removed(3, "n1", 1)];
    expect(foldMembers(events)).toMatchObject([{ name: "n1", instance: 2 }]);
    expect(foldMembers([...events, removed(4, "n1", 2)])).toEqual([]);
  });

  test("an instance that was removed or replaced never comes back, its name may with another", () => {
    const gone = [joined(1, "n1", 1), removed(2, "n1", 1)];
    expect(foldMembers([...gone, joined(3, "n1", 1)])).toEqual([]);
    expect(foldMembers([removed(1, "n1", 1), joined(2, "n1", 1)])).toEqual([]);
    expect(foldMembers([...gone, joined(3, "n1", 2)])).toMatchObject([{ instance: 2 }]);
    expect(foldMembers([joined(1, "n1", 1), replaced(2, "n1", 2), replaced(3, "n1", 1)])).toMatchObject([
      { instance: 2 },
    ]);
  });

  test("a leaving member is one until it is removed", () => {
    const leaving: MembershipEvent = { kind: "leaving", stamp: stampOf(2), by: 1, name: "n1" };
    expect(foldMembers([joined(1, "n1", 1), leaving])).toMatchObject([{ name: "n1", leaving: true }]);
  });
});
