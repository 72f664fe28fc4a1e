/** What the TCP network is made with, and what it tells of itself. */
import type { Clock, Hello, limits, NetworkHandler, TextCodec } from "@kvorum/core";

export type TransportLimits = Pick<
  { readonly [K in keyof typeof limits]: number },
  | "frameBytesMax"
  | "peerQueueBytesMax"
  | "helloBytesMax"
  | "clientFrameBytesMax"
  | "replyQueueBytesPause"
  | "replyQueueBytesMax"
  | "peerConnectionsMax"
  | "dialTimeoutMs"
  | "helloTimeoutMs"
  | "stallTimeoutMs"
  | "idleTimeoutMs"
  | "lingerMs"
  | "redialMinMs"
  | "redialMaxMs"
>;

export interface TcpNetworkOptions {
  readonly text: TextCodec;
  /** This node's greeting, asked for with each connection. */
  readonly hello: () => Hello;
  /** NO_CLUSTER while joining. When it changes, connections that greeted under the old one are dialled anew. */
  readonly clusterId: () => bigint;
  readonly handler: NetworkHandler;
  /** The defaults are core's. A node that takes larger values must raise `clientFrameBytesMax` with them. */
  readonly limits?: Partial<TransportLimits>;
  readonly clock?: Clock;
}

export interface TcpStats {
  readonly inbound: number;
  readonly outbound: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  /** Frames that `send` or a reply did not take. */
  readonly framesRefused: number;
  /** Connections ended: for bytes that are not the protocol's, and for a greeting that one side did not take. */
  readonly malformed: number;
  readonly refused: number;
}
