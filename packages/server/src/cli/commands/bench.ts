/** `bench`: the options of the load generator, which is its own part of the house (CONTRACT §2). */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { BenchOptions } from "../../bench/run-bench.js";
import type { WorkloadName } from "../../bench/workloads.js";
import { addClientCommand, wholeNumber, type Cli, type ClientOptions } from "../cli.js";
import { exitCodes, usageError } from "../exit.js";

interface BenchCommandOptions extends ClientOptions {
  readonly workload: WorkloadName;
  readonly records: number;
  readonly valueSize: number;
  readonly concurrency: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly seeds?: string;
  readonly bucket?: string;
  readonly load: boolean;
  readonly seed: number;
}

const WHOLE_MAX = 0xffff_ffff;

export function addBenchCommand(program: Command, cli: Cli): void {
  addClientCommand(program, "bench", "YCSB-style load with latency percentiles, over the peer protocol")
    .addOption(
      new Option("--workload <name>", "a: half reads, half updates; b: 95% reads; c: reads; w: updates")
        .choices(["a", "b", "c", "w"])
        .default("a"),
    )
    .option("--records <count>", "keys, asked for with a zipfian skew of 0.99", wholeNumber(1, WHOLE_MAX), 100_000)
    .option("--value-size <bytes>", "bytes of each value", wholeNumber(1, WHOLE_MAX), 1024)
    .option("--concurrency <count>", "operations in flight", wholeNumber(1, 65_536), 64)
    .option("--seconds <seconds>", "how long is measured", secondsOf, 10)
    .option("--warmup <seconds>", "full load before that, not measured", secondsOf, 2)
    .option("--seeds <host:port,…>", "peer addresses (default: asked for at --url)")
    .option("--bucket <bucket>", "default: bench, which is set to last write wins")
    .option("--no-load", "the records are there from an earlier run")
    .option("--seed <number>", "the same seed asks for the same keys", wholeNumber(0, WHOLE_MAX), 1)
    .action((options: BenchCommandOptions) => runBench(cli, options));
}

async function runBench(cli: Cli, options: BenchCommandOptions): Promise<void> {
  let lastSaid = "";
  let reported = false;
  const exit = await cli.services.runBench(benchOptions(cli, options), {
    stdout: (line) => {
      reported = true;
      cli.io.stdout.write(`${line}\n`);
    },
    stderr: (line) => {
      lastSaid = line;
      cli.say(line);
    },
  });
  if (options.json === true && !reported) {
    await cli.printJson({ type: "urn:kvorum:bench-failed", title: "No figures", detail: lastSaid });
  }
  cli.exit = exit === 0 ? exitCodes.done : exit === 2 ? exitCodes.usage : exitCodes.failed;
}

function benchOptions(cli: Cli, options: BenchCommandOptions): BenchOptions {
  const { workload, records, valueSize, concurrency, seconds, warmup, load, seed, seeds, bucket, json } = options;
  const url = options.url ?? cli.io.env["KVORUM_URL"] ?? "";
  return {
    workload,
    records,
    concurrency,
    seconds,
    load,
    seed,
    valueBytes: valueSize,
    warmupSeconds: warmup,
    ...(url === "" ? {} : { url }),
    ...(seeds === undefined ? {} : { seeds: seedList(seeds) }),
    ...(bucket === undefined ? {} : { bucket }),
    ...(json === undefined ? {} : { json }),
  };
}

function seedList(text: string): string[] {
  const seeds = text.split(",").map((seed) => seed.trim());
  if (seeds.every((seed) => seed.includes(":"))) return seeds;
  throw usageError(`--seeds is ${JSON.stringify(text)}: HOST:PORT of peer doors, with commas between them`);
}

function secondsOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError("It is a number of seconds.");
}
