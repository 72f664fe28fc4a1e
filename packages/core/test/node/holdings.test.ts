/** Numbers of what is held are what a count of everything would give, whatever changes while it is counted. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyIdOfBytes, type KeyId } from "../../src/base/key-id.js";
import { countedKey, Holdings, type CountedKey, type Outline } from "../../src/node/holdings.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const keyOf = (id: string): KeyId => ({ ...keyIdOfBytes(testPrimitives, 64, bytes(id)), partition: 0 });
/** As a count finds it. */
const counted = (id: string, ends: Values): CountedKey =>
  countedKey(keyOf(id).hash, id.slice(0, id.indexOf("/")), bytes(id), outlineOf(ends));
const everything = (): boolean => true;

/** A key's record, as it is drawn: undefined where there is none, else when each of its values ends. */
type Values = readonly number[] | undefined;

type Step =
  | { readonly kind: "change"; readonly key: number; readonly values: Values }
  | { readonly kind: "scan" | "end" | "tick" };

const SECONDS = [1_000, 2_000, 3_000, Infinity];
const values: fc.Arbitrary<Values> = fc.option(fc.array(fc.constantFrom(...SECONDS), { maxLength: 3 }), {
  nil: undefined,
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("change" as const), key: fc.nat(5), values }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("scan" as const, "end" as const, "tick" as const) }) },
);

function outlineOf(ends: Values): Outline | undefined {
  if (ends === undefined) return undefined;
  const expiries = ends.filter((end) => end !== Infinity).sort((a, b) => a - b);
  const versions = ends.length < 2 ? [] : ends.map((expiresAtMs, at) => ({ writtenAtMs: at + 1, expiresAtMs }));
  return { valued: ends.length, expiries, versions };
}

const shownAt = (ends: Values, nowMs: number): number => (ends ?? []).filter((end) => end > nowMs).length;

describe("what a node holds, in numbers", () => {
  it("is right after any changes before, during and after a count of the partition, and as time goes on", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const holdings = new Holdings(testPrimitives);
        const held = new Map<string, Values>();
        let nowMs = 0;
        let scanned: CountedKey[] | undefined;
        const scan = (): void => {
          holdings.begin(0);
          const there = [...held].filter(([, ends]) => ends !== undefined);
          scanned = there.map(([id, ends]) => counted(id, ends));
        };
        const end = (): void => {
          if (scanned !== undefined) holdings.count(0, scanned);
          scanned = undefined;
        };
        for (const each of steps) {
          if (each.kind === "scan" && scanned === undefined) scan();
          if (each.kind === "end") end();
          if (each.kind === "tick") {
            nowMs += 500;
            holdings.deadIn(0, nowMs);
          }
          if (each.kind !== "change") continue;
          const id = `${each.key % 2 === 0 ? "even" : "odd"}/${each.key}`;
          holdings.changed(keyOf(id), outlineOf(held.get(id)), outlineOf(each.values));
          held.set(id, each.values);
        }
        if (scanned === undefined) scan();
        end();
        // Numbers go by whole seconds; conflicts by the very moment.
        const second = Math.floor(nowMs / 1000) * 1000;
        const alive = [...held].filter(([, ends]) => shownAt(ends, second) > 0).map(([id]) => id);
        const dead = [...held.values()].filter((ends) => ends !== undefined && shownAt(ends, second) === 0);
        const evens = alive.filter((id) => id.startsWith("even/")).length;
        expect(holdings.liveKeys(everything, nowMs)).toBe(alive.length);
        expect(holdings.deadIn(0, nowMs)).toBe(dead.length);
        expect(holdings.liveByBucket(everything, nowMs).get("even") ?? 0).toBe(evens);
        const conflicts = [...held.values()].filter((ends) => shownAt(ends, nowMs) > 1).length;
        expect(holdings.conflictCount(everything, nowMs)).toBe(conflicts);
        expect(holdings.liveKeys(() => false, nowMs)).toBe(0);
      }),
      { numRuns: count(300, 10_000) },
    );
  });
});
