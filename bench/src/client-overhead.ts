/**
 * `npm run bench:client`: what the typed client costs beyond the protocol. The same reads and writes at 64 in flight by the bare frame client, by the
 * client in bytes, and by a typed bucket, in turns: against a real cluster of three, and against a stub that costs nothing, where only the
 * client is left.
 */
import { connect, json, resolvers } from "@kvorum/client";
import { RawClient } from "@kvorum/client/internal";
import type { GetCommand, PutCommand } from "@kvorum/core";
import { bucketKey, freePort, median, show, type Line } from "./client-report.js";
import { Child } from "./child.js";
import { FrameClient } from "./frame-client.js";
import { startCluster, type LocalCluster } from "kvorum/testing";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setTimeout as pause } from "node:timers/promises";

const { values: flags } = parseArgs({
  options: {
    "in-flight": { type: "string", default: "64" },
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "11" },
    "value-bytes": { type: "string", default: "100" },
  },
});
const inFlight = Number(flags["in-flight"]);
const roundMs = Number(flags.seconds) * 1000;
const rounds = Number(flags.rounds);
const KEYS = 256;
/** Until every node has heard of the bucket's configuration. */
const GOSSIP_MS = 2_000;
const BUCKET = "overhead";
const stub = fileURLToPath(new URL("./stub-process.js", import.meta.url));

const value = { text: "x".repeat(Math.max(0, Number(flags["value-bytes"]) - 11)) };
const encodedValue = new Uint8Array(Buffer.from(JSON.stringify(value)));
const keys = Array.from({ length: KEYS }, (_, i) => `key-${i}`);

type Op = "get" | "put";

/** Who asks: runs for a while, and says how many answers came. */
type Contender = (
  seeds: readonly string[],
  op: Op,
) => Promise<{ readonly run: (ms: number) => Promise<number>; readonly close: () => Promise<void> }>;

const contenders: Readonly<Record<string, Contender>> = {
  async frames(seeds, op) {
    let turn = 0;
    const messages = keys.map((key) => messageOf(op, bucketKey(BUCKET, key)));
    const next = () => messages[turn++ % KEYS] as (typeof messages)[number];
    return {
      run: async (ms) => {
        const clients = seeds.map((seed) => new FrameClient(seed, next));
        clients.forEach((client, place) => client.start(share(inFlight, seeds.length, place)));
        await pause(ms);
        const answered = clients.reduce((sum, client) => sum + client.answered, 0);
        clients.forEach((client) => client.stop());
        return answered;
      },
      close: () => Promise.resolve(),
    };
  },

  async bytes(seeds, op) {
    const client = await RawClient.connect(seeds);
    const read = async (key: string): Promise<unknown> => (await client.get(BUCKET, key)).siblings;
    const write = (key: string): Promise<unknown> => client.put(BUCKET, key, encodedValue);
    return {
      run: (ms) => loop(ms, op === "get" ? read : write),
      close: () => client.close(),
    };
  },

  async typed(seeds, op) {
    const kv = await connect(seeds);
    const bucket = kv.bucket(BUCKET, { codec: json<typeof value>(), resolve: resolvers.lww() });
    const read = async (key: string): Promise<unknown> => (await bucket.get(key))?.value.text;
    const write = (key: string): Promise<unknown> => bucket.put(key, value);
    return {
      run: (ms) => loop(ms, op === "get" ? read : write),
      close: () => kv.close(),
    };
  },
};

const cluster = await startCluster(3);
try {
  const state = await prepare(cluster);
  const stubAddress = `127.0.0.1:${await freePort()}`;
  const child = await Child.start("stub", stub, [stubAddress, state]);
  try {
    for (const op of ["get", "put"] as const) {
      await measure("a cluster of three", cluster.seeds, op);
      await measure("a stub", [stubAddress], op);
    }
  } finally {
    await child.stop();
  }
} finally {
  await cluster.close();
}

/** Writes the keys; gives the stored state of one, for the stub. */
async function prepare({ seeds }: LocalCluster): Promise<string> {
  const kv = await connect(seeds);
  // Blind writes of the same keys: where siblings are kept each would add one more.
  await kv.configure(BUCKET, { conflicts: "lww" });
  await pause(GOSSIP_MS);
  const bucket = kv.bucket(BUCKET, { codec: json<typeof value>() });
  const outcomes = await bucket.putMany(keys.map((key) => ({ key, value })));
  if (outcomes.some(({ ok }) => !ok)) throw new Error("the keys could not be written");
  await kv.close();
  const raw = await RawClient.connect(seeds);
  const { body = new Uint8Array() } = await raw.get(BUCKET, keys[0] as string);
  const state = Buffer.from(body).toString("base64");
  await raw.close();
  return state;
}

/** Each contender in turn, so that what else the machine does meets all of them. */
async function measure(where: string, seeds: readonly string[], op: Op): Promise<void> {
  const lines: Line[] = [];
  const running = await Promise.all(
    Object.entries(contenders).map(async ([name, make]) => ({ name, ...(await make(seeds, op)) })),
  );
  for (const { run } of running) await run(roundMs / 2);
  const measured = new Map(running.map(({ name }) => [name, { rates: [] as number[], cpu: [] as number[] }]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of running) {
      const before = process.cpuUsage();
      const startedMs = performance.now();
      const answered = await run(roundMs);
      const seconds = (performance.now() - startedMs) / 1000;
      const { user, system } = process.cpuUsage(before);
      measured.get(name)?.rates.push(answered / seconds);
      measured.get(name)?.cpu.push((user + system) / answered);
    }
  }
  const base = median(measured.get("frames")?.rates ?? []);
  for (const [name, { rates, cpu }] of measured) {
    lines.push({ name, rate: median(rates), share: median(rates) / base, cpuMicros: median(cpu) });
  }
  await Promise.all(running.map(({ close }) => close()));
  show(
    `${where}, ${inFlight} ${op}s in flight, values of ${flags["value-bytes"]} bytes, ${rounds} rounds of ${flags.seconds} s`,
    lines,
  );
}

async function loop(ms: number, work: (key: string) => Promise<unknown>): Promise<number> {
  const endMs = performance.now() + ms;
  let answered = 0;
  let turn = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await work(keys[turn++ % KEYS] as string);
      answered++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return answered;
}

function messageOf(op: Op, id: Uint8Array): GetCommand | PutCommand {
  if (op === "get") return { kind: "get", id, r: undefined, sloppy: true, local: false, hops: 0 };
  const what = { value: encodedValue, contentType: "application/json", context: new Uint8Array() };
  return { kind: "put", id, ...what, w: undefined, sloppy: true, ifAbsent: false, operation: undefined, hops: 0 };
}

function share(total: number, parts: number, place: number): number {
  return Math.floor(total / parts) + (place < total % parts ? 1 : 0);
}
