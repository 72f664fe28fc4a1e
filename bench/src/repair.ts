/**
 * `npm run bench:repair`: what anti-entropy costs, on three real nodes with every other healer off (DESIGN §7). For so many keys, one node misses d
 * changes; the table shows the bytes that mend them beside the least that could, and that they follow d and not the number of keys. Then a
 * node is wiped and comes back, while clients go on.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { RawClient } from "@kvorum/client/internal";
import { clientTarget } from "../../packages/server/dist/bench/client-target.js";
import { BENCH_BUCKET } from "../../packages/server/dist/bench/cluster-setup.js";
import { loadRecords, runLoad, type LoadResult } from "../../packages/server/dist/bench/load.js";
import { recordKey, ValueSource, Workload } from "../../packages/server/dist/bench/workloads.js";
import { RepairCluster, until } from "./repair-cluster.js";

const usage = `usage: npm run bench:repair -- [flags]
  --keys 1000,10000,100000   keys, step by step
  --missed 0,1,10,100,1000   changes that one node misses, each in turn
  --value-size 1024
  --no-wipe                  without the wiped node
  --seconds 10               of load before the wipe
  --out FILE                 the figures as JSON`;

interface Row {
  readonly keys: number;
  readonly missed: number;
  readonly keysRepaired: number;
  readonly bytesSent: number;
  /** The changed keys and values alone, once. */
  readonly leastBytes: number;
  /** Of one copy of the data. */
  readonly shareOfData: number;
  readonly ms: number;
  /** A run right after it, with nothing to do. */
  readonly secondRunBytes: number;
  readonly replicasEqual: boolean;
  /** The node that was away holds each change, byte by byte. */
  readonly changesHeld: number;
}

interface Wiped {
  readonly keys: number;
  readonly seconds: number;
  readonly keysPerSecond: number;
  readonly mebibytesPerSecond: number;
  readonly before: Felt;
  readonly during: Felt;
  readonly replicasEqual: boolean;
}

interface Felt {
  readonly opsPerSecond: number;
  readonly p99Ms: number;
  readonly errors: number;
}

const LOAD_CONCURRENCY = 64;
/** The foreground while a node is refilled: a user's load, not the most that the machine can do. */
const FOREGROUND_CONCURRENCY = 4;

class Measurement {
  readonly rows: Row[] = [];
  wiped: Wiped | undefined;
  #changes = 0;

  constructor(
    readonly cluster: RepairCluster,
    readonly client: RawClient,
    readonly valueBytes: number,
  ) {}

  async load(keys: number): Promise<void> {
    const target = clientTarget(this.client, BENCH_BUCKET, this.valueBytes);
    await loadRecords(target, keys, new ValueSource(this.valueBytes, 0), LOAD_CONCURRENCY);
    // A write may reach its third replica after its answer, and some may never have: this is where all begin equal.
    await this.cluster.repair();
  }

