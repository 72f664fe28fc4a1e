/** The contract of a storage as a whole: it equals a plain map under whatever is done to it. */
import { HASH_MAX, type IndexMarks, type StorageError } from "@kvorum/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { count } from "../../../core/test/counts.js";
import { type Held, bytes, index, read, record, scan, scanMeta, settled } from "./asking.js";

export function equalsAMap(held: Held): void {
  it("equals a plain map under random batches, flushes and reopenings", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const model = new Map<string, string>();
        const facts = new Map<string, string>();
        // The place is shared by the runs: each begins with what the one before left.
        for (let p = 0; p < 3; p++) for (const line of await scan(held.storage, p)) learn(model, p, line);
        for (const line of await scanMeta(held.storage, "")) facts.set(...halves(line));
        const flights: Promise<StorageError | undefined>[] = [];
        for (const { kind, drop, writes } of steps) {
          if (kind === "reopen") await held.reopen();
          if (kind === "settle") await Promise.all(flights);
          if (kind === "turn") await new Promise(setImmediate);
          const dropped = drop === undefined ? [] : [...model.keys()].filter((name) => name.startsWith(`${drop} `));
          for (const address of dropped) model.delete(address);
          for (const { partition, hash, key, value } of writes) {
            const address = `${partition} ${hash}/${key}`;
            if (value === undefined) model.delete(address);
            else model.set(address, value);
            if (value === undefined) facts.delete(key);
            else facts.set(key, value);
          }
          const records = writes.map((w) => ({ ...record(w.partition, w.hash, w.key, w.value), ...marks(w.value) }));
          const meta = writes.map((w) => ({
            name: w.key,
            value: w.value === undefined ? undefined : bytes(w.value),
          }));
          flights.push(settled(held.storage, { drops: drop === undefined ? [] : [drop], records, meta }));
          for (const write of writes) {
            const kept = model.get(`${write.partition} ${write.hash}/${write.key}`);
            const expected = kept === undefined ? "absent" : `=${kept}`;
            expect(await read(held.storage, write.partition, write.hash, write.key)).toBe(expected);
          }
          for (let p = 0; p < 3; p++) {
            const seen = new Map<string, string>();
            for (const line of await scan(held.storage, p)) learn(seen, p, line);
            const marks = [...seen].map(([address, value]) => `${address.split(/[ /]/)[1]} ${marksOf(value)}`);
            expect((await index(held.storage, p)).sort()).toEqual(marks.sort());
            const mine = [...model].filter(([address]) => address.startsWith(`${p} `));
            expect(new Map(mine)).toEqual(seen);
          }
          expect(new Map((await scanMeta(held.storage, "")).map(halves))).toEqual(facts);
        }
        expect(await Promise.all(flights)).toEqual(flights.map(() => undefined));
      }),
      { numRuns: count(20, 500) },
    );
  });
}

const write = fc.record({
  partition: fc.nat(2),
  hash: fc.constantFrom(0n, 1n, 0xffn, 0x100n, HASH_MAX - 1n, HASH_MAX),
  key: fc.constantFrom("a", "b", "ab", "__proto__"),
  value: fc.option(fc.stringMatching(/^[a-z]{0,3}$/), { nil: undefined }),
});

const step = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant("apply") },
    { weight: 3, arbitrary: fc.constant("turn") },
    { weight: 3, arbitrary: fc.constant("settle") },
    { weight: 1, arbitrary: fc.constant("reopen") },
  ),
  drop: fc.option(fc.nat(2), { nil: undefined, freq: 8 }),
  writes: fc.array(write, { maxLength: 6 }),
});

/** What the tests say of a value to the index; something that depends on it. */
function marks(value: string | undefined): IndexMarks {
  const text = value ?? "";
  return { digest: BigInt(text.length * 1_000), mark: text.charCodeAt(0) || 0, tag: 60_000 + text.length };
}

function marksOf(value: string): string {
  const { digest, mark, tag } = marks(value);
  return `${digest} ${mark} ${tag}`;
}

/** `address=value` in two. */
function halves(line: string): [string, string] {
  const at = line.indexOf("=");
  return [line.slice(0, at), line.slice(at + 1)];
}

function learn(model: Map<string, string>, partition: number, line: string): void {
  const [address, value] = halves(line);
  model.set(`${partition} ${address}`, value);
}
