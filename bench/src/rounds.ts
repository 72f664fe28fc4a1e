/**
 * A run: every point of every workload, on each system in turn, round after round. The systems alternate because a machine's speed
 * drifts: what one round loses to a neighbour, both lose; the median of the rounds drops the worst of it.
 */
import { runLoad, type LoadResult } from "../../packages/server/dist/bench/load.js";
import { ValueSource, Workload, type WorkloadName } from "../../packages/server/dist/bench/workloads.js";
import type { BenchArguments } from "./arguments.js";
import { cpuMicros } from "./cpu-time.js";
import type { System, SystemName } from "./systems.js";

export interface Point {
  readonly workload: WorkloadName;
  readonly concurrency: number;
}

export interface Round extends LoadResult {
  readonly system: SystemName;
  readonly point: Point;
  /** Of all servers together, for one operation; null where the system does not tell. */
  readonly cpuMicrosPerOp: number | null;
}

/** All points at full concurrency, then one at a time: those show latency, and need fewer operations to do it. */
export function pointsOf({ workloads, concurrency }: BenchArguments): readonly Point[] {
  const inFlight = [...new Set([concurrency, 1])];
  return inFlight.flatMap((each) => workloads.map((workload) => ({ workload, concurrency: each })));
}

export async function runRounds(
  systems: readonly System[],
  args: BenchArguments,
  progress: (round: Round) => void,
): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  for (const point of pointsOf(args)) {
    for (let number = 1; number <= args.rounds; number++) {
      for (const system of systems) {
        const round = await runRound(system, point, args, number);
        rounds.push(round);
        progress(round);
      }
    }
  }
  return rounds;
}

/** The same seed for both systems: they are asked for the same keys in the same order. */
async function runRound(system: System, point: Point, args: BenchArguments, seed: number): Promise<Round> {
  const durationMs = args.seconds * 1000;
  const load = {
    target: system.target,
    workload: new Workload(point.workload, args.records, seed),
    values: new ValueSource(args.valueBytes, seed),
    concurrency: point.concurrency,
  };
  await runLoad({ ...load, warmupMs: 0, durationMs: args.warmupSeconds * 1000 });
  const before = cpuMicros(system.pids);
  const result = await runLoad({ ...load, warmupMs: 0, durationMs });
  const after = cpuMicros(system.pids);
  const known = before !== undefined && after !== undefined && system.pids.length > 0 && result.ops > 0;
  return { ...result, system: system.name, point, cpuMicrosPerOp: known ? (after - before) / result.ops : null };
}
