/**
 * Flipped bits, cut files and holes in every kind of file, at rest and while the store runs: never a wrong byte, never an older value or absence as the
 * truth, and everything that touches a live record is found (TRAPS 28; issue: "random bit flips").
 */
import { HASH_MAX, Rng, type Losses, type ReadOutcome } from "@kvorum/core";
import { checkStore, run, SimulatedDisk, type CheckReport, type LogStorage } from "@kvorum/store";
import { describe, expect, it } from "vitest";
import { count } from "../../core/test/counts.js";
import { testPrimitives } from "../../core/test/primitives.js";
import { opened } from "./log-on.js";

const KEYS = 60;
const PARTITIONS = 4;

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (value: Uint8Array): string => String.fromCharCode(...value);
const keyOf = (i: number): { partition: number; hash: bigint; key: Uint8Array } => {
  const key = bytes(`key ${i}`);
  return { partition: i % PARTITIONS, hash: testPrimitives.hash64(key), key };
};

const at = (disk: SimulatedDisk, rng: Rng): SimulatedDisk => disk.copy({ rng, answer: (run) => run() });

/** What each key and fact holds at last; written over several rounds, so that older records lie in other segments. */
async function filled(rng: Rng): Promise<{ disk: SimulatedDisk; values: string[] }> {
  const disk = new SimulatedDisk({ rng, answer: (answer) => answer() });
  const values: string[] = [];
  for (let life = 0; life < 3; life++) {
    const storage = await opened(disk, { spaceTarget: 3 });
    for (let i = 0; i < KEYS; i++) {
      if (life > 0 && rng.chance(0.4)) continue;
      values[i] = `${i} in life ${life} ${"-".repeat(rng.below(300))}`;
      const record = { ...keyOf(i), value: bytes(values[i] as string), digest: BigInt(i), mark: 1 };
      const meta = i % 10 === 0 ? [{ name: `fact ${i}`, value: bytes(values[i] as string) }] : [];
      await new Promise((done) => storage.apply({ records: [record], meta }, done));
    }
    await new Promise<void>((done) => storage.close(done));
  }
  return { disk, values };
}

type Kind = "flip" | "cut" | "hole";

/** Damages one file, somewhere. Says what it did. */
function damage(disk: SimulatedDisk, rng: Rng): string {
  const name = rng.pick(disk.names.filter((each) => (disk.bytes(each)?.length ?? 0) > 0));
  const file = disk.bytes(name) as Uint8Array;
  const kind: Kind = rng.pick(["flip", "flip", "flip", "cut", "hole"]);
  const place = rng.below(file.length);
  if (kind === "flip") file[place] = (file[place] as number) ^ (1 << rng.below(8));
  else if (kind === "cut") disk.shorten(name, place);
  else file.fill(0, place, place + 1 + rng.below(600));
  return `${kind} of ${name} at ${place} of ${file.length}`;
}

/** Half of the keys are glanced at: the same checks are made then. */
const read = (storage: LogStorage, i: number): Promise<ReadOutcome> =>
  new Promise((done) => {
    if (i % 2 === 0) return storage.get(keyOf(i), done);
    storage.glance(keyOf(i), (found) =>
      done(found.kind === "found" ? { kind: "found", value: found.value.slice() } : found),
    );
  });

const lossesOf = (storage: LogStorage): Promise<Losses> => new Promise((done) => storage.losses(done));

const checked = (disk: SimulatedDisk): Promise<CheckReport | "failed" | "empty"> =>
  new Promise((done) => run(checkStore(disk, testPrimitives), done));

/** Hashes that a scrub, which scans everything, is told to be damaged. */
async function scrubbed(storage: LogStorage): Promise<Set<bigint>> {
  const found = new Set<bigint>();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await new Promise<void>((done) =>
      storage.scan(
        partition,
        0n,
        HASH_MAX,
        () => true,
        ({ hashes = [] }) => {
          for (const hash of hashes) found.add(hash);
          done();
        },
      ),
    );
  }
  return found;
}

