/** A whole node in memory: the shipped core over a store that forgets and a network that leads nowhere. */
import { getRandomValues, randomInt } from "node:crypto";
import { defaultSettings, limits, MemoryStorage, noNetwork, Rng, Starter, type Clock, type Node } from "@kvorum/core";
import { NodeTransport } from "../transports/node-transport.js";
import { createPrimitives } from "../primitives.js";
import { systemClock } from "../system-clock.js";

const PARTITIONS = 64;

/** Resolves when it serves. `close` of the transport ends it. */
export async function startMemoryNode(clock: Clock = systemClock): Promise<NodeTransport> {
  const primitives = await createPrimitives();
  const storage = new MemoryStorage((run) => void setImmediate(run));
  const node = await new Promise<Node>((resolve, reject) => {
    const starter = new Starter({
      ...{ primitives, clock, storage, network: noNetwork, name: "memory", settings: defaultSettings },
      ...{ partitions: PARTITIONS, replicas: undefined },
      rng: new Rng(randomInt(2 ** 32)),
      entropy: (count) => getRandomValues(new Uint8Array(count)),
      log: () => {},
      onNode: (started, begin) => {
        begin({ address: "", http: "" });
        resolve(started);
      },
      onFatal: (_, reason) => reject(new Error(reason)),
    });
    starter.start();
  });
  const close = (): Promise<void> => new Promise((resolve) => node.stop(() => storage.close(resolve)));
  return new NodeTransport({ api: node, primitives, timeoutMs: limits.requestTimeoutMs, close });
}
