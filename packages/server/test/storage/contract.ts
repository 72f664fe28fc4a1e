/** What every storage must do, as one suite that is run on each of them: the sentences of packages/core/src/ports/storage.ts. */
import {
  type Batch,
  HASH_MAX,
  type IndexEntry,
  type IndexMarks,
  type ReadOutcome,
  type RecordKey,
  type RecordWrite,
  type Storage,
  type StorageError,
  type StoredRecord,
} from "@kvorum/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { count } from "../../../core/test/counts.js";

/** A place where a storage keeps its data: `open` again after a close finds it. */
export interface StoragePlace {
  open(): Promise<Storage>;
  remove(): Promise<void>;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytes = (latin1: string): Uint8Array => new Uint8Array(Buffer.from(latin1, "latin1"));

const record = (partition: number, hash: bigint, key: string, value: string | undefined): RecordWrite => ({
  partition,
  hash,
  key: bytes(key),
  value: value === undefined ? undefined : bytes(value),
});

/** Resolves with the error of the batch once it has settled. */
const settled = (storage: Storage, batch: Batch): Promise<StorageError | undefined> =>
  new Promise((resolve) => storage.apply(batch, resolve));

const put = (storage: Storage, ...records: RecordWrite[]): Promise<StorageError | undefined> =>
  settled(storage, { records });

const outcome = (storage: Storage, key: RecordKey): Promise<ReadOutcome> =>
  new Promise((resolve) => storage.get(key, resolve));

const shown = (found: ReadOutcome): string => (found.kind === "found" ? `=${text(found.value)}` : found.kind);

/** The value as text, or the outcome that is not a value. A glance, where there is one, says the same. */
async function read(storage: Storage, partition: number, hash: bigint, key: string): Promise<string> {
  const address = { partition, hash, key: bytes(key) };
  const said = shown(await outcome(storage, address));
  if (storage.glance !== undefined) {
    // What is lent is good within the call.
    expect(await new Promise((resolve) => storage.glance?.(address, (found) => resolve(shown(found))))).toBe(said);
  }
  return said;
}

const readMeta = (storage: Storage, name: string): Promise<string> =>
  new Promise((resolve) =>
    storage.getMeta(name, (found) => resolve(found.kind === "found" ? `=${text(found.value)}` : found.kind)),
  );

function scan(
  storage: Storage,
  partition: number,
  from = 0n,
  to = HASH_MAX,
  visit: (record: StoredRecord) => boolean = () => true,
): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) =>
    storage.scan(
      partition,
      from,
      to,
      (found) => {
        expect(found.partition).toBe(partition);
        seen.push(`${found.hash}/${text(found.key)}=${text(found.value)}`);
        return visit(found);
      },
      ({ damaged }) => {
        expect(damaged).toBe(0);
        resolve(seen);
      },
    ),
  );
}

/** What the index says, as `hash digest mark tag`. */
function index(
  storage: Storage,
  partition: number,
  from = 0n,
  to = HASH_MAX,
  visit: (entry: IndexEntry) => boolean = () => true,
): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) =>
    storage.scanIndex(
      partition,
      from,
      to,
      (entry) => {
        seen.push(`${entry.hash} ${entry.digest} ${entry.mark} ${entry.tag}`);
        return visit(entry);
      },
      ({ damaged }) => {
        expect(damaged).toBe(0);
        resolve(seen);
      },
    ),
  );
}

function scanMeta(storage: Storage, prefix: string): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) =>
    storage.scanMeta(
      prefix,
      (name, value) => seen.push(`${name}=${text(value)}`),
      () => resolve(seen),
    ),
  );
}

const close = (storage: Storage): Promise<void> => new Promise((resolve) => storage.close(resolve));