/** Every key holds its last value, or says that it does not know; gives the keys that do not. */
async function unknown(storage: LogStorage, values: readonly string[], losses: Losses): Promise<number[]> {
  const keys: number[] = [];
  for (const [i, value] of values.entries()) {
    const outcome = await read(storage, i);
    const isRight = outcome.kind === "found" && text(outcome.value) === value;
    if (outcome.kind === "damaged") keys.push(i);
    // Where records were lost that nobody can name, the node takes nothing that it finds for the last word.
    else if (!isRight && !losses.records) throw new Error(`key ${i} is ${outcome.kind}, not ${value}`);
    else if (outcome.kind === "found" && !/^[0-9]+ in life/.test(text(outcome.value))) throw new Error("wrong bytes");
  }
  for (const [i, value] of values.entries()) {
    if (i % 10 !== 0) continue;
    const outcome = await new Promise<ReadOutcome>((done) => storage.getMeta(`fact ${i}`, done));
    const isRight = outcome.kind === "found" && text(outcome.value) === value;
    if (!isRight && outcome.kind !== "damaged" && !losses.facts && values[i] === value) {
      // A fact is written in the same batch as its key, so it is as new.
      throw new Error(`fact ${i} is ${outcome.kind}`);
    }
  }
  return keys;
}

describe("damage", () => {
  it("at rest is never served, and check and scrub find all of it that touches a live record", async () => {
    const rng = new Rng(4);
    const store = await filled(rng);
    const totals = { touched: 0, lost: 0, keys: 0, indexes: 0 };
    for (let trial = 0; trial < count(400, 4_000); trial++) {
      const disk = at(store.disk, rng.fork(`trial/${trial}`));
      const what = damage(disk, rng);
      try {
        const report = await checked(at(disk, rng.fork("check")));
        if (typeof report === "string") throw new Error(`check: ${report}`);
        const storage = await opened(disk, { spaceTarget: 3 });
        const losses = await lossesOf(storage);
        const keys = await unknown(storage, store.values, losses);
        const reported = new Set(report.damagedRecords.map(({ hash }) => hash));
        const found = await scrubbed(storage);
        for (const i of keys) {
          expect(reported.has(keyOf(i).hash), "check reports it").toBe(true);
          expect(found.has(keyOf(i).hash), "the scrub finds it").toBe(true);
        }
        expect(reported.size).toBe(keys.length);
        if (losses.records) expect(report.problems.length).toBeGreaterThan(0);
        totals.touched += keys.length > 0 || losses.records ? 1 : 0;
        totals.lost += losses.records ? 1 : 0;
        totals.keys += keys.length;
        totals.indexes += storage.report.damagedIndexes;
      } catch (error) {
        throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      }
    }
    // Damage that nothing notices proves nothing.
    expect(totals.touched).toBeGreaterThan(100);
    expect(totals.indexes).toBeGreaterThan(20);
  }, 3_600_000);

  it("while the store runs is never served, survives merging and a restart, and the scrub finds it", async () => {
    const rng = new Rng(5);
    const store = await filled(rng);
    let touched = 0;
    for (let trial = 0; trial < count(200, 2_000); trial++) {
      const disk = at(store.disk, rng.fork(`trial/${trial}`));
      let storage = await opened(disk, { spaceTarget: 3, cacheBytes: 0 });
      const what = damage(disk, rng);
      try {
        const none: Losses = { records: false, facts: false };
        const keys = await unknown(storage, store.values, none);
        const found = await scrubbed(storage);
        for (const i of keys) expect(found.has(keyOf(i).hash), "the scrub finds it").toBe(true);
        touched += keys.length > 0 ? 1 : 0;
        // Merged away with all segments, a damaged record stays "don't know": an older one never takes its place.
        await new Promise<void>((done) => storage.close(done));
        storage = await opened(disk, { spaceTarget: 1.01, segmentBytes: 2_000 });
        const losses = await lossesOf(storage);
        for (let i = 0; i < 20; i++) {
          const filler = { ...keyOf(1_000 + i), value: bytes("x".repeat(400)) };
          await new Promise((done) => storage.apply({ records: [filler] }, done));
        }
        await new Promise<void>((done) => storage.close(done));
        storage = await opened(disk);
        await unknown(storage, store.values, losses);
      } catch (error) {
        throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      }
    }
    expect(touched).toBeGreaterThan(20);
  }, 3_600_000);
});
