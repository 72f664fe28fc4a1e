/** The index of a partition equals a sorted list, whatever is put into it and taken out, and keeps to its bytes a key (decision 13). */
import { Rng } from "@kvorum/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { count } from "../../../core/test/counts.js";
import { ENTRY_WORDS, PartitionTable, word } from "../../src/index/partition-table.js";

interface Key {
  readonly high: number;
  readonly low: number;
  readonly fingerprint: number;
}

function entryOf({ high, low, fingerprint }: Key, offset: number): Uint32Array {
  const entry = new Uint32Array(ENTRY_WORDS);
  [entry[word.hashHigh], entry[word.hashLow], entry[word.fingerprint]] = [high, low, fingerprint];
  [entry[word.offset], entry[word.slotAndSize]] = [offset, (1 << 16) | 5];
  return entry;
}

const shown = (entries: Uint32Array): string[] =>
  Array.from({ length: entries.length / ENTRY_WORDS }, (_, i) => {
    const at = i * ENTRY_WORDS;
    return [entries[at], entries[at + 1], entries[at + word.fingerprint], entries[at + word.offset]].join("/");
  });

/** Hashes at the ends of their range, close together, equal, and anywhere. */
const half = fc.oneof(
  fc.constantFrom(0, 1, 0x8000_0000, 0xffff_ffff),
  fc.nat(40),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const key = fc.record({ high: half, low: half, fingerprint: fc.nat(2) });
const step = fc.record({ key, isPut: fc.boolean() });

const byHash = (a: Key, b: Key): number => a.high - b.high || a.low - b.low;
const isWithin = ({ high, low }: Key, from: Key, to: Key): boolean =>
  byHash({ high, low, fingerprint: 0 }, from) >= 0 && byHash({ high, low, fingerprint: 0 }, to) <= 0;

describe("the table of a partition", () => {
  it("equals a plain map under any puts and removals, and gives any range of hashes in order", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), key, key, (steps, from, to) => {
        const table = new PartitionTable();
        const model = new Map<string, { key: Key; offset: number }>();
        steps.forEach(({ key: each, isPut }, offset) => {
          const name = `${each.high}/${each.low}/${each.fingerprint}`;
          const at = table.find(each.high, each.low, each.fingerprint);
          expect(at >= 0).toBe(model.has(name));
          if (at >= 0) table.removeAt(at);
          model.delete(name);
          if (!isPut) return;
          table.insert(entryOf(each, offset), 0);
          model.set(name, { key: each, offset });
        });
        expect(table.count).toBe(model.size);
        const held = [...model.values()].toSorted((a, b) => byHash(a.key, b.key));
        const expected = (of: typeof held): string[] =>
          of.map(({ key: { high, low, fingerprint }, offset }) => [high, low, fingerprint, offset].join("/"));
        // Those with one hash are in no order.
        expect(shown(table.all()).toSorted()).toEqual(expected(held).toSorted());
        const hashes = (entries: readonly string[]): string[] =>
          entries.map((each) => each.split("/").slice(0, 2).join("/"));
        expect(hashes(shown(table.all()))).toEqual(hashes(expected(held)));
        const range = held.filter(({ key: each }) => isWithin(each, from, to));
        const found = shown(table.range(from.high, from.low, to.high, to.low));
        expect(found.toSorted()).toEqual(expected(range).toSorted());
      }),
      { numRuns: count(300, 10_000) },
    );
  });

  it("takes at most 40 bytes a key, at any number of keys from 1,000 on, and finds each within a few slots", () => {
    const rng = new Rng(1);
    const table = new PartitionTable();
    let most = 0;
    for (let i = 1; i <= 20_000; i++) {
      // A partition of 256: the upper byte is the same in all.
      table.insert(entryOf({ high: 0x4200_0000 + (rng.u32() >>> 8), low: rng.u32(), fingerprint: i }, i), 0);
      if (i >= 1_000) most = Math.max(most, table.bytes / i);
    }
    expect(most).toBeLessThanOrEqual(40);
  });
});
