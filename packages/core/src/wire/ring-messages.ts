/**
 * What members say to each other while partitions change hands (DESIGN §3). Records of owners travel as the bytes that their room gives them
 * (ring/owners-codec.ts).
 */

/** By which record of the partition's owners a request to a replica is made. */
export interface ByRecord {
  readonly epoch: number;
  readonly phase: 1 | 2 | 3;
}

/** Tells a member records, and asks what it has seen and confirmed. `ring`: the version of the sender's membership log. */
export interface Owners {
  readonly kind: "owners";
  readonly ring: string;
  readonly records: Uint8Array;
  /** Partitions among them whose record every member has seen: who is to be a new owner merges them now. */
  readonly begin: readonly number[];
}

/** What a member has on its disk: the answer to `owners`, and what a new owner says unasked (request 0) once it has confirmed. */
export interface OwnersSeen {
  readonly kind: "owners-seen";
  readonly ring: string;
  readonly seen: readonly { readonly partition: number; readonly epoch: number; readonly confirmed: boolean }[];
  /** Records that are newer than those it was told. */
  readonly newer: Uint8Array;
}

/** A replica's answer to a request that was made by another record than its own: here is its own. */
export interface Fenced {
  readonly kind: "fenced";
  readonly records: Uint8Array;
}

/** Asks for the records of those blocks of partitions whose digest is another. */
export interface OwnersSync {
  readonly kind: "owners-sync";
  readonly digests: readonly bigint[];
}

export interface OwnersSynced {
  readonly kind: "owners-synced";
  readonly records: Uint8Array;
}

/** A page of what a partition holds: hashes of keys and of states, in the order of the first. */
export interface IndexPage {
  readonly kind: "index";
  readonly partition: number;
  readonly fromHash: bigint;
  readonly limit: number;
}

export interface Indexed {
  readonly kind: "indexed";
  readonly entries: readonly { readonly hash: bigint; readonly digest: bigint }[];
  /** There is more behind the last hash. */
  readonly more: boolean;
  /** Keys of the whole partition, as far as they were counted. */
  readonly total: number;
}

/** How much a member holds of each partition: for a look at a change before it is made. */
export interface Weigh {
  readonly kind: "weigh";
}

export interface Weighed {
  readonly kind: "weighed";
  readonly partitions: readonly { readonly partition: number; readonly keys: number; readonly bytes: number }[];
}

export type RingRequest = Owners | OwnersSync | IndexPage | Weigh;
export type RingReply = OwnersSeen | Fenced | OwnersSynced | Indexed | Weighed;
