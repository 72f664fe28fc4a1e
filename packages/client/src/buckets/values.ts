/** Between values and bytes: what a bucket's codec and resolver say, with errors that name the key and lose nothing. */
import type { Codec } from "../codecs/codec.js";
import { ConflictError, KvorumError, ResolverError, ValidationError, type KeyTrouble } from "../errors.js";
import { Undecided, type Resolver } from "../resolvers/resolver.js";
import type { RawSibling, Sibling } from "../read-result.js";

/** @throws ValidationError `bad-value`; nothing was written. */
export function encoded<T>(codec: Codec<T>, value: T, bucket: string, key: string): Uint8Array | Promise<Uint8Array> {
  const refuse = (cause: unknown): never => {
    throw new ValidationError("bad-value", `${bucket}/${key} was not written: ${reasonOf(cause)}`, { cause });
  };
  try {
    const bytes = codec.encode(value);
    return bytes instanceof Promise ? bytes.catch(refuse) : bytes;
  } catch (error) {
    return refuse(error);
  }
}

/** @throws ValidationError `bad-value`, naming the version. Read the bucket with `bytes()` to see what is stored. */
export function decoded<T>(codec: Codec<T>, raw: RawSibling, bucket: string, key: string): T | Promise<T> {
  const { contentType } = raw;
  const refuse = (cause: unknown): never => {
    const what = `version ${raw.dot} of ${bucket}/${key}, stored as ${contentType}, can't be read`;
    throw new ValidationError("bad-value", `${what}: ${reasonOf(cause)}`, { cause });
  };
  try {
    const decodedValue = codec.decode(codec.readsInPlace === true ? raw.received : raw.value, { contentType });
    return decodedValue instanceof Promise ? decodedValue.catch(refuse) : decodedValue;
  } catch (error) {
    return refuse(error);
  }
}

export async function decodedSiblings<T>(
  codec: Codec<T>,
  raws: readonly RawSibling[],
  bucket: string,
  key: string,
): Promise<readonly Sibling<T>[]> {
  const values = await Promise.all(raws.map((raw) => decoded(codec, raw, bucket, key)));
  return raws.map(({ dot, timestamp, expires, contentType, clock, origin }, i) => {
    const lasting = { value: values[i] as T, dot, timestamp, contentType, clock, origin };
    return expires === undefined ? lasting : { ...lasting, expires };
  });
}

/**
 * The value that `resolve` makes of several siblings.
 * @throws ConflictError when it leaves that to a person, ResolverError when it fails: both carry the siblings.
 */
export function resolved<T>(resolve: Resolver<T>, trouble: KeyTrouble<T>): T {
  const { bucket, key, siblings } = trouble;
  let value: T;
  try {
    value = resolve(siblings);
  } catch (error) {
    if (error instanceof Undecided) throw new ConflictError(`${bucket}/${key}: ${error.message}`, trouble);
    if (error instanceof KvorumError) throw error;
    const what = `the resolver of ${bucket}/${key} failed on ${siblings.length} siblings, which stand as they did`;
    throw new ResolverError(`${what}: ${reasonOf(error)}`, trouble, { cause: error });
  }
  if (value !== undefined && !isThenable(value)) return value;
  const gave = value === undefined ? "undefined" : "a promise";
  const what = `the resolver of ${bucket}/${key} gave ${gave}: it must give the value that shall stand, at once`;
  throw new ResolverError(what, trouble);
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
