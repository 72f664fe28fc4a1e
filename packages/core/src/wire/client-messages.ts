/** What programs ask of a node besides reading and writing keys: lists over the whole cluster, and how a bucket is configured. */
import type { QuorumArg } from "../base/quorum-arg.js";

/** A page of a bucket's keys over the whole cluster. An empty cursor: from the start. */
export interface ClientList {
  readonly kind: "client-list";
  readonly bucket: string;
  readonly prefix: string;
  readonly limit: number;
  readonly cursor: string;
}

export interface ClientListed {
  readonly kind: "client-listed";
  readonly keys: readonly string[];
  /** Of the next page; empty: this was the last. */
  readonly cursor: string;
}

/** A page of the conflict inbox. An empty bucket: of all buckets; an empty cursor: from the start. */
export interface ClientConflicts {
  readonly kind: "client-conflicts";
  readonly bucket: string;
  readonly limit: number;
  readonly cursor: string;
}

export interface ClientConflict {
  readonly bucket: string;
  readonly key: string;
  readonly siblings: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface ClientConflictsListed {
  readonly kind: "client-conflicts-listed";
  readonly conflicts: readonly ClientConflict[];
  readonly cursor: string;
  /** On all pages together. */
  readonly total: number;
}

/** How a bucket is configured. */
export interface ClientBucket {
  readonly kind: "client-bucket";
  readonly bucket: string;
}

/** Configures a bucket; what is undefined stays as it is. */
export interface ClientSetBucket {
  readonly kind: "client-set-bucket";
  readonly bucket: string;
  readonly r: QuorumArg | undefined;
  readonly w: QuorumArg | undefined;
  readonly conflicts: "siblings" | "lww" | undefined;
  /** Seconds; null takes the default away. */
  readonly ttl: number | null | undefined;
}

export interface ClientBucketSaid {
  readonly kind: "client-bucket-said";
  readonly n: number;
  readonly r: QuorumArg;
  readonly w: QuorumArg;
  readonly conflicts: "siblings" | "lww";
  /** Seconds; undefined where values stay. */
  readonly ttl: number | undefined;
}

export type ClientRequest = ClientList | ClientConflicts | ClientBucket | ClientSetBucket;
export type ClientReply = ClientListed | ClientConflictsListed | ClientBucketSaid;
