/** Latencies of one kind of operation, counted in Node's own HDR histogram and summed up as percentiles. */
import { createHistogram } from "node:perf_hooks";

/** Milliseconds. All zero when nothing was counted. */
export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const NS_PER_MS = 1e6;
/** One hour; longer ones count as this. */
const HIGHEST_NS = 3_600_000 * NS_PER_MS;

export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1, highest: HIGHEST_NS, figures: 3 });

  record(ms: number): void {
    this.#histogram.record(Math.min(HIGHEST_NS, Math.max(1, Math.round(ms * NS_PER_MS))));
  }

  summary(): LatencySummary {
    const { count } = this.#histogram;
    if (count === 0) return { count, meanMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 };
    const at = (percentile: number): number => this.#histogram.percentile(percentile) / NS_PER_MS;
    return {
      count,
      meanMs: this.#histogram.mean / NS_PER_MS,
      p50Ms: at(50),
      p95Ms: at(95),
      p99Ms: at(99),
      p999Ms: at(99.9),
      maxMs: this.#histogram.max / NS_PER_MS,
    };
  }
}
