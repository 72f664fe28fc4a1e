/** Numbers of what is held are what a count of everything would give, whatever changes while it is counted. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyIdOfBytes, type KeyId } from "../../src/base/key-id.js";
import { Holdings, type CountedKey } from "../../src/node/holdings.js";
import { count } from "../counts.js";
import { testPrimitives } from "../primitives.js";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const keyOf = (id: string): KeyId => ({ ...keyIdOfBytes(testPrimitives, 64, bytes(id)), partition: 0 });
/** As a count finds it. */
const counted = (id: string, live: number): CountedKey => {
  const found = { hash: keyOf(id).hash, bucket: id.slice(0, id.indexOf("/")), live };
  return live > 1 ? { ...found, conflict: { id: bytes(id), live, sinceMs: 1 } } : found;
};
const everything = (): boolean => true;

type Step =
  { readonly kind: "change"; readonly key: number; readonly live: number } | { readonly kind: "scan" | "end" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("change" as const), key: fc.nat(5), live: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("scan" as const, "end" as const) }) },
);

describe("what a node holds, in numbers", () => {
  it("is right after any changes before, during and after a count of the partition", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const holdings = new Holdings(testPrimitives);
        const live = new Map<string, number>();
        let scanned: CountedKey[] | undefined;
        const scan = (): void => {
          holdings.begin(0);
          scanned = [...live].map(([id, each]) => counted(id, each));
        };
        const end = (): void => {
          if (scanned !== undefined) holdings.count(0, scanned);
          scanned = undefined;
        };
        for (const each of steps) {
          if (each.kind === "scan" && scanned === undefined) scan();
          if (each.kind === "end") end();
          if (each.kind !== "change") continue;
          const id = `${each.key % 2 === 0 ? "even" : "odd"}/${each.key}`;
          holdings.changed(keyOf(id), live.get(id) ?? 0, { live: each.live, sinceMs: 1 });
          live.set(id, each.live);
        }
        if (scanned === undefined) scan();
        end();
        const alive = [...live].filter(([, each]) => each > 0).map(([id]) => id);
        const evens = alive.filter((id) => id.startsWith("even/")).length;
        expect(holdings.liveKeys(everything)).toBe(alive.length);
        expect(holdings.liveByBucket(everything).get("even") ?? 0).toBe(evens);
        expect(holdings.conflictCount(everything)).toBe([...live.values()].filter((each) => each > 1).length);
        expect(holdings.liveKeys(() => false)).toBe(0);
      }),
      { numRuns: count(300, 10_000) },
    );
  });
});
