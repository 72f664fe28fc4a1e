/** The composition: one real node from a configuration, every port given its adapter here and nowhere else. */
import { getRandomValues, randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createPrimitives, systemClock } from "@kvorum/client/internal";
import {
  limits,
  noNetwork,
  Rng,
  Starter,
  type Log,
  type Node,
  type NodeApi,
  type Primitives,
  type Whereabouts,
} from "@kvorum/core";
import { ConfigError } from "../config/config-error.js";
import { formatAddress, isWildcard, type Address } from "../config/address.js";
import type { NodeConfig } from "../config/schema.js";
import { openDataFolder, type DataFolder } from "../data-folder/data-folder.js";
import { DataFolderError } from "../data-folder/errors.js";
import { createHttpDoor, type HttpDoor } from "../doors/http/door.js";
import { NodeMetrics } from "../doors/http/metrics.js";
import { openStorage, type OpenedStorage } from "../storage/open-storage.js";
import { FolderSnapshots } from "../tools/snapshots.js";
import { TcpNetwork } from "../transport/tcp-network.js";
import { version } from "../version.js";
import { StorageError } from "./storage-error.js";

/** A node's configuration, where a door may be left out: without a peer door the node is alone. */
export interface RunConfig extends Omit<NodeConfig, "http" | "listen"> {
  readonly http: Address | undefined;
  readonly listen: Address | undefined;
}

/** A node that serves. */
export interface RunningNode {
  /** `host:port` where HTTP is bound; empty without that door. */
  readonly httpAddress: string;
  readonly peerAddress: string;
  /** Takes no more requests, finishes those under way, and closes. */
  stop(): Promise<void>;
  /** Resolves when the node cannot go on, with why. */
  readonly failed: Promise<Error>;
  /** Resolves when the node was asked to leave its cluster, and has: it is to be stopped. */
  readonly departed: Promise<"departed">;
}

/** With what the program that it runs in can ask of it. */
export interface NodeInProcess extends RunningNode {
  readonly api: NodeApi;
  readonly primitives: Primitives;
}

/** Starts a node. Rejects with {@link ConfigError}, {@link DataFolderError} or {@link StorageError} for what an operator can mend. */
export async function runNode(config: RunConfig, log: Log = () => {}): Promise<NodeInProcess> {
  const folder = await openDataFolder(config.data, { engine: config.engine, createdBy: `kvorum ${version}` });
  try {
    const primitives = await createPrimitives();
    const { storage, stats } = await openStorage(config.engine, folder.storagePath, primitives).catch(asStorageError);
    const snapshots = config.engine === "log" ? await FolderSnapshots.open(folder.path) : undefined;
    return await startOn(config, folder, primitives, { storage, stats }, snapshots, log);
  } catch (error) {
    await folder.release();
    throw error;
  }
}

function asStorageError(error: unknown): never {
  throw new StorageError((error as Error).message, { cause: error });
}

