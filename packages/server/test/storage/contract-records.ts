/** The contract of a storage on its records and its facts: addresses, values of all sizes, and lists of names. */
import { HASH_MAX, type RecordWrite, type StoredRecord } from "@kvorum/core";
import { describe, expect, it } from "vitest";
import { type Held, bytes, outcome, put, read, readMeta, record, scan, scanMeta, settled, text } from "./asking.js";

export function recordsAndFacts(held: Held): void {
  describe("records", () => {
    it("gives back what was put, and nothing under any other address", async () => {
      await put(held.storage, record(7, 5n, "b/k", "v"));
      expect(await read(held.storage, 7, 5n, "b/k")).toBe("=v");
      expect(await read(held.storage, 8, 5n, "b/k")).toBe("absent");
      expect(await read(held.storage, 7, 6n, "b/k")).toBe("absent");
      expect(await read(held.storage, 7, 5n, "b/")).toBe("absent");
      expect(await read(held.storage, 7, 5n, "b/k\0")).toBe("absent");
    });

    it("replaces and removes", async () => {
      await put(held.storage, record(1, 1n, "k", "old"));
      await put(held.storage, record(1, 1n, "k", "new"));
      expect(await read(held.storage, 1, 1n, "k")).toBe("=new");
      await put(held.storage, record(1, 1n, "k", undefined));
      expect(await read(held.storage, 1, 1n, "k")).toBe("absent");
      expect(await put(held.storage, record(1, 1n, "k", undefined))).toBe(undefined);
      expect(await scan(held.storage, 1)).toEqual([]);
    });

    it("takes of several writes to one key in one batch the last", async () => {
      await put(
        held.storage,
        record(1, 1n, "k", "1"),
        record(1, 1n, "k", "2"),
        record(1, 1n, "j", "3"),
        record(1, 1n, "j", undefined),
      );
      expect(await scan(held.storage, 1)).toEqual(["1/k=2"]);
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
      await settled(held.storage, { records });
      for (const again of [false, true]) {
        if (again) await held.reopen();
        for (const { value, ...key } of records) {
          const found = await outcome(held.storage, key);
          expect(found.kind === "found" && Buffer.compare(found.value, value as Uint8Array)).toBe(0);
        }
        const seen: StoredRecord[] = [];
        await new Promise<void>((done) =>
          held.storage.scan(
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
      await put(held.storage, record(1, 1n, "a", "first"), record(1, 2n, "b", "other"));
      const found = await outcome(held.storage, { partition: 1, hash: 1n, key: bytes("a") });
      const scanned: StoredRecord[] = [];
      await new Promise<void>((done) =>
        held.storage.scan(
          1,
          0n,
          9n,
          (seen) => scanned.push(seen) > 0,
          () => done(),
        ),
      );
      await read(held.storage, 1, 2n, "b");
      await put(held.storage, record(1, 1n, "a", "xxxxx"));
      await read(held.storage, 1, 1n, "a");
      expect(found.kind === "found" && text(found.value)).toBe("first");
      expect(scanned.map((seen) => text(seen.key) + text(seen.value))).toEqual(["afirst", "bother"]);
    });

    it("takes values and keys that are slices of larger buffers", async () => {
      const slab = bytes("....keyvalue....");
      await settled(held.storage, {
        records: [{ partition: 1, hash: 1n, key: slab.subarray(4, 7), value: slab.subarray(7, 12) }],
      });
      expect(await scan(held.storage, 1)).toEqual(["1/key=value"]);
    });
  });

  describe("facts", () => {
    it("gives back, replaces, removes and lists them by prefix, ordered by name", async () => {
      const meta = ["b", "a/2", "a/10", "a", "ab", "a/"].map((fact) => ({ name: fact, value: bytes(fact) }));
      await settled(held.storage, { meta });
      expect(await scanMeta(held.storage, "a/")).toEqual(["a/=a/", "a/10=a/10", "a/2=a/2"]);
      await settled(held.storage, {
        meta: [
          { name: "a/2", value: bytes("new") },
          { name: "a/", value: undefined },
        ],
      });
      expect(await scanMeta(held.storage, "a/")).toEqual(["a/10=a/10", "a/2=new"]);
      expect(await scanMeta(held.storage, "")).toEqual(["a=a", "a/10=a/10", "a/2=new", "ab=ab", "b=b"]);
      expect(await readMeta(held.storage, "a/2")).toBe("=new");
      expect(await readMeta(held.storage, "a/")).toBe("absent");
      expect(await scanMeta(held.storage, "c")).toEqual([]);
    });

    it("keeps them apart from records, and takes any name as one", async () => {
      await settled(held.storage, {
        records: [record(0, 0n, "__proto__", "record")],
        meta: [{ name: "__proto__", value: bytes("fact") }],
      });
      expect(await readMeta(held.storage, "__proto__")).toBe("=fact");
      expect(await read(held.storage, 0, 0n, "__proto__")).toBe("=record");
      expect(await readMeta(held.storage, "constructor")).toBe("absent");
    });
  });
}
