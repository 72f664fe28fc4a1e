/** Clusters of real nodes in a folder of their own, for one test file: started, settled, shown when a test fails, and gone afterwards. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Host } from "./netns.js";
import { freePort, KvorumNode } from "./node.js";
import { until } from "./until.js";

export interface ClusterView {
  readonly cluster: string;
  readonly node: string;
  readonly partitions: number;
  readonly settled: boolean;
  readonly members: readonly {
    readonly name: string;
    readonly address: string;
    readonly http: string;
    readonly zone: string;
    readonly status: string;
    readonly ownership: number;
    readonly hints: number;
  }[];
  readonly transfers: readonly unknown[];
}

export interface ClusterOptions {
  readonly count?: number;
  /** Flags of every node. */
  readonly flags?: readonly string[];
  /** Before the names: two clusters of one file are told apart. */
  readonly prefix?: string;
  /** A machine for each node, by its name; all are on this one when nothing is said. */
  readonly hosts?: readonly Host[];
}

const LOG_LINES_SHOWN = 60;
/** So that what spreads by gossip is there soon. */
const QUICK = ["--gossip-interval", "200ms"];

export class Cluster {
  readonly nodes: KvorumNode[] = [];

  private constructor(
    readonly folder: string,
    readonly flags: readonly string[],
    readonly hosts: readonly Host[],
  ) {}

  static async start({ count = 3, flags = [], prefix = "n", hosts = [] }: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), "kvorum-outside-")), [...QUICK, ...flags], hosts);
    try {
      for (let i = 1; i <= count; i++) await cluster.plan(`${prefix}${i}`);
      await Promise.all(cluster.nodes.map((node) => node.start()));
      await cluster.settled();
      return cluster;
    } catch (error) {
      cluster.show();
      await cluster.destroy();
      throw error;
    }
  }

  /** A node that is not started: the first founds, the others join through it. */
  async plan(name: string): Promise<KvorumNode> {
    const first = this.nodes[0];
    const host = this.hosts.find((each) => each.name === name);
    const node = new KvorumNode({
      name,
      ...(host && { host: host.address, wrapper: host.enter }),
      data: join(this.folder, name),
      httpPort: await freePort(),
      peerPort: await freePort(),
      seeds: first === undefined ? [] : [first.peer],
      flags: this.flags,
    });
    this.nodes.push(node);
    return node;
  }

  node(index: number): KvorumNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  get running(): KvorumNode[] {
    return this.nodes.filter((node) => node.isRunning);
  }

  /** Waits until every running node sees all of them up and the cluster settled, and reaches them. */
  async settled(): Promise<void> {
    const names = this.running.map(({ name }) => name);
    await this.#agree(names);
    // Seen up is not yet reached: a node that was away is dialled again after a pause.
    for (const node of this.running.length === this.nodes.length ? this.running : []) {
      await until(`${node.name} reaches all replicas`, async () => {
        const reply = await node.http.get("/v1/kv/nothing/here?r=all");
        if (reply.status === 404) return true;
        throw new Error(`${reply.status} ${reply.body.toString()}`);
      });
    }
  }

  async #agree(names: readonly string[]): Promise<void> {
    for (const node of this.running) {
      await until(`${node.name} sees ${names.join(", ")} up and settled`, async () => {
        const { settled, members } = await node.http.json<ClusterView>("/v1/cluster");
        const up = members.filter(({ status }) => status === "up").map(({ name }) => name);
        if (settled && names.every((name) => up.includes(name))) return true;
        throw new Error(JSON.stringify({ settled, members }));
      });
    }
  }

  /** Waits until every running node that is named sees `name` with `status`. */
  async sees(name: string, status: string, by: readonly KvorumNode[] = this.running): Promise<void> {
    for (const node of by) {
      await until(`${node.name} sees ${name} ${status}`, async () => {
        const { members } = await node.http.json<ClusterView>("/v1/cluster");
        return members.some((member) => member.name === name && member.status === status);
      });
    }
  }

  show(): void {
    for (const { name, log } of this.nodes) {
      console.error(`── ${name}\n${log.slice(-LOG_LINES_SHOWN).join("\n")}`);
    }
  }

  async destroy(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** One cluster for all tests of the calling file or block. */
export function useCluster(options: ClusterOptions = {}): () => Cluster {
  let cluster: Cluster | undefined;
  beforeAll(async () => {
    cluster = await Cluster.start(options);
  });
  beforeEach(({ onTestFailed }) => onTestFailed(() => cluster?.show()));
  afterAll(() => cluster?.destroy());
  return () => {
    if (cluster === undefined) throw new Error("the cluster has not been started");
    return cluster;
  };
}
