/** The two clusters of a run, each of three processes on this machine: Kvorum as a user starts it, and the null Dynamo. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RawClient } from "@kvorum/client/internal";
import { clientTarget } from "../../packages/server/dist/bench/client-target.js";
import { BENCH_BUCKET, discover, prepareBucket } from "../../packages/server/dist/bench/cluster-setup.js";
import type { Target } from "../../packages/server/dist/bench/load.js";
import { Child } from "./child.js";
import { childrenOf } from "./cpu-time.js";

export type SystemName = "null" | "kvorum";

export interface System {
  readonly name: SystemName;
  readonly target: Target;
  /** Of the server processes. */
  readonly pids: readonly number[];
  /** The end of what the servers wrote to stderr: for a run that went wrong. */
  lastWords(): string;
  stop(): Promise<void>;
}

const NODES = 3;
/** What `kvorum dev` puts between two nodes, and from a node's HTTP port to its peer port. */
const PORTS_PER_NODE = 10;
const PORT_BASE_FIRST = 17_400;
const PORT_BASE_LAST = 27_400;
const PORTS_APART = 100;

const kvorum = fileURLToPath(new URL("../../packages/server/bin/kvorum.js", import.meta.url));
const nullProcess = fileURLToPath(new URL("./null-process.js", import.meta.url));

export async function startSystem(name: SystemName, valueBytes: number): Promise<System> {
  return name === "null" ? startNull(valueBytes) : startKvorum(valueBytes);
}

async function startNull(valueBytes: number): Promise<System> {
  const base = await freePorts();
  const addresses = Array.from({ length: NODES }, (_, i) => `127.0.0.1:${base + i * PORTS_PER_NODE}`);
  const children: Child[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(children.map((child) => child.stop())));
  try {
    for (const self of addresses) {
      const others = addresses.filter((address) => address !== self);
      children.push(await Child.start(`null ${self}`, nullProcess, [self, ...others]));
    }
    const client = await RawClient.connect(addresses, { name: "bench" });
    return {
      name: "null",
      target: clientTarget(client, BENCH_BUCKET, valueBytes, true),
      pids: children.map((child) => child.pid),
      lastWords: () => children.map((child) => child.lastWords).join(""),
      stop: () => client.close().then(stop),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startKvorum(valueBytes: number): Promise<System> {
  const base = await freePorts();
  const data = await mkdtemp(join(tmpdir(), "kvorum-bench-"));
  const removeData = (): Promise<void> => rm(data, { recursive: true, force: true });
  let dev: Child | undefined;
  try {
    const flags = ["--nodes", String(NODES), "--port-base", String(base), "--data", data];
    dev = await Child.start("kvorum dev", kvorum, ["dev", ...flags]);
    const started = dev;
    const { seeds, urls } = await discover(`http://127.0.0.1:${base}`);
    await prepareBucket(BENCH_BUCKET, urls);
    const client = await RawClient.connect(seeds, { name: "bench" });
    return {
      name: "kvorum",
      target: clientTarget(client, BENCH_BUCKET, valueBytes),
      pids: childrenOf(dev.pid),
      lastWords: () => started.lastWords,
      stop: () =>
        client
          .close()
          .then(() => started.stop())
          .then(removeData),
    };
  } catch (error) {
    await dev?.stop();
    await removeData();
    throw error;
  }
}

/** A base such that all ports of a cluster above it are free now. Looked for from anywhere: two runs that begin at once must not meet. */
export async function freePorts(): Promise<number> {
  const places = (PORT_BASE_LAST - PORT_BASE_FIRST) / PORTS_APART;
  const start = Math.floor(Math.random() * places);
  for (let tried = 0; tried < places; tried++) {
    const base = PORT_BASE_FIRST + ((start + tried) % places) * PORTS_APART;
    const ports = Array.from({ length: NODES }, (_, i) => base + i * PORTS_PER_NODE).flatMap((port) => [
      port,
      port + 1,
    ]);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base;
  }
  throw new Error(`no free ports from ${PORT_BASE_FIRST} to ${PORT_BASE_LAST}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port }, () => server.close(() => resolve(true)));
  });
}
