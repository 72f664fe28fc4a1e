/** What two owners say to each other to find and mend what differs between them (Dynamo §4.7): anti-entropy, and the healing of damaged records. */

/** Begins an exchange: the sum over all that both own. */
export interface Compare {
  readonly kind: "compare";
  /** The partitions that the sum is of, one bit for each; undefined: those that the asked one would say, if they have `setHash`. */
  readonly set: Uint8Array | undefined;
  readonly setHash: bigint;
  readonly sum: bigint;
}

export interface Compared {
  readonly kind: "compared";
  /**
   * `differs`: the asked one waits for the descent. `busy`: it is in another exchange. `other-set`: it compares other partitions, those in
   * `set`.
   */
  readonly verdict: "same" | "differs" | "busy" | "other-set";
  /** There with `other-set`, empty else. */
  readonly set: Uint8Array;
}

/** A node of the tree that differs (merkle/prefix.ts). */
export interface BranchNode {
  readonly level: number;
  readonly path: number;
  /** The keys below it are wanted, not its children: the asker's tree ends here. */
  readonly keys: boolean;
}

/** One level down. Without any node: the exchange is over. */
export interface Branch {
  readonly kind: "branch";
  readonly nodes: readonly BranchNode[];
}

export interface KeyDigest {
  readonly hash: bigint;
  readonly digest: bigint;
}

/** The sums of a node's sixteen children, or the keys below it. */
export type BranchedNode =
  | { readonly kind: "children"; readonly sums: readonly bigint[] }
  | { readonly kind: "keys"; readonly keys: readonly KeyDigest[] };

export interface Branched {
  readonly kind: "branched";
  /** In the order of the question. Empty: the asked one is in no exchange with the asker any more. */
  readonly nodes: readonly BranchedNode[];
}

/** Asks once more for the digests of keys that seemed to differ: what was only under way is the same by now (TRAPS 25). */
export interface Recheck {
  readonly kind: "recheck";
  readonly hashes: readonly bigint[];
}

export interface Rechecked {
  readonly kind: "rechecked";
  /** In the order of the question; 0 where no state counts. */
  readonly digests: readonly bigint[];
}

export interface NamedState {
  readonly id: Uint8Array;
  readonly body: Uint8Array;
}

/** States to be merged, and the hashes of keys whose states are wanted. */
export interface Mend {
  readonly kind: "mend";
  readonly states: readonly NamedState[];
  readonly wanted: readonly bigint[];
}

export interface Mended {
  readonly kind: "mended";
  /** How many of the states were kept, durably; the rest found no space or no owner. */
  readonly kept: number;
  /** What the given states became, where that is more than was given; and what was wanted. */
  readonly states: readonly NamedState[];
  /** False: not everything that was wanted fitted into this reply. */
  readonly complete: boolean;
}

/** Begins anti-entropy with all other owners now (`start`), or asks how far that is. */
export interface Repair {
  readonly kind: "repair";
  readonly start: boolean;
}

export interface RepairStatus {
  readonly kind: "repair-status";
  readonly running: boolean;
  readonly exchanges: number;
  readonly keysRepaired: number;
  readonly bytesSent: number;
  /** Milliseconds since the epoch; 0: never yet. */
  readonly finishedAt: number;
  /** Other owners that this run is done with, and all that it set out for. */
  readonly done: number;
  readonly total: number;
}

export type ExchangeRequest = Compare | Branch | Recheck | Mend | Repair;
export type ExchangeReply = Compared | Branched | Rechecked | Mended | RepairStatus;
