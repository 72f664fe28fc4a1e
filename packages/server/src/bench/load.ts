/**
 * The load generator: a closed loop, as in YCSB. C callers each send their next operation when the last one was answered, so a slow
 * answer also delays what would have come after it: the percentiles are those of a system that is never asked more than C at a time.
 */
import { setTimeout as pause } from "node:timers/promises";
import { KvorumError, ValidationError } from "@kvorum/client/internal";
import { Latencies, type LatencySummary } from "./latency.js";
import { recordKey, type Op, type ValueSource, type Workload } from "./workloads.js";

/** What is put under load. Both reject on failure; a record that is not there is a failure too. */
export interface Target {
  read(key: string): Promise<void>;
  update(key: string, value: Uint8Array): Promise<void>;
}

export interface LoadOptions {
  readonly target: Target;
  readonly workload: Workload;
  readonly values: ValueSource;
  /** Operations in flight. */
  readonly concurrency: number;
  /** Runs at full load, not counted: connections, caches and compiled code settle. */
  readonly warmupMs: number;
  readonly durationMs: number;
}

export interface LoadResult {
  readonly seconds: number;
  /** Operations that succeeded within the counted time, and how many that is a second. */
  readonly ops: number;
  readonly opsPerSecond: number;
  readonly read: LatencySummary;
  readonly update: LatencySummary;
  /** Failed operations by code. Their latency is not counted. */
  readonly errors: Readonly<Record<string, number>>;
  /** The message of the first of them: it says more than a code. */
  readonly firstError: string | null;
}

/** After a failure a caller waits, or a cluster that is down would be asked in a loop that lets nothing else run. */
const ERROR_PAUSE_MS = 10;
const LOAD_ATTEMPTS = 10;

/** Runs the workload and resolves when the last operation is answered. Rejects only for mistakes in this program. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { target, workload, values } = options;
  const latencies: Readonly<Record<Op, Latencies>> = { read: new Latencies(), update: new Latencies() };
  const errors = new Map<string, number>();
  let firstError: string | null = null;
  const countFrom = performance.now() + options.warmupMs;
  const end = countFrom + options.durationMs;

  const caller = async (): Promise<void> => {
    for (let started = performance.now(); started < end; started = performance.now()) {
      const op = workload.nextOp();
      const key = workload.nextKey();
      try {
        await (op === "read" ? target.read(key) : target.update(key, values.next()));
        const now = performance.now();
        if (now >= countFrom && now < end) latencies[op].record(now - started);
      } catch (error) {
        if (!(error instanceof KvorumError)) throw error;
        firstError ??= error.message;
        if (performance.now() >= countFrom) errors.set(error.code, (errors.get(error.code) ?? 0) + 1);
        await pause(ERROR_PAUSE_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, caller));

  const read = latencies.read.summary();
  const update = latencies.update.summary();
  const seconds = options.durationMs / 1000;
  const ops = read.count + update.count;
  return { seconds, ops, opsPerSecond: ops / seconds, read, update, errors: Object.fromEntries(errors), firstError };
}

/** Writes records 0 to `records` - 1, each tried again, for some seconds, until it stands. Rejects when one cannot be written. */
export async function loadRecords(
  target: Target,
  records: number,
  values: ValueSource,
  concurrency: number,
  progress: (done: number) => void = () => {},
): Promise<void> {
  let next = 0;
  let done = 0;
  const writer = async (): Promise<void> => {
    while (next < records) {
      await writeRecord(target, recordKey(next++), values.next());
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, records) }, writer));
}

async function writeRecord(target: Target, key: string, value: Uint8Array): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await target.update(key, value);
      return;
    } catch (error) {
      const mayPass = error instanceof KvorumError && !(error instanceof ValidationError);
      if (!mayPass || attempt === LOAD_ATTEMPTS) throw error;
      await pause(ERROR_PAUSE_MS * 2 ** attempt);
    }
  }
}
