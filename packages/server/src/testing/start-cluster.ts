/// <reference lib="esnext.disposable" preserve="true" />
/** A whole cluster on this machine for a program's tests: real processes, free ports, a temporary folder, gone at the end. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type ConnectOptions, type Kvorum } from "@kvorum/client";
import { untilServing } from "../cli/dev-serving.js";
import { ClusterNode } from "./cluster-node.js";

export interface StartClusterOptions {
  /** More flags of `kvorum start` for every node, such as `["--hint-ttl", "10s"]`. */
  readonly flags?: readonly string[] | undefined;
  /** Milliseconds to wait until all nodes serve as one cluster (default 60,000). */
  readonly timeout?: number | undefined;
}

/** So that what spreads by gossip is there soon. */
const QUICK = ["--gossip-interval", "200ms"];
const TIMEOUT_MS = 60_000;

export class LocalCluster implements AsyncDisposable {
  readonly #nodes: ClusterNode[] = [];
  readonly #folder: string;
  readonly #flags: readonly string[];
  readonly #timeoutMs: number;

  /** @internal */
  constructor(folder: string, flags: readonly string[], timeoutMs: number) {
    this.#folder = folder;
    this.#flags = [...QUICK, ...flags];
    this.#timeoutMs = timeoutMs;
  }

  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  /** Peer addresses of all nodes, for `connect`. */
  get seeds(): readonly string[] {
    return this.nodes.map(({ address }) => address);
  }

  /** HTTP addresses of all nodes. */
  get urls(): readonly string[] {
    return this.nodes.map(({ http }) => `http://${http}`);
  }

  /** Starts one more node, which joins the others. Resolves when it serves; `settled` tells when its share of the data has been moved. */
  async add(): Promise<ClusterNode> {
    const [node] = await this.plan(1);
    await node?.start();
    return node as ClusterNode;
  }

  /** @internal Nodes that are not started yet: the first founds, the others join through those that are there. */
  async plan(count: number): Promise<ClusterNode[]> {
    const ports = await freePorts(2 * count);
    return Array.from({ length: count }, (_, place) => {
      const [http, address] = [`127.0.0.1:${ports[2 * place]}`, `127.0.0.1:${ports[2 * place + 1]}`];
      const name = `n${this.#nodes.length + 1}`;
      const seeds = this.#nodes.length === 0 ? [] : ["--seeds", this.seeds.join(",")];
      const own = ["--name", name, "--data", join(this.#folder, name), "--http", http, "--listen", address];
      const node = new ClusterNode({ name, address, http, args: [...own, ...seeds, ...this.#flags] });
      this.#nodes.push(node);
      return node;
    });
  }

  connect(options: ConnectOptions = {}): Promise<Kvorum> {
    return connect(this.seeds, options);
  }

  /** Resolves when every running node sees all of them up and settled, and reads with a quorum. */
  async settled(): Promise<void> {
    const urls = this.nodes.filter(({ running }) => running).map(({ http }) => `http://${http}`);
    if (await untilServing(urls, this.#timeoutMs)) return;
    throw new Error(`the nodes at ${urls.join(", ")} did not settle as one cluster within ${this.#timeoutMs} ms`);
  }

  /** Ends all nodes and removes their data. */
  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Starts `count` nodes and resolves when they serve as one cluster. */
export async function startCluster(count = 3, options: StartClusterOptions = {}): Promise<LocalCluster> {
  const { flags = [], timeout = TIMEOUT_MS } = options;
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`a cluster has at least one node, not ${count}`);
  const folder = await mkdtemp(join(tmpdir(), "kvorum-test-"));
  const cluster = new LocalCluster(folder, flags, timeout);
  try {
    const nodes = await cluster.plan(count);
    await Promise.all(nodes.map((node) => node.start()));
    await cluster.settled();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** All held at once, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listening));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listening(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}
