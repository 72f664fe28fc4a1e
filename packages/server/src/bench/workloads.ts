/** The workloads: how many of the operations read, and what a record is called and holds (YCSB core workloads A, B, C; W is ours). */
import { Rng } from "@kvorum/core";
import { ScrambledZipfian } from "./zipfian.js";

export type WorkloadName = "a" | "b" | "c" | "w";
export type Op = "read" | "update";

/** The share of reads. An update replaces the whole value, without reading first, as in YCSB. */
const readShares: Readonly<Record<WorkloadName, number>> = { a: 0.5, b: 0.95, c: 1, w: 0 };

export const workloadNames: readonly WorkloadName[] = ["a", "b", "c", "w"];

export function parseWorkload(text: string): WorkloadName | undefined {
  return workloadNames.find((name) => name === text.toLowerCase());
}

export function recordKey(number: number): string {
  return `user${number}`;
}

/** Draws operations and keys. The same seed gives the same sequence, so that two systems are asked for the same work. */
export class Workload {
  readonly #readShare: number;
  readonly #ops: Rng;
  readonly #keys: ScrambledZipfian;

  constructor(
    readonly name: WorkloadName,
    records: number,
    seed: number,
  ) {
    const rng = new Rng(seed);
    this.#readShare = readShares[name];
    this.#ops = rng.fork("operations");
    this.#keys = new ScrambledZipfian(records, rng.fork("keys"));
  }

  nextOp(): Op {
    return this.#ops.float() < this.#readShare ? "read" : "update";
  }

  nextKey(): string {
    return recordKey(this.#keys.next());
  }
}

/** Values of one size that differ: windows at random places of one random block, so that making one costs nothing. */
export class ValueSource {
  readonly #block: Uint8Array;
  readonly #rng: Rng;

  constructor(
    readonly valueBytes: number,
    seed: number,
  ) {
    this.#rng = new Rng(seed).fork("values");
    this.#block = new Uint8Array(valueBytes + 64 * 1024);
    for (let at = 0; at < this.#block.length; at++) this.#block[at] = this.#rng.u32() & 0xff;
  }

  next(): Uint8Array {
    const at = this.#rng.below(this.#block.length - this.valueBytes + 1);
    return this.#block.subarray(at, at + this.valueBytes);
  }
}
