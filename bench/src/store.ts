/**
 * `npm run bench:store`: the log beside LMDB and beside a bare group-committed log, in one process and one run: durable puts, gets, starts, merging. Figures
 * of different runs are not to be compared; ratios within one are.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPrimitives } from "@kvorum/client/internal";
import type { Primitives, Storage } from "@kvorum/core";
import { openLmdb } from "../../packages/server/dist/storage/lmdb-storage.js";
import { openLogStorage } from "../../packages/server/dist/storage/open-log-storage.js";
import { BareLog } from "./bare-log.js";
import { median } from "./summary.js";

const IN_FLIGHT = [1, 16, 64, 256];
const VALUE = Buffer.alloc(1024, 7);
const SMALL_VALUE = Buffer.alloc(100, 7);
const KEYS = 50_000;
const isQuick = process.argv.includes("--quick");
const SECONDS = isQuick ? 0.5 : 3;
const ROUNDS = isQuick ? 1 : 3;
const STARTS = isQuick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000];

type Put = (i: number, done: () => void) => void;

interface Puts {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly cpuMicros: number;
}

const primitives = await createPrimitives();
const folder = await mkdtemp(join(tmpdir(), "kvorum-bench-store-"));
try {
  await puts();
  await gets();
  await starts();
  await merging();
} finally {
  await rm(folder, { recursive: true, force: true });
}

function address(i: number, of: Primitives = primitives): { partition: number; hash: bigint; key: Uint8Array } {
  const key = Buffer.from(`bucket/key-${i}`);
  const hash = of.hash64(key);
  return { partition: Number(hash >> 56n), hash, key };
}

function putInto(storage: Storage, value: Uint8Array): Put {
  return (i, done) => {
    const { partition, hash, key } = address(i);
    storage.apply({ records: [{ partition, hash, key, value, digest: hash, mark: 1, tag: 1 }] }, (error) => {
      if (error !== undefined) throw new Error(error);
      done();
    });
  };
}

/** A closed loop of so many puts in flight, over and over the same keys. */
async function load(put: Put, inFlight: number, seconds: number): Promise<Puts> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1_000;
  const before = process.cpuUsage();
  let next = 0;
  await new Promise<void>((resolve) => {
    let live = inFlight;
    const one = (): void => {
      const begun = performance.now();
      if (begun > end) return void (--live === 0 && resolve());
      put(next++ % KEYS, () => {
        times.push(performance.now() - begun);
        one();
      });
    };
    for (let i = 0; i < inFlight; i++) one();
  });
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  const p99Ms = times[Math.floor(times.length * 0.99)] ?? Number.NaN;
  return { perSecond: times.length / seconds, p99Ms, cpuMicros: (user + system) / times.length };
}

async function puts(): Promise<void> {
  const log = await openLogStorage({ path: join(folder, "puts-log"), primitives });
  const lmdb = await openLmdb({ path: join(folder, "puts-lmdb") });
  const bare = new BareLog(join(folder, "puts-bare"));
  const systems: readonly [string, Put][] = [
    ["bare log", (i, done) => bare.put(address(i).key, VALUE, done)],
    ["log", putInto(log, VALUE)],
    ["LMDB", putInto(lmdb, VALUE)],
  ];
  for (const [, put] of systems) await load(put, 64, SECONDS / 3);
  say("durable puts of 1 KiB     in flight   per second   p99 ms   CPU µs   × LMDB   × bare");
  for (const inFlight of IN_FLIGHT) {
    const rounds = new Map<string, Puts[]>(systems.map(([name]) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, put] of systems) rounds.get(name)?.push(await load(put, inFlight, SECONDS));
    }
    const of = (name: string): Puts => medians(rounds.get(name) ?? []);
    for (const [name] of systems) {
      const { perSecond, p99Ms, cpuMicros } = of(name);
      const ratios = [perSecond / of("LMDB").perSecond, perSecond / of("bare log").perSecond];
      row(
        name,
        inFlight,
        perSecond.toFixed(0),
        p99Ms.toFixed(2),
        cpuMicros.toFixed(1),
        ...ratios.map((r) => r.toFixed(2)),
      );
    }
  }
  await closed(log);
  await closed(lmdb);
  bare.close();
}

