/**
 * `npm run bench:client [-- --check]`: what the typed client costs beyond the protocol. The same reads and writes at 64 in flight by the bare
 * frame client, by the client in bytes, and by a typed bucket, in turns: against a real cluster of three, where the goal holds, and against a
 * stub that costs nothing, where only the client is left. `--check`: exit 1 when the goal is missed.
 */
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connect, json } from "@kvorum/client";
import { RawClient } from "@kvorum/client/internal";
import { startCluster, type LocalCluster } from "kvorum/testing";
import { Child } from "./child.js";
import { BUCKET, contenders, keys, type Op } from "./client-contenders.js";
import { freePort, lineOf, show, showGoal, type Line, type Round } from "./client-report.js";
import { cpuMicros } from "./cpu-time.js";

const { values: flags } = parseArgs({
  options: {
    "in-flight": { type: "string", default: "64" },
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "11" },
    "value-bytes": { type: "string", default: "100" },
    check: { type: "boolean", default: false },
  },
});
const inFlight = Number(flags["in-flight"]);
const roundMs = Number(flags.seconds) * 1000;
const rounds = Number(flags.rounds);
/** Until every node has heard of the bucket's configuration. */
const GOSSIP_MS = 2_000;
const stub = fileURLToPath(new URL("./stub-process.js", import.meta.url));

/** Around the text of a value: `{"text":""}`. */
const JSON_BYTES = 11;
const value = { text: "x".repeat(Math.max(0, Number(flags["value-bytes"]) - JSON_BYTES)) };

interface Servers {
  readonly name: string;
  readonly seeds: readonly string[];
  readonly pids: readonly number[];
}

const cluster = await startCluster(3);
try {
  const state = await prepare(cluster);
  const stubAddress = `127.0.0.1:${await freePort()}`;
  const child = await Child.start("stub", stub, [stubAddress, state]);
  try {
    const pids = cluster.nodes.flatMap(({ pid }) => pid ?? []);
    const real = { name: "a cluster of three", seeds: cluster.seeds, pids };
    const free = { name: "a stub", seeds: [stubAddress], pids: [child.pid] };
    let isMet = true;
    for (const op of ["get", "put"] as const) {
      isMet = showGoal(op, await measure(real, op)) && isMet;
      await measure(free, op);
    }
    if (flags.check && !isMet) process.exitCode = 1;
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
  const { body } = await raw.get(BUCKET, keys[0] as string);
  const state = Buffer.from(body).toString("base64");
  await raw.close();
  return state;
}

/** Each contender in turn, so that what else the machine does meets all of them. */
async function measure({ name: where, seeds, pids }: Servers, op: Op): Promise<readonly Line[]> {
  const running = await Promise.all(
    Object.entries(contenders).map(async ([name, make]) => ({
      name,
      done: [] as Round[],
      ...(await make({ seeds, op, inFlight, value })),
    })),
  );
  for (const { run } of running) await run(roundMs / 2);
  for (let round = 0; round < rounds; round++) {
    for (const { run, done } of running) done.push(await oneRound(run, pids));
  }
  await Promise.all(running.map(({ close }) => close()));
  const [base] = running.map(({ done }) => done);
  const lines = running.map(({ name, done }) => lineOf(name, done, base ?? []));
  const what = `${inFlight} ${op}s in flight, values of ${flags["value-bytes"]} bytes`;
  show(`${where}, ${what}, ${rounds} rounds of ${flags.seconds} s`, lines);
  return lines;
}

async function oneRound(run: (ms: number) => Promise<number>, pids: readonly number[]): Promise<Round> {
  const serversBefore = cpuMicros(pids);
  const before = process.cpuUsage();
  const startedMs = performance.now();
  const answered = await run(roundMs);
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  const serversMicros = (cpuMicros(pids) ?? Number.NaN) - (serversBefore ?? Number.NaN);
  return {
    rate: answered / seconds,
    cpuMicros: (user + system) / answered,
    serversMicros: serversMicros / answered,
  };
}
