/** What the log tells of itself: space by what it is good for, and what merging does about it. */
import type { LogStats } from "@kvorum/store";
import { Counter, Gauge, type Registry } from "prom-client";

export function addStoreMetrics(registry: Registry, stats: () => LogStats): void {
  const registers = [registry];
  new Gauge({
    name: "kvorum_store_bytes",
    help: "Bytes of the log's segments: live ones, and dead ones that merging gives back",
    labelNames: ["state"],
    registers,
    collect() {
      const { diskBytes, liveBytes } = stats();
      this.set({ state: "live" }, liveBytes);
      this.set({ state: "dead" }, diskBytes - liveBytes);
    },
  });
  const gauges: readonly [string, string, (now: LogStats) => number][] = [
    ["kvorum_store_segments", "Segments of the log", (now) => now.segments],
    ["kvorum_store_keys", "Keys in the log's index, tombstones included", (now) => now.keys],
    ["kvorum_store_index_bytes", "Bytes of the log's index in memory", (now) => now.indexBytes],
  ];
  for (const [name, help, value] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(stats()));
      },
    });
  }
  const totals: readonly [string, string, (now: LogStats) => number][] = [
    ["kvorum_store_flushes_total", "Groups of writes flushed", (now) => now.flushes],
    ["kvorum_store_merges_total", "Merges that came to their end", (now) => now.merges],
    ["kvorum_store_merged_bytes_total", "Bytes that merging copied", (now) => now.mergedBytes],
    ["kvorum_store_file_reads_total", "Records that were read from files, not from memory", (now) => now.fileReads],
    ["kvorum_store_damaged_records_total", "Records of the log whose checks failed", (now) => now.damagedRecords],
  ];
  for (const [name, help, value] of totals) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value(stats()));
      },
    });
  }
}
