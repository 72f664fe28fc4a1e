/** The embedded door: buckets inside the node's own process, with the client's types and no frame in between (CONTRACT §5). */
import { Kvorum, NodeTransport, stackOver } from "@kvorum/client/internal";
import type { ClientDefaults } from "@kvorum/client";
import { limits, type NodeApi, type Primitives } from "@kvorum/core";

/** What the door needs of the node that runs behind it. */
export interface EmbeddedNode {
  readonly api: NodeApi;
  readonly primitives: Primitives;
  /** `host:port` of each door; empty where there is none. */
  readonly peerAddress: string;
  readonly httpAddress: string;
  stop(): Promise<void>;
  readonly failed: Promise<Error>;
  readonly departed: Promise<"departed">;
}

/** A client that is a node as well: what is read and written through it goes straight to the coordinator beside it. */
export class EmbeddedKvorum<Resolving extends boolean = false> extends Kvorum<Resolving> {
  /** `host:port` where members and clients reach this node; undefined when it is alone. */
  readonly address: string | undefined;
  /** `host:port` of its HTTP door; undefined without one. */
  readonly http: string | undefined;
  /** Resolves, never rejects, when the node cannot go on (its disk failed, another took its place), with why. Close it then. */
  readonly failed: Promise<Error>;
  /** Resolves when an operator asked this member to leave its cluster, and its data is with the others. Close it then. */
  readonly departed: Promise<"departed">;

  /** @internal */
  constructor(node: EmbeddedNode, defaults: ClientDefaults) {
    const { api, primitives } = node;
    const timeoutMs = defaults.timeout ?? limits.requestTimeoutMs;
    super(stackOver(new NodeTransport({ api, primitives, timeoutMs, close: () => node.stop() }), timeoutMs), defaults);
    this.address = node.peerAddress === "" ? undefined : node.peerAddress;
    this.http = node.httpAddress === "" ? undefined : node.httpAddress;
    this.failed = node.failed;
    this.departed = node.departed;
  }
}
