/** The table that a run prints. */
import type { Goal, Line } from "./summary.js";

const columns = ["workload", "in flight", "system", "ops/s", "p50 ms", "p99 ms", "CPU µs/op", "of the null", "errors"];

export function tableText(lines: readonly Line[]): string {
  const rows = [columns, ...lines.map(cellsOf)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

export function goalText({ workload, concurrency, wanted, reached, met }: Goal): string {
  const verdict = met ? "met" : "MISSED";
  return `goal ${verdict}: ${workload.toUpperCase()} at ${concurrency} in flight, ${reached.toFixed(2)} × the null, wanted ${wanted}`;
}

function cellsOf(line: Line): string[] {
  return [
    line.workload.toUpperCase(),
    String(line.concurrency),
    line.system,
    Math.round(line.opsPerSecond).toLocaleString("en"),
    line.p50Ms.toFixed(2),
    line.p99Ms.toFixed(2),
    line.cpuMicrosPerOp === null ? "" : line.cpuMicrosPerOp.toFixed(1),
    line.ofNull === null ? "" : line.ofNull.toFixed(2),
    String(line.errors),
  ];
}