  async row(keys: number, missed: number): Promise<Row> {
    const { cluster } = this;
    const changed = new Map<string, Uint8Array>();
    if (missed > 0) {
      await cluster.stopNode("n3");
      for (let i = 0; i < missed; i++) {
        const key = recordKey(Math.floor((i * keys) / missed));
        const value = new Uint8Array(this.valueBytes).fill(++this.#changes % 251);
        await this.client.put(BENCH_BUCKET, key, value);
        changed.set(key, value);
      }
      await cluster.startNode("n3");
      await cluster.settled();
    }
    const first = await cluster.repair();
    const digests = await cluster.digests();
    let changesHeld = 0;
    for (const [key, value] of changed) {
      if (Buffer.from(value).equals(await cluster.held("n3", key))) changesHeld++;
    }
    const second = await cluster.repair();
    const leastBytes = [...changed].reduce(
      (sum, [key, value]) => sum + BENCH_BUCKET.length + 1 + key.length + value.length,
      0,
    );
    const row = {
      ...{ keys, missed, ...first, leastBytes, secondRunBytes: second.bytesSent, changesHeld },
      shareOfData: first.bytesSent / (keys * this.valueBytes),
      replicasEqual: new Set(digests).size === 1,
    };
    this.rows.push(row);
    return row;
  }

  async wipe(keys: number, seconds: number): Promise<Wiped> {
    const { cluster } = this;
    const before = feltOf(await this.#foreground(keys, seconds * 1_000));
    await cluster.stopNode("n3");
    await cluster.wipe("n3");
    await cluster.sees("n3", "down");
    const startedMs = performance.now();
    await cluster.startNode("n3");
    let during: LoadResult | undefined;
    const load = this.#foreground(keys, seconds * 1_000).then(async (result) => (during = result));
    await until("n3 is whole", async () => {
      const { settled, transfers } = await cluster.json<{ settled: boolean; transfers: unknown[] }>(
        "n3",
        "/v1/cluster",
      );
      return settled && transfers.length === 0;
    });
    const took = (performance.now() - startedMs) / 1_000;
    await load;
    await cluster.settled();
    await cluster.repair();
    this.wiped = {
      ...{ keys, seconds: took, keysPerSecond: keys / took },
      mebibytesPerSecond: (keys * this.valueBytes) / took / 2 ** 20,
      ...{ before, during: feltOf(during as LoadResult | undefined) },
      replicasEqual: new Set(await cluster.digests()).size === 1,
    };
    return this.wiped;
  }

  #foreground(keys: number, durationMs: number): Promise<LoadResult> {
    return runLoad({
      target: clientTarget(this.client, BENCH_BUCKET, this.valueBytes),
      workload: new Workload("a", keys, 1),
      values: new ValueSource(this.valueBytes, 0),
      ...{ concurrency: FOREGROUND_CONCURRENCY, warmupMs: 0, durationMs },
    });
  }
}

function feltOf(result: LoadResult | undefined): Felt {
  if (result === undefined) throw new Error("the load has not ended");
  const errors = Object.values(result.errors).reduce((sum, count) => sum + count, 0);
  return { opsPerSecond: result.opsPerSecond, p99Ms: Math.max(result.read.p99Ms, result.update.p99Ms), errors };
}

function rowText(row: Row): string {
  const cells = [
    row.keys.toLocaleString("en").padStart(9),
    row.missed.toLocaleString("en").padStart(7),
    row.keysRepaired.toLocaleString("en").padStart(8),
    row.bytesSent.toLocaleString("en").padStart(11),
    row.leastBytes.toLocaleString("en").padStart(11),
    `${(row.shareOfData * 100).toFixed(3)}%`.padStart(9),
    row.secondRunBytes.toLocaleString("en").padStart(10),
    Math.round(row.ms).toLocaleString("en").padStart(7),
    (row.replicasEqual ? "yes" : "NO").padStart(5),
  ];
  return cells.join(" ");
}

const HEAD = "     keys  missed repaired  bytes sent       least  of data  2nd run B      ms equal";

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      keys: { type: "string", default: "1000,10000,100000" },
      missed: { type: "string", default: "0,1,10,100,1000" },
      "value-size": { type: "string", default: "1024" },
      seconds: { type: "string", default: "10" },
      "no-wipe": { type: "boolean", default: false },
      out: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const steps = values.keys.split(",").map(Number);
  const missed = values.missed.split(",").map(Number);
  const cluster = await RepairCluster.start();
  try {
    const client = await cluster.connect();
    const measurement = new Measurement(cluster, client, Number(values["value-size"]));
    process.stdout.write(`${HEAD}\n`);
    for (const keys of steps) {
      await measurement.load(keys);
      for (const count of missed.filter((each) => each <= keys)) {
        process.stdout.write(`${rowText(await measurement.row(keys, count))}\n`);
      }
    }
    if (!values["no-wipe"]) {
      const wiped = await measurement.wipe(steps.at(-1) ?? 0, Number(values.seconds));
      process.stdout.write(`${wipedText(wiped)}\n`);
    }
    await client.close();
    const { rows, wiped } = measurement;
    if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify({ rows, wiped }, undefined, 2)}\n`);
    return rows.every((row) => row.replicasEqual && row.keysRepaired === row.missed) ? 0 : 1;
  } finally {
    await cluster.destroy();
  }
}

function wipedText({ keys, seconds, keysPerSecond, mebibytesPerSecond, before, during, replicasEqual }: Wiped): string {
  const felt = ({ opsPerSecond, p99Ms, errors }: Felt): string =>
    `${Math.round(opsPerSecond)} ops/s, p99 ${p99Ms.toFixed(1)} ms, ${errors} errors`;
  return [
    `wiped node: ${keys} keys back in ${seconds.toFixed(1)} s, ${Math.round(keysPerSecond)} keys/s, ${mebibytesPerSecond.toFixed(1)} MiB/s; replicas equal: ${replicasEqual}`,
    `  foreground before: ${felt(before)}`,
    `  foreground during: ${felt(during)}`,
  ].join("\n");
}

process.exitCode = await main(process.argv.slice(2));
