/** A call's options and its bucket's, as the transport takes them: the call's word goes before the bucket's. */
import { contextBytes } from "../context-text.js";
import type { GetOptions as RawGetOptions, PutOptions as RawPutOptions } from "../request-options.js";
import { checkOptions } from "./option-check.js";
import type { BucketDefaults, PutOptions, ReadOptions } from "./options.js";

/** For calls that say nothing of their own, as nearly all: this very object need not be looked at. */
export const NO_OPTIONS = {} as const;

/** @throws ValidationError for an option that cannot be. */
export function readingOf(each: ReadOptions, bucket: BucketDefaults): RawGetOptions {
  if (each !== NO_OPTIONS) checkOptions(each);
  const { signal, timeout, r, sloppy, hedge } = each;
  return {
    signal,
    timeoutMs: timeout ?? bucket.timeout,
    r: r ?? bucket.r,
    sloppy: sloppy ?? bucket.sloppy,
    hedgeMs: hedge ?? bucket.hedge,
  };
}

/** @throws ValidationError for an option that cannot be. */
export function writingOf(each: PutOptions, bucket: BucketDefaults, contentType: string): RawPutOptions {
  if (each !== NO_OPTIONS) checkOptions(each);
  const { signal, timeout, w, sloppy, context, idempotencyKey, ifAbsent, ttl } = each;
  return {
    signal,
    timeoutMs: timeout ?? bucket.timeout,
    w: w ?? bucket.w,
    sloppy: sloppy ?? bucket.sloppy,
    context: context === undefined ? undefined : contextBytes(context),
    idempotencyKey,
    ifAbsent,
    ttl,
    contentType,
    // Named here for who copies this and sets them: a copy by spread that gets new fields is made in V8's old generation, which was half of a put's cost.
    operationId: undefined,
    attempt: undefined,
  };
}