export function storageContract(name: string, make: () => Promise<StoragePlace>): void {
  describe(`${name} as a storage`, () => {
    let place: StoragePlace;
    let storage: Storage;

    beforeEach(async () => {
      place = await make();
      storage = await place.open();
    });

    afterEach(async () => {
      await close(storage);
      await place.remove();
    });

    const reopen = async (): Promise<void> => {
      await close(storage);
      storage = await place.open();
    };

    describe("records", () => {
      it("gives back what was put, and nothing under any other address", async () => {
        await put(storage, record(7, 5n, "b/k", "v"));
        expect(await read(storage, 7, 5n, "b/k")).toBe("=v");
        expect(await read(storage, 8, 5n, "b/k")).toBe("absent");
        expect(await read(storage, 7, 6n, "b/k")).toBe("absent");
        expect(await read(storage, 7, 5n, "b/")).toBe("absent");
        expect(await read(storage, 7, 5n, "b/k\0")).toBe("absent");
      });

      it("replaces and removes", async () => {
        await put(storage, record(1, 1n, "k", "old"));
        await put(storage, record(1, 1n, "k", "new"));
        expect(await read(storage, 1, 1n, "k")).toBe("=new");
        await put(storage, record(1, 1n, "k", undefined));
        expect(await read(storage, 1, 1n, "k")).toBe("absent");
        expect(await put(storage, record(1, 1n, "k", undefined))).toBe(undefined);
        expect(await scan(storage, 1)).toEqual([]);
      });

      it("takes of several writes to one key in one batch the last", async () => {
        await put(
          storage,
          record(1, 1n, "k", "1"),
          record(1, 1n, "k", "2"),
          record(1, 1n, "j", "3"),
          record(1, 1n, "j", undefined),
        );
        expect(await scan(storage, 1)).toEqual(["1/k=2"]);
      });

      it("keeps values empty and of 1 MiB, keys of 1 and 1,089 bytes, and every byte in them", async () => {
        const every = Uint8Array.from({ length: 256 }, (_, i) => i);
        const large = new Uint8Array(1024 * 1024).map((_, i) => (i * 31) ^ (i >> 8));
        const longKey = new Uint8Array(1089).fill(0xff);
        const records: RecordWrite[] = [
          { partition: 0, hash: 0n, key: Uint8Array.of(0), value: new Uint8Array(0) },
          { partition: 0, hash: 1n, key: every, value: every },
          { partition: 65_535, hash: HASH_MAX, key: longKey, value: large },
        ];
        await settled(storage, { records });
        for (const again of [false, true]) {
          if (again) await reopen();
          for (const { value, ...key } of records) {
            const found = await outcome(storage, key);
            expect(found.kind === "found" && Buffer.compare(found.value, value as Uint8Array)).toBe(0);
          }
          const seen: StoredRecord[] = [];
          await new Promise<void>((done) =>
            storage.scan(
              65_535,
              HASH_MAX,
              HASH_MAX,
              (found) => seen.push(found) > 0,
              () => done(),
            ),
          );
          expect(seen.map((found) => [found.hash, Buffer.compare(found.key, longKey), found.value.length])).toEqual([
            [HASH_MAX, 0, large.length],
          ]);
        }
      });

      it("hands out values that later reads and writes do not change", async () => {
        await put(storage, record(1, 1n, "a", "first"), record(1, 2n, "b", "other"));
        const found = await outcome(storage, { partition: 1, hash: 1n, key: bytes("a") });
        const scanned: StoredRecord[] = [];
        await new Promise<void>((done) =>
          storage.scan(
            1,
            0n,
            9n,
            (seen) => scanned.push(seen) > 0,
            () => done(),
          ),
        );
        await read(storage, 1, 2n, "b");
        await put(storage, record(1, 1n, "a", "xxxxx"));
        await read(storage, 1, 1n, "a");
        expect(found.kind === "found" && text(found.value)).toBe("first");
        expect(scanned.map((seen) => text(seen.key) + text(seen.value))).toEqual(["afirst", "bother"]);
      });

      it("takes values and keys that are slices of larger buffers", async () => {
        const slab = bytes("....keyvalue....");
        await settled(storage, {
          records: [{ partition: 1, hash: 1n, key: slab.subarray(4, 7), value: slab.subarray(7, 12) }],
        });
        expect(await scan(storage, 1)).toEqual(["1/key=value"]);
      });
    });

    describe("scan", () => {
      const ordered = [
        record(3, 0n, "z", "0"),
        record(3, 1n, "a", "1"),
        record(3, 1n, "a\0", "2"),
        record(3, 1n, "b", "3"),
        record(3, 255n, "", "4"),
        record(3, 256n, "\xff", "5"),
        record(3, 1n << 63n, "m", "6"),
        record(3, HASH_MAX, "a", "7"),
        record(3, HASH_MAX, "\xff\xff", "8"),
      ];
      const shown = ordered.map((r) => `${r.hash}/${text(r.key)}=${text(r.value as Uint8Array)}`);

      beforeEach(async () => {
        const mixed = [5, 0, 8, 3, 1, 7, 2, 6, 4].map((i) => ordered[i] as RecordWrite);
        const around = [record(2, HASH_MAX, "\xff", "before"), record(4, 0n, "\0", "after")];
        await settled(storage, { records: [...mixed, ...around], meta: [{ name: "m", value: bytes("m") }] });
      });

      it("visits a whole partition, ordered by hash and then key, and no other partition", async () => {
        expect(await scan(storage, 3)).toEqual(shown);
        expect(await scan(storage, 5)).toEqual([]);
      });

      it("takes both ends of a range of hashes in", async () => {
        expect(await scan(storage, 3, 0n, 0n)).toEqual(shown.slice(0, 1));
        expect(await scan(storage, 3, 1n, 1n)).toEqual(shown.slice(1, 4));
        expect(await scan(storage, 3, 2n, 255n)).toEqual(shown.slice(4, 5));
        expect(await scan(storage, 3, 255n, 256n)).toEqual(shown.slice(4, 6));
        expect(await scan(storage, 3, HASH_MAX, HASH_MAX)).toEqual(shown.slice(7));
        expect(await scan(storage, 3, 257n, (1n << 63n) - 1n)).toEqual([]);
      });

      it("stops when the visitor says so, on disk and on the way there", async () => {
        let left = 3;
        expect(await scan(storage, 3, 0n, HASH_MAX, () => --left > 0)).toEqual(shown.slice(0, 3));
        const durable = put(storage, record(3, 1n, "aa", "new"));
        left = 4;
        expect(await scan(storage, 3, 0n, HASH_MAX, () => --left > 0)).toEqual([...shown.slice(0, 3), "1/aa=new"]);
        await durable;
      });

      it("sees what was applied and is not durable yet, in its place", async () => {
        const durable = put(
          storage,
          record(3, 0n, "y", "new"),
          record(3, 1n, "a", undefined),
          record(3, 1n, "b", "changed"),
          record(3, HASH_MAX, "\xff\xff\xff", "last"),
        );
        const expected = ["0/y=new", ...shown];
        expected.splice(2, 1);
        expected[3] = "1/b=changed";
        expected.push(`${HASH_MAX}/\xff\xff\xff=last`);
        expect(await scan(storage, 3)).toEqual(expected);
        await durable;
        expect(await scan(storage, 3)).toEqual(expected);
      });

      it("goes on while its visitor applies and reads", async () => {
        const writes: Promise<StorageError | undefined>[] = [];
        const seen = await scan(storage, 3, 0n, HASH_MAX, (found) => {
          storage.get(found, (again) => expect(again.kind).toBe("found"));
          writes.push(settled(storage, { records: [{ ...found, value: undefined }] }));
          return true;
        });
        expect(seen).toEqual(shown);
        await Promise.all(writes);
        expect(await scan(storage, 3)).toEqual([]);
        expect(await scan(storage, 4)).toEqual(["0/\0=after"]);
      });
    });

    describe("the index", () => {
      const marked = (hash: bigint, key: string, digest: bigint, mark: number, tag: number): RecordWrite => ({
        ...record(3, hash, key, `value of ${key}`),
        ...{ digest, mark, tag },
      });

      it("has of each record the hash and what was said of it, in order, and both of two keys with one hash", async () => {
        const written = put(
          storage,
          marked(HASH_MAX, "last", HASH_MAX, 255, 65_535),
          marked(5n, "a", 1n, 1, 2),
          marked(5n, "b", 2n, 0, 2),
          record(3, 0n, "says nothing", "v"),
          marked(1n << 63n, "m", 1n << 63n, 128, 32_768),
        );
        const expected = ["0 0 0 0", "5 1 1 2", "5 2 0 2", `${1n << 63n} ${1n << 63n} 128 32768`];
        for (const state of ["applied", "durable", "opened again"]) {
          if (state === "durable") await written;
          if (state === "opened again") await reopen();
          const seen = await index(storage, 3);
          // Keys with one hash are in no promised order: the index need not know their names.
          expect([...seen.slice(0, 1), ...seen.slice(1, 3).sort(), ...seen.slice(3)]).toEqual([
            ...expected,
            `${HASH_MAX} ${HASH_MAX} 255 65535`,
          ]);
          expect(await index(storage, 2)).toEqual([]);
          expect((await index(storage, 3, 5n, 5n)).length).toBe(2);
          expect(await index(storage, 3, 6n, (1n << 63n) - 1n)).toEqual([]);
          expect((await index(storage, 3, 6n, HASH_MAX)).length).toBe(2);
        }
      });

      it("follows what is replaced, removed and said anew of the same value", async () => {
        await put(storage, marked(1n, "a", 1n, 1, 1), marked(2n, "b", 1n, 1, 1), marked(3n, "c", 1n, 1, 1));
        await put(storage, marked(1n, "a", 9n, 0, 1), { ...record(3, 2n, "b", undefined), digest: 7n });
        expect(await index(storage, 3)).toEqual(["1 9 0 1", "3 1 1 1"]);
        await put(storage, record(3, 3n, "c", "no more to be said"));
        expect(await index(storage, 3)).toEqual(["1 9 0 1", "3 0 0 0"]);
        await reopen();
        expect(await index(storage, 3)).toEqual(["1 9 0 1", "3 0 0 0"]);
      });

      it("stops when the visitor says so", async () => {
        await put(storage, marked(1n, "a", 1n, 1, 1), marked(2n, "b", 1n, 1, 1), marked(3n, "c", 1n, 1, 1));
        expect((await index(storage, 3, 0n, HASH_MAX, ({ hash }) => hash < 2n)).length).toBe(2);
      });
    });

    describe("a partition that is dropped", () => {
      it("takes all its records along, also those on their way to the disk, and no others", async () => {
        await put(storage, record(2, HASH_MAX, "k", "v"), record(3, 0n, "k", "v"), record(4, 0n, "k", "v"));
        const durable = put(storage, record(3, HASH_MAX, "\xff\xff", "v"), record(3, 7n, "k", "v"));
        const dropped = settled(storage, { drops: [3, 9], meta: [{ name: "m", value: bytes("f") }] });
        expect([await scan(storage, 3), await index(storage, 3)]).toEqual([[], []]);
        expect(await read(storage, 3, 0n, "k")).toBe("absent");
        await Promise.all([durable, dropped]);
        for (const again of [false, true]) {
          if (again) await reopen();
          expect([await scan(storage, 3), await index(storage, 3), await scan(storage, 9)]).toEqual([[], [], []]);
          expect([await read(storage, 2, HASH_MAX, "k"), await read(storage, 4, 0n, "k")]).toEqual(["=v", "=v"]);
          expect(await readMeta(storage, "m")).toBe("=f");
        }
      });

      it("takes the records of its own batch and of later ones", async () => {
        await put(storage, record(3, 1n, "old", "v"), record(3, 2n, "both", "old"));
        const dropped = settled(storage, { drops: [3], records: [record(3, 2n, "both", "new")] });
        const later = put(storage, record(3, 3n, "later", "v"));
        expect(await scan(storage, 3)).toEqual(["2/both=new", "3/later=v"]);
        await Promise.all([dropped, later]);
        await reopen();
        expect(await scan(storage, 3)).toEqual(["2/both=new", "3/later=v"]);
      });
    });

    describe("facts", () => {
      it("gives back, replaces, removes and lists them by prefix, ordered by name", async () => {
        const meta = ["b", "a/2", "a/10", "a", "ab", "a/"].map((fact) => ({ name: fact, value: bytes(fact) }));
        await settled(storage, { meta });
        expect(await scanMeta(storage, "a/")).toEqual(["a/=a/", "a/10=a/10", "a/2=a/2"]);
        await settled(storage, {
          meta: [
            { name: "a/2", value: bytes("new") },
            { name: "a/", value: undefined },
          ],
        });
        expect(await scanMeta(storage, "a/")).toEqual(["a/10=a/10", "a/2=new"]);
        expect(await scanMeta(storage, "")).toEqual(["a=a", "a/10=a/10", "a/2=new", "ab=ab", "b=b"]);
        expect(await readMeta(storage, "a/2")).toBe("=new");
        expect(await readMeta(storage, "a/")).toBe("absent");
        expect(await scanMeta(storage, "c")).toEqual([]);
      });

      it("keeps them apart from records, and takes any name as one", async () => {
        await settled(storage, {
          records: [record(0, 0n, "__proto__", "record")],
          meta: [{ name: "__proto__", value: bytes("fact") }],
        });
        expect(await readMeta(storage, "__proto__")).toBe("=fact");
        expect(await read(storage, 0, 0n, "__proto__")).toBe("=record");
        expect(await readMeta(storage, "constructor")).toBe("absent");
      });
    });

    describe("durability", () => {
      it("shows a batch, records and facts, as soon as apply returns and before it is durable", async () => {
        let durable = false;
        const batch = { records: [record(1, 1n, "k", "v")], meta: [{ name: "m", value: bytes("f") }] };
        const done = settled(storage, batch).then(() => (durable = true));
        expect([await read(storage, 1, 1n, "k"), await readMeta(storage, "m"), durable]).toEqual(["=v", "=f", false]);
        await done;
        expect([await read(storage, 1, 1n, "k"), await readMeta(storage, "m")]).toEqual(["=v", "=f"]);
      });

      it("never says durable before apply has returned", async () => {
        for (let i = 0; i < 20; i++) {
          let returned = false;
          await new Promise<void>((resolve) => {
            storage.apply({ records: [record(1, BigInt(i), "k", "v")] }, () => {
              expect(returned).toBe(true);
              resolve();
            });
            returned = true;
          });
        }
      });

      it("makes batches durable in the order they were applied, the empty one too", async () => {
        const order: number[] = [];
        const all: Promise<unknown>[] = [];
        for (let i = 0; i < 100; i++) {
          const batch = i % 7 === 0 ? {} : { records: [record(1, BigInt(i % 10), "k", `${i}`)] };
          all.push(settled(storage, batch).then(() => order.push(i)));
          // Some in the same turn, some while a flush is under way.
          if (i % 9 === 0) await new Promise(setImmediate);
          if (i % 33 === 0) await Promise.all(all);
        }
        await Promise.all(all);
        expect(order).toEqual([...order].sort((a, b) => a - b));
        expect(order.length).toBe(100);
      });

      it("takes new batches from the callback of an old one", async () => {
        await new Promise<void>((resolve) => {
          let left = 20;
          const next = (): void => {
            if (left-- === 0) resolve();
            else storage.apply({ records: [record(1, BigInt(left), "k", "v")] }, next);
          };
          next();
        });
        expect((await scan(storage, 1)).length).toBe(20);
      });

      it("loses nothing over a close, which waits for what was applied", async () => {
        const errors: (StorageError | undefined)[] = [];
        for (let i = 0; i < 50; i++) {
          storage.apply(
            { records: [record(i % 3, BigInt(i), "k", `${i}`)], meta: [{ name: `m${i}`, value: bytes(`${i}`) }] },
            (error) => errors.push(error),
          );
        }
        await reopen();
        expect(errors).toEqual(Array.from({ length: 50 }, () => undefined));
        for (let i = 0; i < 50; i++) {
          expect([await read(storage, i % 3, BigInt(i), "k"), await readMeta(storage, `m${i}`)]).toEqual([
            `=${i}`,
            `=${i}`,
          ]);
        }
      });

      it("refuses a batch once it is closed", async () => {
        const closing = storage;
        const closed = close(closing);
        expect(await put(closing, record(1, 1n, "k", "v"))).toBe("failed");
        await closed;
        storage = await place.open();
        expect(await read(storage, 1, 1n, "k")).toBe("absent");
      });
    });

    it("equals a plain map under random batches, flushes and reopenings", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const model = new Map<string, string>();
          const facts = new Map<string, string>();
          // The place is shared by the runs: each begins with what the one before left.
          for (let p = 0; p < 3; p++) for (const line of await scan(storage, p)) learn(model, p, line);
          for (const line of await scanMeta(storage, "")) facts.set(...halves(line));
          const flights: Promise<StorageError | undefined>[] = [];
          for (const { kind, drop, writes } of steps) {
            if (kind === "reopen") await reopen();
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
            flights.push(settled(storage, { drops: drop === undefined ? [] : [drop], records, meta }));
            for (const write of writes) {
              const held = model.get(`${write.partition} ${write.hash}/${write.key}`);
              const expected = held === undefined ? "absent" : `=${held}`;
              expect(await read(storage, write.partition, write.hash, write.key)).toBe(expected);
            }
            for (let p = 0; p < 3; p++) {
              const seen = new Map<string, string>();
              for (const line of await scan(storage, p)) learn(seen, p, line);
              const marks = [...seen].map(([address, held]) => `${address.split(/[ /]/)[1]} ${marksOf(held)}`);
              expect((await index(storage, p)).sort()).toEqual(marks.sort());
              const mine = [...model].filter(([address]) => address.startsWith(`${p} `));
              expect(new Map(mine)).toEqual(seen);
            }
            expect(new Map((await scanMeta(storage, "")).map(halves))).toEqual(facts);
          }
          expect(await Promise.all(flights)).toEqual(flights.map(() => undefined));
        }),
        { numRuns: count(20, 500) },
      );
    });
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
