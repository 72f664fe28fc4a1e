/** The contract of the network port, on the simulated network on a fair day. */
import { Rng, type Hello } from "@kvorum/core";
import { expect } from "vitest";
import { testPrimitives } from "../../../core/test/primitives.js";
import {
  CLUSTER,
  networkContract,
  type NetworkWorld,
  type TestEndpoint,
} from "../../../server/test/transport/contract.js";
import { RunDigest } from "../../src/digest.js";
import { Endpoint } from "../../src/world/endpoint.js";
import { SimNetwork } from "../../src/world/network.js";
import { Process } from "../../src/world/process.js";
import { Timeline } from "../../src/world/timeline.js";
import { WallClock } from "../../src/world/wall-clock.js";

class SimulatedNetworkWorld implements NetworkWorld {
  readonly timeline = new Timeline(new RunDigest());
  readonly network: SimNetwork;
  readonly #processes = new Map<TestEndpoint, { readonly process: Process; readonly endpoint: Endpoint }>();

  constructor(queueBytesMax: number, frameBytesMax: number) {
    this.network = new SimNetwork(this.timeline, new Rng(1), this.timeline.digest, {
      ...{ primitives: testPrimitives, delayMinMs: 0.5, delayMaxMs: 3, queueBytesMax, frameBytesMax },
      ...{ dialTimeoutMs: 100, stallMs: 200 },
      onWeather: () => {},
      onFull: () => {},
      onMalformed: () => {},
    });
  }

  endpoint(name: string): Promise<TestEndpoint> {
    return Promise.resolve(this.#open(name, `${name}:1`));
  }

  async kill(test: TestEndpoint): Promise<void> {
    const { process, endpoint } = this.#processes.get(test) ?? {};
    process?.end();
    endpoint?.vanish(false);
    await this.settle();
  }

  revive(endpoint: TestEndpoint): Promise<TestEndpoint> {
    return Promise.resolve(this.#open(endpoint.hello.name, endpoint.address));
  }

  until(condition: () => boolean): Promise<void> {
    expect(this.timeline.until(condition, 10_000)).toBe(true);
    return Promise.resolve();
  }

  settle(): Promise<void> {
    this.timeline.run(1_000);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #open(name: string, address: string): TestEndpoint {
    const process = new Process(this.timeline, new WallClock(this.timeline), (error) => {
      throw error;
    });
    const endpoint = new Endpoint(this.network, {
      ...{ name, address, process },
      hello: () => test.hello,
      clusterId: () => test.clusterId,
      handler: {
        admit: (hello: Hello) => test.admits(hello),
        receive(envelope, link) {
          test.received.push({ envelope, link });
          test.onReceive(envelope, link);
        },
        refused: (to, reason) => test.refusals.push(`${to}: ${reason}`),
        lost: (to, sent) => test.losses.push({ to, sent }),
      },
    });
    const test: TestEndpoint = {
      ...{ address, network: endpoint, received: [], refusals: [], losses: [], clusterId: CLUSTER },
      hello: { kind: "hello", role: "member", name, instance: 0xabcdef },
      admits: () => undefined,
      onReceive: () => {},
    };
    this.network.open(endpoint);
    this.#processes.set(test, { process, endpoint });
    return test;
  }
}

networkContract("the simulated network", (queue, frame) => new SimulatedNetworkWorld(queue, frame));
