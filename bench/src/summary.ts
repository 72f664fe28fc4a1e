/** What the rounds say: medians, the share of the null Dynamo's speed, and whether the goals are met. */
import { pointsOf, type Point, type Round } from "./rounds.js";
import type { BenchArguments } from "./arguments.js";
import type { SystemName } from "./systems.js";

/** Medians over the rounds. */
export interface Line extends Point {
  readonly system: SystemName;
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosPerOp: number | null;
  /** Failed operations in all rounds. */
  readonly errors: number;
  /** Of the null Dynamo's operations per second at the same point; null without one. */
  readonly ofNull: number | null;
}

export interface Goal {
  readonly workload: string;
  readonly concurrency: number;
  readonly wanted: number;
  readonly reached: number;
  readonly met: boolean;
}

/** Shares of the null Dynamo at 64 in flight, LMDB underneath. */
const goals: readonly { readonly workload: string; readonly concurrency: number; readonly wanted: number }[] = [
  { workload: "c", concurrency: 64, wanted: 0.3 },
  { workload: "a", concurrency: 64, wanted: 0.1 },
];

export function linesOf(rounds: readonly Round[], args: BenchArguments): readonly Line[] {
  return pointsOf(args).flatMap((point) => {
    const nullLine = lineOf(rounds, point, "null", undefined);
    const kvorumLine = lineOf(rounds, point, "kvorum", nullLine?.opsPerSecond);
    return [nullLine, kvorumLine].filter((line) => line !== undefined);
  });
}

/** Only the goals whose points were run, on both systems. */
export function goalsOf(lines: readonly Line[]): readonly Goal[] {
  return goals.flatMap((goal) => {
    const line = lines.find(
      (each) => each.workload === goal.workload && each.concurrency === goal.concurrency && each.ofNull !== null,
    );
    if (line === undefined || line.ofNull === null) return [];
    // A cluster that fails requests is not fast.
    return [{ ...goal, reached: line.ofNull, met: line.ofNull >= goal.wanted && line.errors === 0 }];
  });
}

function lineOf(
  rounds: readonly Round[],
  point: Point,
  system: SystemName,
  nullOpsPerSecond: number | undefined,
): Line | undefined {
  const mine = rounds.filter(
    (round) =>
      round.system === system &&
      round.point.workload === point.workload &&
      round.point.concurrency === point.concurrency,
  );
  if (mine.length === 0) return undefined;
  const opsPerSecond = median(mine.map((round) => round.opsPerSecond));
  const cpu = mine.map((round) => round.cpuMicrosPerOp).filter((micros) => micros !== null);
  return {
    ...point,
    system,
    opsPerSecond,
    p50Ms: median(mine.map((round) => overall(round, "p50Ms"))),
    p99Ms: median(mine.map((round) => overall(round, "p99Ms"))),
    cpuMicrosPerOp: cpu.length === 0 ? null : median(cpu),
    errors: mine.reduce((sum, round) => sum + Object.values(round.errors).reduce((a, b) => a + b, 0), 0),
    ofNull: nullOpsPerSecond === undefined ? null : opsPerSecond / nullOpsPerSecond,
  };
}

/** The slower kind's percentile: of two kinds that run together the table shows what the worse half of the users sees. */
function overall({ read, update }: Round, percentile: "p50Ms" | "p99Ms"): number {
  return Math.max(read[percentile], update[percentile]);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
