/** One written version of a key: its dot, the clock it was written with, its bytes, and where it came from (Dynamo §4.4). */
import { compareBytes, equalBytes } from "../base/bytes.js";
import type { Stamp } from "../base/hlc.js";
import type { Dot } from "./actor.js";
import { compareDots } from "./actor.js";
import { compareOperations } from "./operation.js";
import type { Operation } from "./operation.js";
import { compareBooleans, compareNumbers, compareStrings } from "./order.js";
import { orderVectors } from "./version-vector.js";
import type { VersionVector } from "./version-vector.js";

/** Tells people why two versions are concurrent. */
export interface Origin {
  /** The name of the node that coordinated the write. */
  readonly node: string;
  /** Whether that node stood in for a primary. */
  readonly fallback: boolean;
  /** Whether the write followed a read; false for a blind one. */
  readonly context: boolean;
}

/** Immutable, and the same bytes on every replica. A tombstone is a sibling that is `deleted`. */
export interface Sibling {
  readonly dot: Dot;
  /** What the writer had seen, and the dot itself. */
  readonly clock: VersionVector;
  readonly stamp: Stamp;
  readonly deleted: boolean;
  /**
   * Milliseconds since the epoch from which on this value is its own tombstone; undefined for one that stays. It is in the bytes that are
   * hashed, merged and repaired, so that no healer can bring the value back (TRAPS 20). A tombstone has none.
   */
  readonly expiresAtMs?: number;
  readonly contentType: string;
  /** Often a slice of a received frame: copy it where it outlives the message. Never decoded here. */
  readonly value: Uint8Array;
  readonly origin: Origin;
  readonly operation?: Operation;
}

/** By dot, then by everything else: zero for the same sibling only. Two that differ under one dot are damage (see merge). */
export function compareSiblings(a: Sibling, b: Sibling): number {
  if (a === b) return 0;
  return (
    compareDots(a.dot, b.dot) ||
    compareNumbers(a.stamp, b.stamp) ||
    compareBooleans(a.deleted, b.deleted) ||
    compareNumbers(a.expiresAtMs ?? 0, b.expiresAtMs ?? 0) ||
    compareStrings(a.contentType, b.contentType) ||
    compareOrigins(a.origin, b.origin) ||
    compareOptional(a.operation, b.operation) ||
    orderVectors(a.clock, b.clock) ||
    compareBytes(a.value, b.value)
  );
}

/** The order of last-write-wins: the newest stamp, and of equal ones the larger dot. */
export function compareAge(a: Sibling, b: Sibling): number {
  return compareNumbers(a.stamp, b.stamp) || compareDots(a.dot, b.dot);
}

/**
 * Whether a reader's clock has reached the version's expiry. That clock is the only one asked: it hides, and never orders (DESIGN §9).
 */
export function isExpired({ expiresAtMs }: Sibling, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs;
}

/** Whether a reader could not tell the two values apart. Two attempts at one write expire at their own times, and are one version all the same. */
export function sameContent(a: Sibling, b: Sibling): boolean {
  return a.deleted === b.deleted && a.contentType === b.contentType && equalBytes(a.value, b.value);
}

function compareOrigins(a: Origin, b: Origin): number {
  return (
    compareStrings(a.node, b.node) || compareBooleans(a.fallback, b.fallback) || compareBooleans(a.context, b.context)
  );
}

function compareOptional(a: Operation | undefined, b: Operation | undefined): number {
  if (a === undefined || b === undefined) return compareBooleans(a !== undefined, b !== undefined);
  return compareOperations(a, b);
}
