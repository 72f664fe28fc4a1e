/** The contract of a storage on time: what is seen before it is durable, in which order it becomes so, and what a close waits for. */
import { type StorageError } from "@kvorum/core";
import { describe, expect, it } from "vitest";
import { type Held, bytes, close, put, read, readMeta, record, scan, settled } from "./asking.js";

export function durability(held: Held): void {
  describe("durability", () => {
    it("shows a batch, records and facts, as soon as apply returns and before it is durable", async () => {
      let durable = false;
      const batch = { records: [record(1, 1n, "k", "v")], meta: [{ name: "m", value: bytes("f") }] };
      const done = settled(held.storage, batch).then(() => (durable = true));
      expect([await read(held.storage, 1, 1n, "k"), await readMeta(held.storage, "m"), durable]).toEqual([
        "=v",
        "=f",
        false,
      ]);
      await done;
      expect([await read(held.storage, 1, 1n, "k"), await readMeta(held.storage, "m")]).toEqual(["=v", "=f"]);
    });

    it("never says durable before apply has returned", async () => {
      for (let i = 0; i < 20; i++) {
        let returned = false;
        await new Promise<void>((resolve) => {
          held.storage.apply({ records: [record(1, BigInt(i), "k", "v")] }, () => {
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
        all.push(settled(held.storage, batch).then(() => order.push(i)));
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
          else held.storage.apply({ records: [record(1, BigInt(left), "k", "v")] }, next);
        };
        next();
      });
      expect((await scan(held.storage, 1)).length).toBe(20);
    });

    it("loses nothing over a close, which waits for what was applied", async () => {
      const errors: (StorageError | undefined)[] = [];
      for (let i = 0; i < 50; i++) {
        held.storage.apply(
          { records: [record(i % 3, BigInt(i), "k", `${i}`)], meta: [{ name: `m${i}`, value: bytes(`${i}`) }] },
          (error) => errors.push(error),
        );
      }
      await held.reopen();
      expect(errors).toEqual(Array.from({ length: 50 }, () => undefined));
      for (let i = 0; i < 50; i++) {
        expect([await read(held.storage, i % 3, BigInt(i), "k"), await readMeta(held.storage, `m${i}`)]).toEqual([
          `=${i}`,
          `=${i}`,
        ]);
      }
    });

    it("refuses a batch once it is closed", async () => {
      const closing = held.storage;
      const closed = close(closing);
      expect(await put(closing, record(1, 1n, "k", "v"))).toBe("failed");
      await closed;
      await held.open();
      expect(await read(held.storage, 1, 1n, "k")).toBe("absent");
    });
  });
}
