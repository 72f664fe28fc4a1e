/** Endpoints over real sockets on loopback, for the tests of the TCP network. */
import { nodeText } from "@kvorum/client/internal";
import type { Hello } from "@kvorum/core";
import { expect } from "vitest";
import { TcpNetwork } from "../../src/transport/tcp-network.js";
import type { TcpNetworkOptions, TransportLimits } from "../../src/transport/tcp-options.js";
import { CLUSTER, type NetworkWorld, type TestEndpoint } from "./contract.js";

const DEADLINE_MS = 5_000;

export type TcpEndpoint = TestEndpoint & { readonly network: TcpNetwork; readonly port: number };

export class TcpWorld implements NetworkWorld {
  readonly #open = new Set<TcpNetwork>();

  constructor(
    readonly limits: Partial<TransportLimits> = {},
    readonly more: Pick<TcpNetworkOptions, "clock"> = {},
  ) {}

  async listen(name: string, wantedPort: number): Promise<TcpEndpoint> {
    const network = new TcpNetwork({
      text: nodeText,
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
      limits: { redialMinMs: 5, ...this.limits },
      ...this.more,
    });
    this.#open.add(network);
    const { port } = await network.listen("127.0.0.1", wantedPort);
    const endpoint: TcpEndpoint = {
      address: `127.0.0.1:${port}`,
      port,
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

  endpoint(name: string): Promise<TcpEndpoint> {
    return this.listen(name, 0);
  }

  kill(endpoint: TestEndpoint): Promise<void> {
    return new Promise((done) => endpoint.network.close(done));
  }

  revive(endpoint: TestEndpoint): Promise<TcpEndpoint> {
    return this.listen(endpoint.hello.name, Number(endpoint.address.split(":")[1]));
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!condition() && performance.now() < deadline) await turn();
    expect(condition()).toBe(true);
  }

  /** A frame that is under way on loopback arrives within a few turns of the loop; a real wait covers a busy machine. */
  async settle(): Promise<void> {
    const end = performance.now() + 30;
    while (performance.now() < end) await turn();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((network) => new Promise<void>((done) => network.close(done))));
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
