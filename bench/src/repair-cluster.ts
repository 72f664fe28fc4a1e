/** Three real nodes of which only anti-entropy heals, and it only when it is asked to: for measuring what it costs. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RawClient } from "@kvorum/client/internal";
import type { RepairView } from "@kvorum/core";
import { BENCH_BUCKET, prepareBucket } from "../../packages/server/dist/bench/cluster-setup.js";
import { Child } from "./child.js";
import { freePorts } from "./systems.js";
import { lookUntil, type Look } from "./until.js";

const NAMES = ["n1", "n2", "n3"] as const;
export type NodeName = (typeof NAMES)[number];

const kvorum = fileURLToPath(new URL("../../packages/server/bin/kvorum.js", import.meta.url));
const ONLY_ON_DEMAND = ["--no-hints", "--no-read-repair", "--no-anti-entropy", "--gossip-interval", "200ms"];
const POLL_MS = 25;
const DEADLINE_MS = 600_000;

interface ClusterDocument {
  readonly settled: boolean;
  readonly transfers: readonly unknown[];
  readonly members: readonly { readonly name: string; readonly status: string }[];
}

export class RepairCluster {
  readonly #children = new Map<NodeName, Child>();

  private constructor(
    readonly folder: string,
    readonly base: number,
  ) {}

  static async start(): Promise<RepairCluster> {
    const cluster = new RepairCluster(await mkdtemp(join(tmpdir(), "kvorum-repair-")), await freePorts());
    try {
      for (const name of NAMES) await cluster.startNode(name);
      await cluster.settled();
      await prepareBucket(
        BENCH_BUCKET,
        NAMES.map((name) => cluster.url(name)),
      );
      return cluster;
    } catch (error) {
      await cluster.destroy();
      throw error;
    }
  }

  url(name: NodeName): string {
    return `http://127.0.0.1:${this.base + 10 * NAMES.indexOf(name)}`;
  }

  #peer(name: NodeName): string {
    return `127.0.0.1:${this.base + 10 * NAMES.indexOf(name) + 1}`;
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(
      NAMES.map((name) => this.#peer(name)),
      { name: "bench" },
    );
  }

  async startNode(name: NodeName): Promise<void> {
    const seeds = name === "n1" ? [] : ["--seeds", this.#peer("n1")];
    const doors = ["--http", this.url(name).slice("http://".length), "--listen", this.#peer(name)];
    const args = ["start", "--name", name, "--data", join(this.folder, name), ...doors, ...seeds, ...ONLY_ON_DEMAND];
    this.#children.set(name, await Child.start(name, kvorum, args));
  }

  async stopNode(name: NodeName): Promise<void> {
    await this.#children.get(name)?.stop();
    this.#children.delete(name);
  }

  wipe(name: NodeName): Promise<void> {
    return rm(join(this.folder, name), { recursive: true, force: true });
  }

  /** Every running node sees all others of them up, and nothing moves. */
  async settled(): Promise<void> {
    const running = [...this.#children.keys()];
    for (const name of running) {
      await until(`${name} is settled`, async () => {
        const { settled, transfers, members } = await this.json<ClusterDocument>(name, "/v1/cluster");
        const up = members.filter(({ status }) => status === "up").map((member) => member.name);
        return settled && transfers.length === 0 && running.every((other) => up.includes(other));
      });
    }
  }

  async sees(name: NodeName, status: string): Promise<void> {
    for (const other of this.#children.keys()) {
      await until(`${other} sees ${name} ${status}`, async () => {
        const { members } = await this.json<ClusterDocument>(other, "/v1/cluster");
        return members.some((member) => member.name === name && member.status === status);
      });
    }
  }

  /** Begins a repair everywhere and waits for its end: what was added to the counts. */
  async repair(): Promise<{ readonly keysRepaired: number; readonly bytesSent: number; readonly ms: number }> {
    const startedMs = performance.now();
    const before = await this.json<RepairView>("n1", "/v1/repair");
    await fetch(`${this.url("n1")}/v1/repair`, { method: "POST" });
    const after = await until("the repair has ended", async () => {
      const view = await this.json<RepairView>("n1", "/v1/repair");
      return view.running ? undefined : view;
    });
    return {
      keysRepaired: after.keysRepaired - before.keysRepaired,
      bytesSent: after.bytesSent - before.bytesSent,
      ms: performance.now() - startedMs,
    };
  }

  /** By node, the roots of its hash trees: equal texts mean equal replicas, since all three own everything. */
  async digests(): Promise<readonly string[]> {
    const documents = NAMES.map((name) => this.json(name, "/v1/digests"));
    return (await Promise.all(documents)).map((document) => JSON.stringify(document));
  }

  async json<T>(name: NodeName, path: string): Promise<T> {
    const response = await fetch(`${this.url(name)}${path}`);
    if (!response.ok) throw new Error(`${name} answered ${response.status} to ${path}`);
    return (await response.json()) as T;
  }

  /** The very bytes that one node holds of a key. */
  async held(name: NodeName, key: string): Promise<Uint8Array> {
    const response = await fetch(`${this.url(name)}/v1/kv/${BENCH_BUCKET}/${key}?local=true`);
    if (response.status !== 200) throw new Error(`${name} answered ${response.status} for ${key}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => child.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Looks often, since what is waited for is timed. */
export function until<T>(what: string, look: Look<T>): Promise<T> {
  return lookUntil(what, look, { deadlineMs: DEADLINE_MS, pauseMs: POLL_MS, pauseMsMax: POLL_MS });
}
