/** How values become bytes and bytes become values. The cluster keeps bytes with a content type, and never looks into them. */

/** What is known of stored bytes beside themselves. */
export interface StoredForm {
  /** As it was written with; another program may have used another codec. */
  readonly contentType: string;
}

/**
 * Both ways may throw, or reject: the caller gets a {@link ValidationError} that names the key. They may answer with a promise, for schemas
 * that check asynchronously.
 */
export interface Codec<T> {
  /** Stored beside each value. */
  readonly contentType: string;
  encode(value: T): Uint8Array | Promise<Uint8Array>;
  decode(bytes: Uint8Array, form: StoredForm): T | Promise<T>;
  /** `decode` neither keeps nor changes the bytes it is given, not even a part of them: then they need not be copied for it. */
  readonly readsInPlace?: boolean | undefined;
}
