/** Merging gives back what is dead: space follows what is live, removed keys and dropped partitions leave nothing behind, and a full disk leaves room for it. */
import { Rng, type Batch, type StorageError } from "@kvorum/core";
import { SimulatedDisk, type LogStorage } from "@kvorum/store";
import { beforeEach, describe, expect, it } from "vitest";
import { testPrimitives } from "../../core/test/primitives.js";
import { opened, SMALL } from "./log-on.js";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const keyOf = (i: number): { partition: number; hash: bigint; key: Uint8Array } => {
  const key = bytes(`key ${i}`);
  return { partition: i % 4, hash: testPrimitives.hash64(key), key };
};
const put = (i: number, size = 100): Batch => ({ records: [{ ...keyOf(i), value: new Uint8Array(size).fill(i) }] });
const remove = (i: number): Batch => ({ records: [{ ...keyOf(i), value: undefined }] });

const applied = (storage: LogStorage, batch: Batch): Promise<StorageError | undefined> =>
  new Promise((done) => storage.apply(batch, done));

/** Writes that change nothing, until what can be merged is merged. */
async function rest(storage: LogStorage): Promise<void> {
  for (let i = 0; i < 300; i++) {
    await applied(storage, { meta: [{ name: "tick", value: bytes(`${i}`) }] });
    await new Promise(setImmediate);
  }
}

describe("space", () => {
  let disk: SimulatedDisk;
  let storage: LogStorage;

  beforeEach(async () => {
    disk = new SimulatedDisk({ rng: new Rng(1), answer: (answer) => void setImmediate(answer) });
    storage = await opened(disk);
  });

  it("stays below twice what is live, however often it is written over", async () => {
    let most = 0;
    for (let round = 0; round < 60; round++) {
      // Some keys again and again, some hardly ever: what lives and what is dead lie together.
      const keys = Array.from({ length: 200 }, (_, i) => i).filter(
        (i) => round === 0 || (i * 7 + round) % (3 + (i % 9)) === 0,
      );
      for (let from = 0; from < keys.length; from += 8) {
        await Promise.all(keys.slice(from, from + 8).map((i) => applied(storage, put(i))));
        // Every step of this disk takes a turn, and a merge of small segments takes many: writes come as they do, not as fast as can be.
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      }
      const { diskBytes, liveBytes } = storage.stats();
      if (round > 2) most = Math.max(most, (diskBytes - 4 * SMALL.segmentBytes) / liveBytes);
    }
    await rest(storage);
    const { diskBytes, liveBytes, merges } = storage.stats();
    expect(merges).toBeGreaterThan(5);
    expect(most).toBeLessThan(2);
    expect(diskBytes - 2 * SMALL.segmentBytes).toBeLessThan(liveBytes * 2);
    expect(disk.usedBytes).toBeLessThan(diskBytes * 2);
  });

  it("stays below twice what is live while writes come as fast as they can, and none waits for ever", async () => {
    await new Promise<void>((done) => storage.close(done));
    storage = await opened(disk, { segmentBytes: 32 * 1024 });
    // A segment takes some fifteen groups, and making one takes as long as ten: on real disks both are shares of a hundredth.
    const [KEYS, WRITERS] = [1_000, 12];
    const rng = new Rng(2);
    for (let i = 0; i < KEYS; i++) await applied(storage, put(i));
    let [most, written] = [0, 0];
    const writer = async (): Promise<void> => {
      while (written++ < 12_000) {
        expect(await applied(storage, put(rng.below(KEYS)))).toBe(undefined);
        most = Math.max(most, disk.usedBytes / storage.stats().liveBytes);
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
    expect(storage.stats().merges).toBeGreaterThan(30);
    expect(most).toBeLessThan(2);
  });

  it("comes back from removed keys and from dropped partitions, and what they removed stays removed", async () => {
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 200 }, (_, i) => applied(storage, put(i))));
    }
    await Promise.all(Array.from({ length: 100 }, (_, i) => applied(storage, remove(i))));
    await applied(storage, { drops: [0, 1] });
    await rest(storage);
    await applied(storage, { drops: [2, 3] });
    await rest(storage);
    const { diskBytes, liveBytes, keys } = storage.stats();
    expect([keys, liveBytes < 500]).toEqual([0, true]);
    expect(diskBytes).toBeLessThan(4 * SMALL.segmentBytes);
    await new Promise<void>((done) => storage.close(done));
    storage = await opened(disk);
    expect(storage.stats().keys).toBe(0);
  });

  it("is kept free for merging on a full disk, which then takes writes again", async () => {
    await new Promise<void>((done) => storage.close(done));
    disk.capacity = 40 * SMALL.segmentBytes;
    storage = await opened(disk, { reserveBytes: 6 * SMALL.segmentBytes });
    const errors = new Set<StorageError | undefined>();
    let held = 0;
    for (let i = 0; i < 3_000 && !errors.has("full"); i++) {
      const error = await applied(storage, put(i));
      errors.add(error);
      if (error === undefined) held = i;
    }
    expect(errors).toEqual(new Set<StorageError | undefined>([undefined, "full"]));
    // Reads go on, and so does what makes room.
    await new Promise<void>((done) => storage.get(keyOf(0), (outcome) => (expect(outcome.kind).toBe("found"), done())));
    for (let i = 0; i < held * 0.7; i++) expect(await applied(storage, remove(i))).toBe(undefined);
    await rest(storage);
    expect(await applied(storage, put(1))).toBe(undefined);
    expect(disk.usedBytes).toBeLessThan(disk.capacity * 0.6);
  });
});
