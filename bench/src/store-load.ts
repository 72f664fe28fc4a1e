/** What the storage benchmark does to a store: puts and gets in a closed loop, and filling. */
import type { Primitives, Storage } from "@kvorum/core";
import { median } from "./summary.js";

export type Operation = (i: number, done: () => void) => void;

export interface Measured {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly cpuMicros: number;
}

/** So many keys are written over and over. */
export const KEYS = 50_000;
const PARTITION_BITS = 8n;

export interface Address {
  readonly partition: number;
  readonly hash: bigint;
  readonly key: Uint8Array;
}

export function address(primitives: Primitives, i: number): Address {
  const key = Buffer.from(`bucket/key-${i}`);
  const hash = primitives.hash64(key);
  return { partition: Number(hash >> (64n - PARTITION_BITS)), hash, key };
}

export function putInto(storage: Storage, primitives: Primitives, value: Uint8Array): Operation {
  return (i, done) => {
    const { partition, hash, key } = address(primitives, i);
    storage.apply({ records: [{ partition, hash, key, value, digest: hash, mark: 1, tag: 1 }] }, (error) => {
      if (error !== undefined) throw new Error(error);
      done();
    });
  };
}

/** Over and over the same keys. */
export function inOrder(operation: Operation): Operation {
  return (i, done) => operation(i % KEYS, done);
}

/** The same keys in no order: segments then hold old and new side by side, and merging has something to copy. */
export function scattered(operation: Operation): Operation {
  return (i, done) => operation(mixed(i) % KEYS, done);
}

/** The end of MurmurHash3: every bit of a number changes every bit of the result. */
function mixed(i: number): number {
  let hash = Math.imul(i ^ (i >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function getFrom(storage: Storage, primitives: Primitives): Operation {
  return (i, done) =>
    storage.get(address(primitives, (i * 7_919) % KEYS), (outcome) => {
      if (outcome.kind !== "found") throw new Error(outcome.kind);
      // As a caller that does something else in between.
      setImmediate(done);
    });
}

/** A closed loop of so many in flight. */
export async function load(operation: Operation, inFlight: number, seconds: number): Promise<Measured> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1_000;
  const before = process.cpuUsage();
  let next = 0;
  await new Promise<void>((resolve) => {
    let live = inFlight;
    const one = (): void => {
      const begun = performance.now();
      if (begun > end) return void (--live === 0 && resolve());
      operation(next++, () => {
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

export function medians(rounds: readonly Measured[]): Measured {
  const of = (pick: (measured: Measured) => number): number => median(rounds.map(pick));
  return { perSecond: of((m) => m.perSecond), p99Ms: of((m) => m.p99Ms), cpuMicros: of((m) => m.cpuMicros) };
}

export async function fill(put: Operation, keys: number): Promise<void> {
  for (let from = 0; from < keys; from += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, keys - from) }, (_, i) => from + i);
    await Promise.all(batch.map((i) => new Promise<void>((done) => put(i, done))));
  }
}

export function closed(storage: Storage): Promise<void> {
  return new Promise((done) => storage.close(done));
}
