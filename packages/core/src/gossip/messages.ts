/** What gossip says: digests ("I have this much of that origin"), deltas ("here is what you lack"), and the three messages of a round (Dynamo §4.8; van Renesse et al., "Efficient Reconciliation and Flow Control for Anti-Entropy Protocols", 2008). */

/** One published fact. `version` rises with every change that its origin makes, from 1. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: number;
}

/**
 * How much of an origin its sender has: every current entry up to `version`. A sender that has never heard of the origin
 * but wants it says `boot: 0`, below every real one.
 */
export interface Digest {
  /** The 48-bit number of the instance that publishes. */
  readonly instance: number;
  /** Its incarnation: how often it was started. */
  readonly boot: number;
  /** Its heartbeat: rises with every round that the instance lives, and starts again with each boot. */
  readonly heartbeat: number;
  readonly version: number;
}

/** The origin's current entries with a version above `after`, in version order, without a gap up to the last one. */
export interface Delta {
  readonly instance: number;
  readonly boot: number;
  readonly heartbeat: number;
  /** The version at which the origin had said again, after its start, all that it keeps across starts. */
  readonly base: number;
  /** A receiver that has less than this must not take the delta: it would have a gap. */
  readonly after: number;
  readonly entries: readonly Entry[];
}

/**
 * Opens a round. The digests are all that the sender has of the instances from `from` to `to` (inclusive, wrapping past the
 * largest): an instance in that range without a digest is unknown to it. The range is everything unless that is too long.
 */
export interface Syn {
  readonly kind: "syn";
  /** The sender's own digest, whatever the range. */
  readonly self: Digest;
  readonly from: number;
  readonly to: number;
  readonly digests: readonly Digest[];
}

/** Answers a syn: what the opener lacks, and digests where it has more entries or an older heartbeat. */
export interface Ack {
  readonly kind: "ack";
  readonly digests: readonly Digest[];
  readonly deltas: readonly Delta[];
}

/** Ends a round: what the answerer lacks. */
export interface Ack2 {
  readonly kind: "ack2";
  readonly deltas: readonly Delta[];
}

export type GossipMessage = Syn | Ack | Ack2;

/** Everything known of one origin: what is kept on disk. Entries with version 0 are inherited from its earlier incarnation. */
export interface OriginSnapshot {
  readonly instance: number;
  readonly boot: number;
  readonly heartbeat: number;
  readonly base: number;
  readonly version: number;
  readonly entries: readonly Entry[];
}

export const INSTANCE_MAX = 0xffff_ffff_ffff;

/** Whether `instance` lies between `from` and `to`, inclusive; a range whose end is below its start wraps. */
export function inRange(instance: number, from: number, to: number): boolean {
  return from <= to ? instance >= from && instance <= to : instance >= from || instance <= to;
}

/** Whether `a` is more of an origin than `b`: a later incarnation, or more of the same. */
export function isAhead(a: Pick<Digest, "boot" | "version">, b: Pick<Digest, "boot" | "version">): boolean {
  return a.boot > b.boot || (a.boot === b.boot && a.version > b.version);
}

/** Keys are names of Kvorum's own, in printable ASCII: one character is one byte and one form. */
export function isEntryKey(key: string, bytesMax: number): boolean {
  return key.length <= bytesMax && /^[\x21-\x7e]+$/.test(key);
}
