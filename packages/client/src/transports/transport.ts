/** What buckets stand on: keys as bytes, whoever answers. Over TCP (raw-client.ts), inside a node's own process (node-transport.ts), or around another. */
import type { BucketChange, BucketConfig, ConflictPage, KeyPage } from "@kvorum/core";
import type { CallOptions, DeleteOptions, GetOptions, PutOptions, WriteResult } from "../request-options.js";
import type { ReadResult } from "../read-result.js";

export interface KeyQuery {
  readonly prefix: string;
  /** Keys on a page. */
  readonly limit: number;
  readonly cursor: string | undefined;
}

export interface ConflictQuery {
  /** Undefined: of all buckets. */
  readonly bucket: string | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** Every call rejects with a {@link KvorumError}, or with the reason of the caller's signal. Bytes that are given must not change until then. */
export interface Transport {
  get(bucket: string, key: string, options: GetOptions): Promise<ReadResult>;
  put(bucket: string, key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult>;
  delete(bucket: string, key: string, options: DeleteOptions): Promise<WriteResult>;
  listKeys(bucket: string, query: KeyQuery, options: CallOptions): Promise<KeyPage>;
  listConflicts(query: ConflictQuery, options: CallOptions): Promise<ConflictPage>;
  bucketConfig(bucket: string, options: CallOptions): Promise<BucketConfig>;
  setBucketConfig(bucket: string, change: BucketChange, options: CallOptions): Promise<BucketConfig>;
  /** Resolves when nothing is held any more. Calls that still wait reject. */
  close(): Promise<void>;
}
