/** The flags of `npm run bench`. */
import { parseArgs } from "node:util";
import { parseWorkload, type WorkloadName } from "../../packages/server/dist/bench/workloads.js";
import type { SystemName } from "./systems.js";

export interface BenchArguments {
  /** Counted seconds of each round, and those that run before them. */
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Each round runs every system once; the median of the rounds is shown. */
  readonly rounds: number;
  readonly concurrency: number;
  readonly workloads: readonly WorkloadName[];
  readonly records: number;
  readonly valueBytes: number;
  readonly systems: readonly SystemName[];
  /** Exit with 1 when a goal is missed. */
  readonly check: boolean;
  /** Where the JSON goes; bench/results/<date>.json without it. */
  readonly out: string | undefined;
}

export const usage = `usage: npm run bench -- [flags]
  --seconds 5         counted seconds a round
  --warmup 2          seconds at full load before them
  --rounds 3          rounds; the median is shown
  --concurrency 64    operations in flight; a line for 1 is added
  --workloads a,c,w   a: half reads, half updates; b: 95 % reads; c: reads; w: updates
  --records 100000    --value-size 1024
  --only null|kvorum  one system alone
  --quick             one round of 2 s on 10,000 records, to see that all works
  --check             exit 1 when a goal is missed
  --out FILE          where the JSON goes (default bench/results/<date>.json)`;

/** @throws Error with a line for people */
export function parseArguments(args: readonly string[]): BenchArguments | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string" },
      warmup: { type: "string" },
      rounds: { type: "string" },
      concurrency: { type: "string", default: "64" },
      workloads: { type: "string", default: "a,c,w" },
      records: { type: "string" },
      "value-size": { type: "string", default: "1024" },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      out: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const { quick } = values;
  return {
    seconds: positive("--seconds", values.seconds ?? (quick ? "2" : "5")),
    warmupSeconds: positive("--warmup", values.warmup ?? (quick ? "1" : "2")),
    rounds: whole("--rounds", values.rounds ?? (quick ? "1" : "3")),
    concurrency: whole("--concurrency", values.concurrency),
    workloads: values.workloads.split(",").map(workloadOf),
    records: whole("--records", values.records ?? (quick ? "10000" : "100000")),
    valueBytes: whole("--value-size", values["value-size"]),
    systems: systemsOf(values.only),
    check: values.check,
    out: values.out,
  };
}

function workloadOf(text: string): WorkloadName {
  const workload = parseWorkload(text);
  if (workload === undefined) throw new Error(`--workloads: ${text} is none of a, b, c, w`);
  return workload;
}

function systemsOf(only: string | undefined): readonly SystemName[] {
  if (only === undefined) return ["null", "kvorum"];
  if (only === "null" || only === "kvorum") return [only];
  throw new Error(`--only: null or kvorum, not ${only}`);
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new Error(`${flag}: a number above 0, not ${text}`);
  return value;
}

function whole(flag: string, text: string): number {
  const value = positive(flag, text);
  if (!Number.isInteger(value)) throw new Error(`${flag}: a whole number, not ${text}`);
  return value;
}
