/** A run's result as people read it; as JSON it is the same object. */
import Table from "cli-table3";
import type { LatencySummary } from "./latency.js";
import type { BucketConflicts } from "./cluster-setup.js";
import type { LoadResult } from "./load.js";
import type { WorkloadName } from "./workloads.js";

export interface BenchReport extends LoadResult {
  readonly workload: WorkloadName;
  readonly bucket: string;
  /** Null when only the peer protocol was at hand, which does not tell. */
  readonly conflicts: BucketConflicts | null;
  readonly records: number;
  readonly valueBytes: number;
  readonly concurrency: number;
}

/** Several lines, for a terminal or a pipe. */
export function reportText(report: BenchReport): string {
  const { workload, concurrency, seconds, records, valueBytes } = report;
  const head = `workload ${workload}, ${concurrency} in flight, ${seconds} s, ${records} records of ${valueBytes} bytes`;
  const table = new Table({
    head: ["operation", "ops/s", "mean ms", "p50", "p95", "p99", "p99.9", "max"],
    colAligns: ["left", "right", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: [] },
  });
  for (const op of ["read", "update"] as const) {
    if (report[op].count > 0) table.push([op, rate(report[op].count / seconds), ...latencyCells(report[op])]);
  }
  const total = `${rate(report.opsPerSecond)} ops/s`;
  return [head, conflictsText(report), table.toString(), total, ...errorLines(report)].join("\n");
}

function conflictsText({ bucket, conflicts }: BenchReport): string {
  switch (conflicts) {
    case "lww":
      return `bucket ${bucket} is last-write-wins: updates overwrite blindly, as YCSB's do`;
    case "siblings":
      return `bucket ${bucket} keeps siblings: each blind update adds one, up to the limit; figures fall as they pile up`;
    case null:
      return `bucket ${bucket}: how it treats conflicts is not known here; give --url rather than --seeds to have it set`;
  }
}

function errorLines({ errors, firstError }: LoadResult): string[] {
  const counts = Object.entries(errors).map(([code, count]) => `failed: ${count} × ${code}`);
  return firstError === null ? counts : [...counts, `the first failure: ${firstError}`];
}

function latencyCells({ meanMs, p50Ms, p95Ms, p99Ms, p999Ms, maxMs }: LatencySummary): string[] {
  return [meanMs, p50Ms, p95Ms, p99Ms, p999Ms, maxMs].map((ms) => ms.toFixed(2));
}

function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString("en");
}
