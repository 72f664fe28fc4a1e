/** The numbers of one node, as Prometheus reads them (CONTRACT §3, "Metrics that keep their names"). A registry of its own for each node. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import { addStoreMetrics } from "./store-metrics.js";
import type { LogStats } from "@kvorum/store";
import type { NodeStats } from "@kvorum/core";

/** What requests are counted under; the same names at every door. */
export type Operation =
  | "get"
  | "put"
  | "delete"
  | "list"
  | "explain"
  | "buckets"
  | "get-bucket"
  | "set-bucket"
  | "conflicts"
  | "ring"
  | "cluster"
  | "digests"
  | "repair"
  | "repair-status"
  | "risk"
  | "plan"
  | "leave"
  | "remove"
  | "other";

/** From 100 microseconds, which a read of one's own store takes, to the longest timeout. */
const SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
];
const SIBLINGS = [1, 2, 3, 4, 5, 7, 10, 25, 50, 100, 256];

export class NodeMetrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"op" | "result">;
  readonly #seconds: Histogram<"op">;
  readonly #siblings: Histogram;

  /** `stats` is asked at each scrape. `processMetrics` adds what Node.js tells of the process: memory, CPU, event loop, collections. */
  constructor(stats: () => NodeStats, processMetrics = true, storeStats?: () => LogStats) {
    const registers = [this.registry];
    this.#requests = new Counter({
      name: "kvorum_requests_total",
      help: "Requests answered, by operation and result: ok, not-found, or the problem's name",
      labelNames: ["op", "result"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "kvorum_request_seconds",
      help: "Time from a request's head to its answer, by operation",
      labelNames: ["op"],
      buckets: SECONDS,
      registers,
    });
    this.#siblings = new Histogram({
      name: "kvorum_siblings",
      help: "Siblings of a key at each read that found it",
      buckets: SIBLINGS,
      registers,
    });
    this.#addGauges(stats);
    this.#addTotals(stats);
    if (storeStats !== undefined) addStoreMetrics(this.registry, storeStats);
    if (processMetrics) collectDefaultMetrics({ register: this.registry });
  }

  /** One request answered. `result` comes from a fixed set of names, never from input. */
  observe(operation: Operation, result: string, seconds: number): void {
    this.#requests.inc({ op: operation, result });
    this.#seconds.observe({ op: operation }, seconds);
  }

  /** One read that found `count` siblings. */
  observeSiblings(count: number): void {
    this.#siblings.observe(count);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The page that Prometheus reads. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  #addGauges(stats: () => NodeStats): void {
    const gauges: readonly [string, string, (now: NodeStats) => number][] = [
      ["kvorum_keys", "Live keys that this node holds as an owner", (now) => now.liveKeys],
      ["kvorum_conflicts", "Keys with several siblings that this node holds", (now) => now.conflicts],
      ["kvorum_tombstones", "Tombstones and expired values held as an owner", (now) => now.tombstones],
      [
        "kvorum_tombstone_oldest_timestamp_seconds",
        "When the oldest of those that this node is to reap was written; 0 without one",
        (now) => now.oldestTombstoneMs / 1_000,
      ],
      ["kvorum_requests_in_flight", "Requests that this node works on", (now) => now.requestsInFlight],
      [
        "kvorum_disk_stalled_seconds",
        "How long nothing that waits for the disk has become durable",
        (now) => now.diskStalledMs / 1_000,
      ],
      ["kvorum_hints_pending", "Hints that this node keeps for members that missed a write", (now) => now.hintsPending],
      ["kvorum_hints_pending_bytes", "Bytes of the states that those hints name", (now) => now.hintBytes],
      ["kvorum_hints_oldest_seconds", "Age of the oldest of them", (now) => now.oldestHintAgeMs / 1_000],
    ];
    for (const [name, help, value] of gauges) {
      const registers = [this.registry];
      // The node keeps the numbers; a scrape copies them.
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(stats()));
        },
      });
    }
  }

  #addTotals(stats: () => NodeStats): void {
    const totals: readonly [string, string, (now: NodeStats) => number][] = [
      ["kvorum_read_repairs_total", "Replicas brought up to date after a read", (now) => now.readRepairs],
      ["kvorum_antientropy_bytes_sent_total", "Bytes that anti-entropy sent", (now) => now.antiEntropyBytesSent],
      [
        "kvorum_antientropy_keys_repaired_total",
        "Keys whose state here an exchange of hash trees brought up to date",
        (now) => now.antiEntropyKeysRepaired,
      ],
      ["kvorum_gossip_bytes_sent_total", "Bytes of gossip sent", (now) => now.gossipBytesSent],
      ["kvorum_transfer_keys_total", "Keys that this node took in from other owners", (now) => now.transferKeys],
      ["kvorum_hints_replayed_total", "Hints whose state an owner has confirmed", (now) => now.hintsReplayed],
      ["kvorum_hints_refused_total", "Hints that found no room", (now) => now.hintsRefused],
      ["kvorum_hints_lost_total", "Hints whose state was damaged before it was handed over", (now) => now.hintsLost],
      [
        "kvorum_tombstones_reaped_total",
        "Tombstones and expired values removed by proof",
        (now) => now.tombstonesReaped,
      ],
      ["kvorum_damaged_records_total", "Records whose checksum failed", (now) => now.damagedRecords],
      ["kvorum_scrubbed_records_total", "Records read by the scrub, to find damage", (now) => now.scrubbedRecords],
      ["kvorum_healed_records_total", "Damaged records that are whole again", (now) => now.healedRecords],
      ["kvorum_lost_records_total", "Damaged records that no other owner had", (now) => now.lostRecords],
      ["kvorum_tree_mismatches_total", "Hash trees that were not what the store holds", (now) => now.treeMismatches],
      ["kvorum_divergent_states_total", "States with one dot and different bytes", (now) => now.divergentStates],
      ["kvorum_sibling_warnings_total", "Writes that left a key with too many siblings", (now) => now.siblingWarnings],
      ["kvorum_retired_actors_total", "Actors dropped from vectors that grew too long", (now) => now.retiredActors],
    ];
    for (const [name, help, value] of totals) {
      const registers = [this.registry];
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
}