function medians(rounds: readonly Puts[]): Puts {
  const of = (pick: (puts: Puts) => number): number => median(rounds.map(pick));
  return { perSecond: of((p) => p.perSecond), p99Ms: of((p) => p.p99Ms), cpuMicros: of((p) => p.cpuMicros) };
}

async function gets(): Promise<void> {
  say("\ngets of 1 KiB, 64 in flight   per second");
  const get =
    (storage: Storage): Put =>
    (i, done) =>
      storage.get(address((i * 7_919) % KEYS), (outcome) => {
        if (outcome.kind !== "found") throw new Error(outcome.kind);
        // As a caller that does something else in between.
        setImmediate(done);
      });
  for (const [name, cacheBytes] of [
    ["log, from its cache", 256 * 1024 * 1024],
    ["log, from the file", 0],
    ["LMDB", -1],
  ] as const) {
    const path = join(folder, `gets-${cacheBytes}`);
    const storage =
      cacheBytes < 0 ? await openLmdb({ path }) : await openLogStorage({ path, primitives, sizes: { cacheBytes } });
    await fill(storage, KEYS, VALUE);
    await load(get(storage), 64, SECONDS / 3);
    row(name, (await load(get(storage), 64, SECONDS)).perSecond.toFixed(0));
    await closed(storage);
    await rm(path, { recursive: true });
  }
}

async function starts(): Promise<void> {
  say("\nstart with keys of 100 bytes   keys   after a clean stop ms   bytes of index a key");
  for (const keys of STARTS) {
    const path = join(folder, `start-${keys}`);
    const filled = await openLogStorage({ path, primitives });
    await fill(filled, keys, SMALL_VALUE);
    await closed(filled);
    const begun = performance.now();
    const storage = await openLogStorage({ path, primitives });
    const tookMs = performance.now() - begun;
    const stats = storage.stats();
    if (stats.keys !== keys) throw new Error(`${stats.keys} keys, not ${keys}`);
    row("log", keys, tookMs.toFixed(0), (stats.indexBytes / keys).toFixed(1));
    await closed(storage);
    await rm(path, { recursive: true });
  }
}

/** Overwrites make garbage; with a space target that is never reached nothing is merged. */
async function merging(): Promise<void> {
  say("\nputs of 1 KiB, 64 in flight, over and over   per second   p99 ms   merged MiB   disk over live");
  for (const [name, spaceTarget] of [
    ["without merging", 1_000],
    ["while merging", 1.6],
  ] as const) {
    const path = join(folder, `merging-${spaceTarget}`);
    const sizes = { spaceTarget, segmentBytes: 16 * 1024 * 1024 };
    const storage = await openLogStorage({ path, primitives, sizes });
    await fill(storage, KEYS, VALUE);
    const { perSecond, p99Ms } = await load(putInto(storage, VALUE), 64, SECONDS * 3);
    const { mergedBytes, diskBytes, liveBytes } = storage.stats();
    row(
      name,
      perSecond.toFixed(0),
      p99Ms.toFixed(2),
      (mergedBytes / 2 ** 20).toFixed(0),
      (diskBytes / liveBytes).toFixed(2),
    );
    await closed(storage);
    await rm(path, { recursive: true });
  }
}

async function fill(storage: Storage, keys: number, value: Uint8Array): Promise<void> {
  const put = putInto(storage, value);
  for (let from = 0; from < keys; from += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, keys - from) }, (_, i) => from + i);
    await Promise.all(batch.map((i) => new Promise<void>((done) => put(i, done))));
  }
}

function closed(storage: Storage): Promise<void> {
  return new Promise((done) => storage.close(done));
}

function row(name: string, ...cells: readonly (string | number)[]): void {
  say([name.padEnd(24), ...cells.map((cell) => String(cell).padStart(10))].join("  "));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
