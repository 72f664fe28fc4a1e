/** What a world is made of: so many members, so quick a network, so quick a disk. Plain data. */
import { allHealers, type Healers } from "./healers.js";

export interface WorldShape {
  /** Members at the founding, named n1, n2, … */
  readonly nodes: number;
  /** N, and Q, of the founding. */
  readonly replicas: number;
  readonly partitions: number;
  readonly zones: number;
  readonly gossipIntervalMs: number;
  /** Which healers of the nodes are on. */
  readonly healers: Healers;
  /** How often hints are tried, and when one goes to any owner; the product's own where a shape does not say. */
  readonly handoffIntervalMs?: number;
  readonly hintTtlMs?: number;
  readonly siblingsMax: number;
  /** Client requests that a member works on at once. */
  readonly requestsInFlightMax: number;
  /** The network on a fair day, milliseconds one way. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Bytes that may be under way on one connection in one direction. */
  readonly queueBytesMax: number;
  /** What a member stores with: the shipped log over a disk of bytes, or (where a shape does not say) an image of batches, which is quicker. */
  readonly engine?: "image" | "log";
  /** How long a flush takes on a fair day, about. */
  readonly flushMs: number;
  /** Reads of the disk come later, not within the call. */
  readonly slowReads: boolean;
  /** How far wall clocks are apart at the founding, and how much quicker or slower they may go. */
  readonly clockErrorMs: number;
  readonly clockDrift: number;
}

/** Three members on a quiet day: what a scenario starts from. */
export const calmShape: WorldShape = {
  nodes: 3,
  replicas: 3,
  partitions: 64,
  zones: 1,
  gossipIntervalMs: 200,
  healers: allHealers,
  handoffIntervalMs: 500,
  siblingsMax: 256,
  requestsInFlightMax: 4096,
  delayMinMs: 0.5,
  delayMaxMs: 1.5,
  queueBytesMax: 1024 * 1024,
  flushMs: 1,
  slowReads: false,
  clockErrorMs: 0,
  clockDrift: 0,
};
