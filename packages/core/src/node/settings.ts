/** What an operator may set on a node, in the core's units. */
import { limits } from "../base/limits.js";

/** Where a node is reached, which may not be where its doors are bound: `host:port` each. */
export interface Whereabouts {
  /** The peer door, for members and clients. */
  readonly address: string;
  readonly http: string;
}

export interface NodeSettings {
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
  /** Fallbacks stand in for owners, and what owners missed is handed over. */
  readonly hints: boolean;
  readonly handoffIntervalMs: number;
  /** When a hint stops waiting for the member that it names, and goes to any owner. */
  readonly hintTtlMs: number;
  /** Compare hash trees at the interval; on demand it is done in any case. */
  readonly antiEntropy: boolean;
  readonly antiEntropyIntervalMs: number;
  /** How often this node looks for tombstones that can be reaped. */
  readonly reapIntervalMs: number;
  /** The longest that a message may take to arrive after its sender has given it up: what is reaped waits for it. */
  readonly messageLifeMs: number;
}

export const defaultSettings: NodeSettings = {
  zone: "default",
  weight: 1,
  seeds: [],
  gossipIntervalMs: limits.gossipIntervalMs,
  siblingsMax: limits.siblingsMax,
  valueBytesMax: limits.valueBytesMax,
  requestsInFlightMax: limits.requestsInFlightMax,
  readRepair: true,
  hints: true,
  handoffIntervalMs: limits.handoffIntervalMs,
  hintTtlMs: limits.hintTtlMs,
  antiEntropy: true,
  antiEntropyIntervalMs: limits.antiEntropyIntervalMs,
  reapIntervalMs: limits.reapIntervalMs,
  messageLifeMs: limits.messageLifeMs,
};
