/**
 * `npm run bench:store`: the log beside LMDB and beside a bare group-committed log, in one process and one run: durable puts, gets, starts, merging. What is
 * compared alternates, round after round. Figures of different runs are not to be compared; ratios within one are.
 */
import { readdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPrimitives } from "@kvorum/client/internal";
import { openLmdb } from "../../packages/server/dist/storage/lmdb-storage.js";
import { openLogStorage } from "../../packages/server/dist/storage/open-log-storage.js";
import { BareLog } from "./bare-log.js";
import { StoreGoals } from "./store-goals.js";
import {
  address,
  closed,
  fill,
  getFrom,
  inOrder,
  KEYS,
  load,
  medians,
  putInto,
  scattered,
  type Measured,
  type Operation,
} from "./store-load.js";
import { median } from "./summary.js";

const USAGE = `usage: npm run bench:store -- [flags]
  --quick   short rounds and up to 100,000 keys, to see that all works
  --check   exit 1 when a goal is missed`;
const IN_FLIGHT = [1, 16, 64, 256];
const VALUE = Buffer.alloc(1024, 7);
const SMALL_VALUE = Buffer.alloc(100, 7);
const flags = new Set(process.argv.slice(2));
const isQuick = flags.has("--quick");
/** How often the folder is measured while it is written over. */
const SAMPLE_MS = 20;
const SECONDS = isQuick ? 0.5 : 2;
const ROUNDS = isQuick ? 1 : 5;
const STARTS = isQuick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000];

const primitives = await createPrimitives();
const goals = new StoreGoals();
process.exitCode = await main();

async function main(): Promise<number> {
  const unknown = [...flags].find((flag) => !["--quick", "--check"].includes(flag));
  if (unknown !== undefined) {
    process.stderr.write(`${USAGE}\n`);
    return unknown === "--help" ? 0 : 2;
  }
  const folder = await mkdtemp(join(tmpdir(), "kvorum-bench-store-"));
  try {
    await puts(folder);
    await gets(folder);
    await starts(folder);
    await merging(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  say(`\n${goals.lines.join("\n")}`);
  return flags.has("--check") && !goals.areMet ? 1 : 0;
}

/** Each in turn, round after round: what a machine's mood costs, all of them pay. */
async function sideBySide(
  systems: ReadonlyMap<string, Operation>,
  inFlight: number,
  seconds = SECONDS,
): Promise<(name: string) => Measured> {
  const rounds = new Map<string, Measured[]>([...systems.keys()].map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, operation] of systems) rounds.get(name)?.push(await load(operation, inFlight, seconds));
  }
  return (name) => medians(rounds.get(name) ?? []);
}

async function puts(folder: string): Promise<void> {
  const log = await openLogStorage({ path: join(folder, "puts-log"), primitives });
  const lmdb = await openLmdb({ path: join(folder, "puts-lmdb") });
  const bare = new BareLog(join(folder, "puts-bare"));
  const systems = new Map<string, Operation>([
    ["bare log", inOrder((i, done) => bare.put(address(primitives, i).key, VALUE, done))],
    ["log", inOrder(putInto(log, primitives, VALUE))],
    ["LMDB", inOrder(putInto(lmdb, primitives, VALUE))],
  ]);
  for (const put of systems.values()) await load(put, 64, SECONDS / 2);
  say("durable puts of 1 KiB     in flight   per second   p99 ms   CPU µs   × LMDB   × bare");
  for (const inFlight of IN_FLIGHT) {
    const of = await sideBySide(systems, inFlight);
    const ofLmdb = (name: string): number => of(name).perSecond / of("LMDB").perSecond;
    const ofBare = (name: string): number => of(name).perSecond / of("bare log").perSecond;
    for (const name of systems.keys()) {
      const { perSecond, p99Ms, cpuMicros } = of(name);
      const figures = [perSecond.toFixed(0), p99Ms.toFixed(2), cpuMicros.toFixed(1)];
      row(name, inFlight, ...figures, ofLmdb(name).toFixed(2), ofBare(name).toFixed(2));
    }
    if (inFlight !== 64) continue;
    goals.reach("putsOfLmdb", ofLmdb("log"));
    goals.reach("putsOfBare", ofBare("log"));
  }
  await closed(log);
  await closed(lmdb);
  bare.close();
}

