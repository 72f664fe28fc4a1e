/** What an operator may set on a node, in the core's units. */
import { limits } from "../base/limits.js";

export interface NodeSettings {
  /** `host:port` at which other members and clients reach the peer door. */
  readonly address: string;
  /** `host:port` at which the HTTP door is reached. */
  readonly http: string;
  readonly zone: string;
  /** Share of the ring against the others' weights. */
  readonly weight: number;
  /** Peer addresses to join through, and to gossip with now and then. */
  readonly seeds: readonly string[];
  readonly gossipIntervalMs: number;
  readonly siblingsMax: number;
  readonly valueBytesMax: number;
  readonly requestsInFlightMax: number;
  readonly readRepair: boolean;
}

export const defaultSettings: Omit<NodeSettings, "address" | "http"> = {
  zone: "default",
  weight: 1,
  seeds: [],
  gossipIntervalMs: limits.gossipIntervalMs,
  siblingsMax: limits.siblingsMax,
  valueBytesMax: limits.valueBytesMax,
  requestsInFlightMax: limits.requestsInFlightMax,
  readRepair: true,
};
