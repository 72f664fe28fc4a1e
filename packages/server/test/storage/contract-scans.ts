/** The contract of a storage on what is visited in order: records, index, and partitions that are dropped under it. */
import { HASH_MAX, type RecordWrite, type StorageError } from "@kvorum/core";
import { beforeEach, describe, expect, it } from "vitest";
import { type Held, bytes, index, put, read, readMeta, record, scan, settled, text } from "./asking.js";

export function scans(held: Held): void {
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
      await settled(held.storage, { records: [...mixed, ...around], meta: [{ name: "m", value: bytes("m") }] });
    });

    it("visits a whole partition, ordered by hash and then key, and no other partition", async () => {
      expect(await scan(held.storage, 3)).toEqual(shown);
      expect(await scan(held.storage, 5)).toEqual([]);
    });

    it("takes both ends of a range of hashes in", async () => {
      expect(await scan(held.storage, 3, 0n, 0n)).toEqual(shown.slice(0, 1));
      expect(await scan(held.storage, 3, 1n, 1n)).toEqual(shown.slice(1, 4));
      expect(await scan(held.storage, 3, 2n, 255n)).toEqual(shown.slice(4, 5));
      expect(await scan(held.storage, 3, 255n, 256n)).toEqual(shown.slice(4, 6));
      expect(await scan(held.storage, 3, HASH_MAX, HASH_MAX)).toEqual(shown.slice(7));
      expect(await scan(held.storage, 3, 257n, (1n << 63n) - 1n)).toEqual([]);
    });

    it("stops when the visitor says so, on disk and on the way there", async () => {
      let left = 3;
      expect(await scan(held.storage, 3, 0n, HASH_MAX, () => --left > 0)).toEqual(shown.slice(0, 3));
      const durable = put(held.storage, record(3, 1n, "aa", "new"));
      left = 4;
      expect(await scan(held.storage, 3, 0n, HASH_MAX, () => --left > 0)).toEqual([...shown.slice(0, 3), "1/aa=new"]);
      await durable;
    });

    it("sees what was applied and is not durable yet, in its place", async () => {
      const durable = put(
        held.storage,
        record(3, 0n, "y", "new"),
        record(3, 1n, "a", undefined),
        record(3, 1n, "b", "changed"),
        record(3, HASH_MAX, "\xff\xff\xff", "last"),
      );
      const expected = ["0/y=new", ...shown];
      expected.splice(2, 1);
      expected[3] = "1/b=changed";
      expected.push(`${HASH_MAX}/\xff\xff\xff=last`);
      expect(await scan(held.storage, 3)).toEqual(expected);
      await durable;
      expect(await scan(held.storage, 3)).toEqual(expected);
    });

    it("goes on while its visitor applies and reads", async () => {
      const writes: Promise<StorageError | undefined>[] = [];
      const seen = await scan(held.storage, 3, 0n, HASH_MAX, (found) => {
        held.storage.get(found, (again) => expect(again.kind).toBe("found"));
        writes.push(settled(held.storage, { records: [{ ...found, value: undefined }] }));
        return true;
      });
      expect(seen).toEqual(shown);
      await Promise.all(writes);
      expect(await scan(held.storage, 3)).toEqual([]);
      expect(await scan(held.storage, 4)).toEqual(["0/\0=after"]);
    });
  });

  describe("the index", () => {
    const marked = (hash: bigint, key: string, digest: bigint, mark: number, tag: number): RecordWrite => ({
      ...record(3, hash, key, `value of ${key}`),
      ...{ digest, mark, tag },
    });

    it("has of each record the hash and what was said of it, in order, and both of two keys with one hash", async () => {
      const written = put(
        held.storage,
        marked(HASH_MAX, "last", HASH_MAX, 255, 65_535),
        marked(5n, "a", 1n, 1, 2),
        marked(5n, "b", 2n, 0, 2),
        record(3, 0n, "says nothing", "v"),
        marked(1n << 63n, "m", 1n << 63n, 128, 32_768),
      );
      const expected = ["0 0 0 0", "5 1 1 2", "5 2 0 2", `${1n << 63n} ${1n << 63n} 128 32768`];
      for (const state of ["applied", "durable", "opened again"]) {
        if (state === "durable") await written;
        if (state === "opened again") await held.reopen();
        const seen = await index(held.storage, 3);
        // Keys with one hash are in no promised order: the index need not know their names.
        expect([...seen.slice(0, 1), ...seen.slice(1, 3).sort(), ...seen.slice(3)]).toEqual([
          ...expected,
          `${HASH_MAX} ${HASH_MAX} 255 65535`,
        ]);
        expect(await index(held.storage, 2)).toEqual([]);
        expect((await index(held.storage, 3, 5n, 5n)).length).toBe(2);
        expect(await index(held.storage, 3, 6n, (1n << 63n) - 1n)).toEqual([]);
        expect((await index(held.storage, 3, 6n, HASH_MAX)).length).toBe(2);
      }
    });

    it("follows what is replaced, removed and said anew of the same value", async () => {
      await put(held.storage, marked(1n, "a", 1n, 1, 1), marked(2n, "b", 1n, 1, 1), marked(3n, "c", 1n, 1, 1));
      await put(held.storage, marked(1n, "a", 9n, 0, 1), { ...record(3, 2n, "b", undefined), digest: 7n });
      expect(await index(held.storage, 3)).toEqual(["1 9 0 1", "3 1 1 1"]);
      await put(held.storage, record(3, 3n, "c", "no more to be said"));
      expect(await index(held.storage, 3)).toEqual(["1 9 0 1", "3 0 0 0"]);
      await held.reopen();
      expect(await index(held.storage, 3)).toEqual(["1 9 0 1", "3 0 0 0"]);
    });

    it("stops when the visitor says so", async () => {
      await put(held.storage, marked(1n, "a", 1n, 1, 1), marked(2n, "b", 1n, 1, 1), marked(3n, "c", 1n, 1, 1));
      expect((await index(held.storage, 3, 0n, HASH_MAX, ({ hash }) => hash < 2n)).length).toBe(2);
    });
  });

  describe("a partition that is dropped", () => {
    it("takes all its records along, also those on their way to the disk, and no others", async () => {
      await put(held.storage, record(2, HASH_MAX, "k", "v"), record(3, 0n, "k", "v"), record(4, 0n, "k", "v"));
      const durable = put(held.storage, record(3, HASH_MAX, "\xff\xff", "v"), record(3, 7n, "k", "v"));
      const dropped = settled(held.storage, { drops: [3, 9], meta: [{ name: "m", value: bytes("f") }] });
      expect([await scan(held.storage, 3), await index(held.storage, 3)]).toEqual([[], []]);
      expect(await read(held.storage, 3, 0n, "k")).toBe("absent");
      await Promise.all([durable, dropped]);
      for (const again of [false, true]) {
        if (again) await held.reopen();
        expect([await scan(held.storage, 3), await index(held.storage, 3), await scan(held.storage, 9)]).toEqual([
          [],
          [],
          [],
        ]);
        expect([await read(held.storage, 2, HASH_MAX, "k"), await read(held.storage, 4, 0n, "k")]).toEqual([
          "=v",
          "=v",
        ]);
        expect(await readMeta(held.storage, "m")).toBe("=f");
      }
    });

    it("takes the records of its own batch and of later ones", async () => {
      await put(held.storage, record(3, 1n, "old", "v"), record(3, 2n, "both", "old"));
      const dropped = settled(held.storage, { drops: [3], records: [record(3, 2n, "both", "new")] });
      const later = put(held.storage, record(3, 3n, "later", "v"));
      expect(await scan(held.storage, 3)).toEqual(["2/both=new", "3/later=v"]);
      await Promise.all([dropped, later]);
      await held.reopen();
      expect(await scan(held.storage, 3)).toEqual(["2/both=new", "3/later=v"]);
    });
  });
}
