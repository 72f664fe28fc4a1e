/** `kvorum bench`: finds the cluster, writes the records, runs one workload, and says what came out (CONTRACT §2). */
import { KvorumError, RawClient } from "@kvorum/client/internal";
import { limits } from "@kvorum/core";
import { clientTarget } from "./client-target.js";
import { BENCH_BUCKET, discover, prepareBucket, SetupError, type BucketConflicts } from "./cluster-setup.js";
import { loadRecords, runLoad, type Target } from "./load.js";
import { reportText, type BenchReport } from "./report.js";
import { ValueSource, Workload, workloadNames, type WorkloadName } from "./workloads.js";

export interface BenchOptions {
  readonly workload: WorkloadName;
  readonly records: number;
  readonly valueBytes: number;
  readonly concurrency: number;
  readonly seconds: number;
  /** Runs at full load before anything is counted; 2 without one. */
  readonly warmupSeconds?: number;
  /** Peer doors as `host:port`. Without them they are asked for at `url`. */
  readonly seeds?: readonly string[];
  /** The HTTP door of any member. */
  readonly url?: string;
  readonly bucket?: string;
  /** False: the records are there from an earlier run. */
  readonly load?: boolean;
  /** The same seed asks for the same keys in the same order. */
  readonly seed?: number;
  /** One JSON document on stdout, rather than a table. */
  readonly json?: boolean;
  readonly timeoutMs?: number;
}

/** Data goes to `stdout`, words to `stderr`, a line each. */
export interface BenchOutput {
  stdout(line: string): void;
  stderr(line: string): void;
}

const DEFAULT_URL = "http://127.0.0.1:7400";
const WARMUP_SECONDS = 2;
const LOAD_CONCURRENCY_MIN = 64;
const LOAD_STEPS = 10;

const processOutput: BenchOutput = {
  stdout: (line) => void process.stdout.write(`${line}\n`),
  stderr: (line) => void process.stderr.write(`${line}\n`),
};

/** Resolves to the exit code: 0 done, 1 failed (also when any operation failed), 2 for options that cannot be. */
export async function runBench(options: BenchOptions, output: BenchOutput = processOutput): Promise<number> {
  const problem = optionProblem(options);
  if (problem !== undefined) {
    output.stderr(problem);
    return 2;
  }
  try {
    const report = await bench(options, output);
    output.stdout(options.json === true ? JSON.stringify(report) : reportText(report));
    return Object.keys(report.errors).length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof KvorumError || error instanceof SetupError)) throw error;
    output.stderr(`bench: ${error.message}`);
    return 1;
  }
}

async function bench(options: BenchOptions, output: BenchOutput): Promise<BenchReport> {
  const { workload, records, valueBytes, concurrency, seconds, bucket = BENCH_BUCKET, seed = 1 } = options;
  const { seeds, conflicts } = await findCluster(options, bucket);
  const timeoutMs = options.timeoutMs ?? limits.requestTimeoutMs;
  const client = await RawClient.connect(seeds, { name: "bench", timeoutMs });
  try {
    const target = clientTarget(client, bucket, valueBytes);
    const values = new ValueSource(valueBytes, seed);
    if (options.load !== false) await load(target, records, values, concurrency, output);
    const result = await runLoad({
      target,
      workload: new Workload(workload, records, seed),
      values,
      concurrency,
      warmupMs: (options.warmupSeconds ?? WARMUP_SECONDS) * 1000,
      durationMs: seconds * 1000,
    });
    return { workload, bucket, conflicts, records, valueBytes, concurrency, ...result };
  } finally {
    await client.close();
  }
}

async function findCluster(
  { seeds, url }: BenchOptions,
  bucket: string,
): Promise<{ readonly seeds: readonly string[]; readonly conflicts: BucketConflicts | null }> {
  if (seeds !== undefined && url === undefined) return { seeds, conflicts: null };
  const found = await discover(url ?? DEFAULT_URL);
  return { seeds: seeds ?? found.seeds, conflicts: await prepareBucket(bucket, found.urls) };
}

async function load(
  target: Target,
  records: number,
  values: ValueSource,
  concurrency: number,
  output: BenchOutput,
): Promise<void> {
  const started = performance.now();
  const step = Math.max(1, Math.ceil(records / LOAD_STEPS));
  await loadRecords(target, records, values, Math.max(concurrency, LOAD_CONCURRENCY_MIN), (done) => {
    if (done % step === 0 || done === records) output.stderr(`wrote ${done} of ${records} records`);
  });
  const seconds = (performance.now() - started) / 1000;
  output.stderr(`loading took ${seconds.toFixed(1)} s, ${Math.round(records / seconds)} records a second`);
}

/** Undefined for options that can be, else the first that cannot and what it may be. */
function optionProblem(options: BenchOptions): string | undefined {
  const { workload, records, valueBytes, concurrency, seconds, warmupSeconds = 0 } = options;
  const whole = (value: number, max: number): boolean => Number.isInteger(value) && value >= 1 && value <= max;
  if (!workloadNames.includes(workload)) return `the workload is one of ${workloadNames.join(", ")}, not ${workload}`;
  if (!whole(records, 0xffff_ffff)) return `the number of records is a whole number from 1, not ${records}`;
  if (!whole(valueBytes, limits.valueBytesMax))
    return `a value has 1 to ${limits.valueBytesMax} bytes, not ${valueBytes}`;
  if (!whole(concurrency, limits.requestsInFlightMax)) {
    return `the concurrency is 1 to ${limits.requestsInFlightMax}, not ${concurrency}`;
  }
  if (!(seconds > 0 && Number.isFinite(seconds))) return `the duration is more than 0 seconds, not ${seconds}`;
  if (!(warmupSeconds >= 0 && Number.isFinite(warmupSeconds)))
    return `the warm-up is 0 seconds or more, not ${warmupSeconds}`;
  return undefined;
}
