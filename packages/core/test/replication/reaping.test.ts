/** One owner's batch of dead records on its way out: whatever any owner says against it stops it (DESIGN §4). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reapSteps, reapWords, type ReapWord } from "../../src/base/reap-words.js";
import { ReapBatch, type DeadRecord } from "../../src/replication/reaping.js";
import { count } from "../counts.js";

const owners = ["a", "b", "c"];
const record = (n: number): DeadRecord => ({ id: Uint8Array.of(n), hash: BigInt(n), digest: 7n, sinceMs: n });
const good: Readonly<Record<(typeof reapSteps)[number], readonly ReapWord[]>> = {
  ask: ["same", "marked", "gone"],
  mark: ["marked", "gone"],
  remove: ["gone"],
};

describe("a batch of dead records", () => {
  it("keeps those that all owners agree to, each by its own place", () => {
    const word = fc.option(fc.constantFrom(...reapWords), { nil: undefined });
    fc.assert(
      fc.property(
        fc.constantFrom(...reapSteps),
        fc.array(fc.tuple(word, word, word), { maxLength: 6 }),
        (step, table) => {
          const batch = new ReapBatch(
            1,
            0,
            owners,
            new Set(),
            table.map((_, at) => record(at)),
          );
          // An owner that gives fewer words than it was asked for has said nothing of the rest.
          const said = new Map(
            owners.map((owner, column) => {
              const words = table.map((row) => row[column]);
              const end = words.indexOf(undefined);
              return [owner, (end < 0 ? words : words.slice(0, end)) as readonly ReapWord[]] as const;
            }),
          );
          const stopped = batch.take(step, said);
          const passes = table.map((_, at) =>
            owners.every((owner) => good[step].includes(said.get(owner)?.[at] as ReapWord)),
          );
          expect(batch.records.map(({ sinceMs }) => passes[sinceMs])).toEqual(batch.records.map(() => true));
          expect(batch.records.length + stopped.length).toBe(table.length);
          expect(stopped.map(({ record: { sinceMs } }) => passes[sinceMs])).toEqual(stopped.map(() => false));
        },
      ),
      { numRuns: count(500, 20_000) },
    );
  });

  it("says for whom a record waits", () => {
    const batch = new ReapBatch(1, 0, owners, new Set(["a"]), [1, 2, 3, 4, 5].map(record));
    const stopped = batch.take(
      "ask",
      new Map<string, readonly ReapWord[] | undefined>([
        ["a", ["gone", "same", "gone", "gone", "gone"]],
        ["b", ["same", "same", "differs", "unsure", "same"]],
        ["c", ["same", "same", "same", "same"]],
      ]),
    );
    expect(stopped.map(({ record: { sinceMs }, wait }) => [sinceMs, wait.owner, wait.reason])).toEqual([
      [2, "a", "earlier-owner"],
      [3, "b", "owner-differs"],
      [4, "b", "owner-unsure"],
      [5, "c", "owner-away"],
    ]);
    expect(batch.records.map(({ sinceMs }) => sinceMs)).toEqual([1]);
  });
});
