/** The in-memory network against the port's contract, and what it alone can do: be cut. */
import { MemoryNetwork, type Hello, type MemoryEndpoint } from "@kvorum/core";
import { expect, test } from "vitest";
import { testPrimitives } from "../../../core/test/primitives.js";
import { ask, CLUSTER, networkContract, type NetworkWorld, type TestEndpoint } from "./contract.js";

/** Runs what was deferred, in order, when told to. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly defer = (run: () => void): void => void this.#waiting.push(run);

  run(): void {
    for (let run = this.#waiting.shift(); run !== undefined; run = this.#waiting.shift()) run();
  }
}

class MemoryWorld implements NetworkWorld {
  readonly turns = new Turns();
  readonly hub: MemoryNetwork;

  constructor(queueBytesMax: number, frameBytesMax: number) {
    this.hub = new MemoryNetwork({ text: testPrimitives.text, defer: this.turns.defer, queueBytesMax, frameBytesMax });
  }

  open(name: string, address: string): TestEndpoint & { readonly network: MemoryEndpoint } {
    const network = this.hub.endpoint(address, {
      hello: () => endpoint.hello,
      clusterId: () => endpoint.clusterId,
      handler: {
        admit: (hello: Hello) => endpoint.admits(hello),
        receive(envelope, link) {
          endpoint.received.push({ envelope, link });
          endpoint.onReceive(envelope, link);
        },
        refused: (to, reason) => endpoint.refusals.push(`${to}: ${reason}`),
        lost: (to, sent) => endpoint.losses.push({ to, sent }),
      },
    });
    const endpoint: TestEndpoint & { readonly network: MemoryEndpoint } = {
      address,
      network,
      received: [],
      refusals: [],
      losses: [],
      clusterId: CLUSTER,
      hello: { kind: "hello", role: "member", name, instance: 0xabcdef },
      admits: () => undefined,
      onReceive: () => {},
    };
    return endpoint;
  }

  endpoint(name: string): Promise<TestEndpoint> {
    return Promise.resolve(this.open(name, `${name}:1`));
  }

  async kill(endpoint: TestEndpoint): Promise<void> {
    endpoint.network.close(() => {});
    await this.settle();
  }

  revive(endpoint: TestEndpoint): Promise<TestEndpoint> {
    return Promise.resolve(this.open(endpoint.hello.name, endpoint.address));
  }

  async until(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < 1_000 && !condition(); turn++) await this.settle();
    expect(condition()).toBe(true);
  }

  settle(): Promise<void> {
    this.turns.run();
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

networkContract("the network in memory", (queue, frame) => new MemoryWorld(queue, frame));

test("a cut loses what is under way and every dial; healed, frames pass again", async () => {
  const world = new MemoryWorld(1_000_000, 1_000_000);
  const [a, b, c] = [world.open("a", "a:1"), world.open("b", "b:1"), world.open("c", "c:1")];
  a.network.send(b.address, ask(1));
  world.turns.run();
  a.network.send(b.address, ask(2));
  world.hub.cut(b.address, a.address);
  a.network.send(b.address, ask(3));
  a.network.send(c.address, ask(4));
  world.turns.run();
  a.network.send(b.address, ask(5));
  world.turns.run();
  world.hub.heal(a.address, b.address);
  a.network.send(b.address, ask(6));
  world.turns.run();
  expect(b.received.map(({ envelope }) => envelope.requestId)).toEqual([1, 6]);
  expect(c.received.map(({ envelope }) => envelope.requestId)).toEqual([4]);
});

test("the same sends in the same order give the same deliveries", () => {
  const run = (): string[] => {
    const world = new MemoryWorld(1_000_000, 1_000_000);
    const ends = ["a:1", "b:1", "c:1"].map((address) => world.open(address, address));
    const log: string[] = [];
    for (const end of ends) {
      end.onReceive = (envelope, link) => {
        log.push(`${link.hello.name}>${end.address} ${envelope.requestId}`);
        if (envelope.message.kind === "fetch") link.reply(envelope.requestId + 100, { kind: "ring" });
      };
    }
    for (let i = 0; i < 30; i++) ends[i % 3]?.network.send(`${"bca"[i % 3]}:1`, ask(i));
    world.turns.run();
    return log;
  };
  expect(run().length).toBe(60);
  expect(run()).toEqual(run());
});
