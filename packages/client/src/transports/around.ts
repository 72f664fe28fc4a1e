/** A transport around another one: passes everything on. What stands in between says only what it does otherwise. */
import type { BucketChange, BucketConfig, ConflictPage, KeyPage } from "@kvorum/core";
import type { ReadResult } from "../read-result.js";
import type { CallOptions, DeleteOptions, GetOptions, PutOptions, WriteResult } from "../request-options.js";
import type { ConflictQuery, KeyQuery, Transport } from "./transport.js";

export class TransportAround implements Transport {
  constructor(readonly inner: Transport) {}

  get(bucket: string, key: string, options: GetOptions): Promise<ReadResult> {
    return this.inner.get(bucket, key, options);
  }

  put(bucket: string, key: string, value: Uint8Array, options: PutOptions): Promise<WriteResult> {
    return this.inner.put(bucket, key, value, options);
  }

  delete(bucket: string, key: string, options: DeleteOptions): Promise<WriteResult> {
    return this.inner.delete(bucket, key, options);
  }

  listKeys(bucket: string, query: KeyQuery, options: CallOptions): Promise<KeyPage> {
    return this.inner.listKeys(bucket, query, options);
  }

  listConflicts(query: ConflictQuery, options: CallOptions): Promise<ConflictPage> {
    return this.inner.listConflicts(query, options);
  }

  bucketConfig(bucket: string, options: CallOptions): Promise<BucketConfig> {
    return this.inner.bucketConfig(bucket, options);
  }

  setBucketConfig(bucket: string, change: BucketChange, options: CallOptions): Promise<BucketConfig> {
    return this.inner.setBucketConfig(bucket, change, options);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