async function gets(folder: string): Promise<void> {
  const open = (name: string, cacheBytes: number): ReturnType<typeof openLogStorage> =>
    openLogStorage({ path: join(folder, name), primitives, sizes: { cacheBytes } });
  const cached = await open("gets-cached", 256 * 1024 * 1024);
  const uncached = await open("gets-uncached", 0);
  const lmdb = await openLmdb({ path: join(folder, "gets-lmdb") });
  const systems = new Map<string, Operation>();
  for (const [name, storage] of [
    ["log, from its cache", cached],
    ["log, from the file", uncached],
    ["LMDB", lmdb],
  ] as const) {
    await fill(putInto(storage, primitives, VALUE), KEYS);
    systems.set(name, getFrom(storage, primitives));
    await load(getFrom(storage, primitives), 64, SECONDS / 2);
  }
  say("\ngets of 1 KiB, 64 in flight   per second   p99 ms   CPU µs");
  const of = await sideBySide(systems, 64);
  for (const name of systems.keys()) {
    const { perSecond, p99Ms, cpuMicros } = of(name);
    row(name, perSecond.toFixed(0), p99Ms.toFixed(2), cpuMicros.toFixed(1));
  }
  for (const storage of [cached, uncached, lmdb]) await closed(storage);
}

async function starts(folder: string): Promise<void> {
  say("\nstart with keys of 100 bytes   keys   after a clean stop ms   bytes of index a key");
  for (const keys of STARTS) {
    const path = join(folder, `start-${keys}`);
    const filled = await openLogStorage({ path, primitives });
    await fill(putInto(filled, primitives, SMALL_VALUE), keys);
    await closed(filled);
    const begun = performance.now();
    const storage = await openLogStorage({ path, primitives });
    const tookMs = performance.now() - begun;
    const stats = storage.stats();
    if (stats.keys !== keys) throw new Error(`${stats.keys} keys, not ${keys}`);
    row("log", keys, tookMs.toFixed(0), (stats.indexBytes / keys).toFixed(1));
    goals.reach("indexBytes", stats.indexBytes / keys);
    if (keys === 1_000_000) goals.reach("startMs", tookMs);
    await closed(storage);
    await rm(path, { recursive: true });
  }
}

/** Overwrites make garbage; with a space target that is never reached nothing is merged. */
async function merging(folder: string): Promise<void> {
  const open = (name: string, spaceTarget: number): ReturnType<typeof openLogStorage> =>
    openLogStorage({ path: join(folder, name), primitives, sizes: { spaceTarget, segmentBytes: 16 * 1024 * 1024 } });
  const still = await open("merging-never", 1_000);
  const merges = await open("merging", 1.6);
  const systems = new Map([
    ["without merging", scattered(putInto(still, primitives, VALUE))],
    ["while merging", scattered(putInto(merges, primitives, VALUE))],
  ]);
  for (const storage of [still, merges]) await fill(putInto(storage, primitives, VALUE), KEYS);
  const before = merges.stats().mergedBytes;
  const ratios: number[] = [];
  const sample = (): void => void ratios.push(bytesIn(join(folder, "merging")) / merges.stats().liveBytes);
  const sampling = setInterval(sample, SAMPLE_MS);
  const of = await sideBySide(systems, 64);
  clearInterval(sampling);
  const { mergedBytes } = merges.stats();
  if (!isQuick && mergedBytes === before) throw new Error("nothing was merged");
  say("\nputs of 1 KiB, 64 in flight, over and over   per second   p99 ms");
  for (const name of systems.keys()) row(name, of(name).perSecond.toFixed(0), of(name).p99Ms.toFixed(2));
  const most = Math.max(...ratios);
  say(
    `merged ${((mergedBytes - before) / 2 ** 20).toFixed(0)} MiB; folder over live at most ${most.toFixed(2)}, median ${median(ratios).toFixed(2)}`,
  );
  goals.reach("spaceOverLive", most);
  goals.reach("p99WhileMerging", of("while merging").p99Ms / of("without merging").p99Ms);
  await closed(still);
  await closed(merges);
}

/** The files that are there, whatever the store says of them. */
function bytesIn(folder: string): number {
  const size = (name: string): number => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return readdirSync(folder).reduce((sum, name) => sum + size(name), 0);
}

function row(name: string, ...cells: readonly (string | number)[]): void {
  say([name.padEnd(24), ...cells.map((cell) => String(cell).padStart(10))].join("  "));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