async function startOn(
  config: RunConfig,
  folder: DataFolder,
  primitives: Primitives,
  { storage, stats }: OpenedStorage,
  snapshots: FolderSnapshots | undefined,
  log: Log,
): Promise<NodeInProcess> {
  const fatal = new Signal<Error>();
  const departed = new Signal<"departed">();
  const composed = new Signal<{ readonly node: Node; readonly begin: (whereabouts: Whereabouts) => void }>();
  const tcp: TcpNetwork = new TcpNetwork({
    text: primitives.text,
    hello: () => starter.hello(),
    clusterId: () => starter.clusterId(),
    limits: { clientFrameBytesMax: Math.max(limits.clientFrameBytesMax, 2 * config.valueBytesMax) },
    handler: {
      admit: (hello) => starter.admit(hello),
      receive: (envelope, link) => starter.receive(envelope, link),
      refused: (address, reason) => starter.refused(address, reason),
      lost: (address, sent) => starter.lost(address, sent),
    },
  });
  const network = config.listen === undefined ? noNetwork : tcp;
  const starter = new Starter({
    ...{ primitives, storage, network, log, clock: systemClock, name: config.name },
    rng: new Rng(randomInt(2 ** 32)),
    entropy: (count) => getRandomValues(new Uint8Array(count)),
    partitions: config.partitions,
    replicas: config.replicas,
    settings: settingsOf(config),
    onNode: (node, begin) => composed.send({ node, begin }),
    onFatal: (kind, reason) => fatal.send(errorOf(kind, reason)),
    onDeparted: () => departed.send("departed"),
  });
  let door: HttpDoor | undefined;
  let node: Node | undefined;
  const close = async (): Promise<void> => {
    await door?.close();
    await called((done) => (node === undefined ? done() : node.stop(done)));
    await called((done) => tcp.close(done));
    await called((done) => storage.close(done));
    await folder.release();
  };
  try {
    const peer = config.listen && (await bound(config.listen, "listen", (host, port) => tcp.listen(host, port)));
    if (config.http !== undefined) await refuseTaken(config.http);
    starter.start();
    const first = await Promise.race([composed.received, fatal.received]);
    if (first instanceof Error) throw first;
    node = first.node;
    door = createHttpDoor({
      ...{
        node,
        primitives,
        clock: systemClock,
        metrics: new NodeMetrics(() => first.node.stats(), true, stats),
        snapshots,
      },
      limits: { valueBytesMax: config.valueBytesMax, requestTimeoutMs: config.requestTimeoutMs },
    });
    const http =
      config.http && (await bound(config.http, "http", (host, port) => (door as HttpDoor).listen(host, port)));
    const whereabouts = {
      address: addressText(config.advertise ?? (peer && reachable(peer))),
      http: addressText(config.httpAdvertise ?? (http && reachable(http))),
    };
    first.begin(whereabouts);
    const refused = await Promise.race([believed(first.node), fatal.received]);
    if (refused instanceof Error) throw refused;
    return {
      ...{ httpAddress: addressText(http), peerAddress: addressText(peer), api: node, primitives },
      ...{ stop: close, failed: fatal.received, departed: departed.received },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function settingsOf(config: RunConfig): ConstructorParameters<typeof Starter>[0]["settings"] {
  return {
    zone: config.zone,
    weight: 1,
    seeds: config.seeds.map(formatAddress),
    gossipIntervalMs: config.gossipIntervalMs,
    siblingsMax: config.siblingsMax,
    valueBytesMax: config.valueBytesMax,
    requestsInFlightMax: 4096,
    readRepair: config.readRepair,
    hints: config.hints,
    handoffIntervalMs: config.handoffIntervalMs,
    hintTtlMs: config.hintTtlMs,
    antiEntropy: config.antiEntropy,
    antiEntropyIntervalMs: config.antiEntropyIntervalMs,
    reapIntervalMs: config.reapIntervalMs,
    messageLifeMs: config.messageLifeMs,
  };
}

function errorOf(kind: "config" | "folder" | "storage" | "identity", reason: string): Error {
  switch (kind) {
    case "config":
      return new ConfigError(reason);
    case "folder":
    case "identity":
      return new DataFolderError(reason);
    case "storage":
      return new StorageError(reason);
  }
}

/** Binds a door; an address that can't be had is the operator's to mend. */
async function bound(
  address: Address,
  setting: string,
  listen: (host: string, port: number) => Promise<{ readonly port: number }>,
): Promise<Address> {
  try {
    const { port } = await listen(address.host, address.port);
    return { host: address.host, port };
  } catch (error) {
    throw new ConfigError(`${setting} ${formatAddress(address)} can't be bound: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** How long a start waits to be ready: one that was started before asks others whether its folder is an old copy, and they may be away. */
const BELIEVED_MS = 500;
const LOOK_MS = 5;

/**
 * Resolves when the node is ready, or has not become so in time: it serves all the same, as far as it can. An old copy of a folder, which its cluster
 * refuses within a round trip, was never said to be ready.
 */
async function believed(node: Node): Promise<void> {
  const endMs = systemClock.monotonicMs() + BELIEVED_MS;
  while (!node.ready() && systemClock.monotonicMs() < endMs) await sleep(LOOK_MS);
}

/**
 * The HTTP door opens when there is a node behind it. By then a new folder has founded a cluster, or is a member of one: an address that can't be had is
 * told before that, and the start that was meant comes to an empty folder.
 */
async function refuseTaken(address: Address): Promise<void> {
  const probe = createServer();
  await bound(address, "http", async (host, port) => {
    probe.listen({ host, port });
    await once(probe, "listening");
    return { port };
  });
  await called((done) => probe.close(() => done()));
}

/** Where others reach a door bound to every address of the machine: as far as one machine goes, its loopback. */
function reachable(address: Address): Address {
  return isWildcard(address) ? { host: "127.0.0.1", port: address.port } : address;
}

function addressText(address: Address | undefined): string {
  return address === undefined ? "" : formatAddress(address);
}

function called(run: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => run(resolve));
}

/** A value that comes once. */
class Signal<T> {
  #resolve: (value: T) => void = () => {};
  readonly received = new Promise<T>((resolve) => (this.#resolve = resolve));

  send(value: T): void {
    this.#resolve(value);
  }
}
