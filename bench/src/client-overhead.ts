/**
 * `npm run bench:client`: what the typed client costs beyond the protocol. The same reads at 64 in flight by the bare frame client, by the client in
 * bytes, and by a typed bucket, in turns: against a real cluster of three, and against a stub that costs nothing, where only the client is left.
 */
import { connect, json, resolvers } from "@kvorum/client";
import { RawClient } from "@kvorum/client/internal";
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
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    "value-bytes": { type: "string", default: "100" },
  },
});
const inFlight = Number(flags["in-flight"]);
const roundMs = Number(flags.seconds) * 1000;
const rounds = Number(flags.rounds);
const KEYS = 256;
const BUCKET = "overhead";
const stub = fileURLToPath(new URL("./stub-process.js", import.meta.url));

const value = { text: "x".repeat(Math.max(0, Number(flags["value-bytes"]) - 11)) };
const keys = Array.from({ length: KEYS }, (_, i) => `key-${i}`);

/** Who asks: runs for a while, and says how many answers came. */
type Contender = (
  seeds: readonly string[],
) => Promise<{ readonly run: (ms: number) => Promise<number>; readonly close: () => Promise<void> }>;

const contenders: Readonly<Record<string, Contender>> = {
  async frames(seeds) {
    let turn = 0;
    const messages = keys.map((key) => {
      const id = bucketKey(BUCKET, key);
      return { kind: "get", id, r: undefined, sloppy: true, local: false, hops: 0 } as const;
    });
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

  async bytes(seeds) {
    const client = await RawClient.connect(seeds);
    return {
      run: (ms) => loop(ms, async (key) => void (await client.get(BUCKET, key)).siblings),
      close: () => client.close(),
    };
  },

  async typed(seeds) {
    const kv = await connect(seeds);
    const bucket = kv.bucket(BUCKET, { codec: json<typeof value>(), resolve: resolvers.lww() });
    return {
      run: (ms) => loop(ms, async (key) => void (await bucket.get(key))?.value.text),
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
    await measure("a cluster of three", cluster.seeds);
    await measure("a stub", [stubAddress]);
  } finally {
    await child.stop();
  }
} finally {
  await cluster.close();
}

/** Writes the keys; gives the stored state of one, for the stub. */
async function prepare({ seeds }: LocalCluster): Promise<string> {
  const kv = await connect(seeds);
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
async function measure(where: string, seeds: readonly string[]): Promise<void> {
  const lines: Line[] = [];
  const running = await Promise.all(
    Object.entries(contenders).map(async ([name, make]) => ({ name, ...(await make(seeds)) })),
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
    `${where}, ${inFlight} gets in flight, values of ${flags["value-bytes"]} bytes, ${rounds} rounds of ${flags.seconds} s`,
    lines,
  );
}

async function loop(ms: number, work: (key: string) => Promise<void>): Promise<number> {
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

function share(total: number, parts: number, place: number): number {
  return Math.floor(total / parts) + (place < total % parts ? 1 : 0);
}
