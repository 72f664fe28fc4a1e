/** A bucket with a type: values in and out of one codec, conflicts through one resolver (Dynamo §4.4: the client resolves). */
import { limits } from "@kvorum/core";
import type { Codec } from "../codecs/codec.js";
import { contextText } from "../context-text.js";
import { TimeoutError, ValidationError } from "../errors.js";
import type { GetOptions as RawGetOptions, PutOptions as RawPutOptions } from "../request-options.js";
import type { ReadResult } from "../read-result.js";
import { Undecided, type Resolver } from "../resolvers/resolver.js";
import type { Transport } from "../transports/transport.js";
import { NO_OPTIONS, readingOf, writingOf } from "./asked.js";
import { foundSiblings, type Resolved, type Siblings } from "./found.js";
import { inLanes } from "./lanes.js";
import { conflictsOf, keysOf, type Conflict } from "./lists.js";
import { checkOptions } from "./option-check.js";
import type {
  BucketOptions,
  CallOptions,
  KeysOptions,
  PutOptions,
  ReadOptions,
  ResolveOptions,
  UpdateOptions,
  WriteOptions,
} from "./options.js";
import { orAborted, Turns } from "./turns.js";
import { decoded, decodedSiblings, encoded, resolved } from "./values.js";

/** One item of `getMany`. */
export type GetOutcome<Found> =
  | { readonly key: string; readonly ok: true; readonly found: Found | undefined }
  | { readonly key: string; readonly ok: false; readonly error: unknown };

/** One item for `putMany`. */
export interface Entry<T> {
  readonly key: string;
  readonly value: T;
  readonly context?: string | undefined;
}

/** One item of `putMany`. */
export type PutOutcome =
  | { readonly key: string; readonly ok: true; readonly context: string }
  | { readonly key: string; readonly ok: false; readonly error: unknown };

/** Process-wide, not the client's: a {@link Counter} counts under the name of the process, whatever client it goes through. */
const turns = new Turns();

/**
 * `Found` is what reads give: {@link Resolved} where a resolver makes one value of siblings, {@link Siblings} where nothing does. Made by
 * `kv.bucket(name, …)`; making one costs nothing and asks nobody.
 */
export class Bucket<T, Found extends Resolved<T> | Siblings<T> = Resolved<T>> {
  readonly #transport: Transport;
  readonly #options: BucketOptions<T>;
  readonly #codec: Codec<T>;
  readonly #resolve: Resolver<T> | undefined;
  /** For reads that say nothing of their own, as nearly all. */
  readonly #readingDefault: RawGetOptions;

  /** @internal */
  constructor(
    readonly name: string,
    transport: Transport,
    options: BucketOptions<T>,
  ) {
    checkOptions(options);
    this.#transport = transport;
    this.#options = options;
    this.#codec = options.codec;
    this.#resolve = options.resolve;
    this.#readingDefault = readingOf(NO_OPTIONS, options);
  }

  /**
   * Reads a key; undefined when no value stands.
   * @throws ConflictError when several stand and the resolver leaves them to a person; QuorumNotMetError, TimeoutError, …
   */
  get(key: string, options: ResolveOptions<T> & { readonly resolve: Resolver<T> }): Promise<Resolved<T> | undefined>;
  get(key: string, options?: ResolveOptions<T>): Promise<Found | undefined>;
  async get(key: string, options: ResolveOptions<T> = NO_OPTIONS): Promise<Resolved<T> | Siblings<T> | undefined> {
    const read = await this.#transport.get(this.name, key, this.#reading(options));
    const resolve = options.resolve ?? this.#resolve;
    if (read.siblings.length === 0) return undefined;
    if (resolve === undefined) return this.#siblingsOf(key, read);
    const given = this.#resolvedOf(key, read, resolve);
    const found = given instanceof Promise ? await given : given;
    if (options.writeBack !== true || found.siblings === 1) return found;
    const { context } = await this.put(key, found.value, { ...options, context: found.context });
    return { ...found, context };
  }

  /** All versions that stand, whatever the resolver; undefined when none does. */
  async getSiblings(key: string, options: ReadOptions = NO_OPTIONS): Promise<Siblings<T> | undefined> {
    const read = await this.#transport.get(this.name, key, this.#reading(options));
    return read.siblings.length === 0 ? undefined : this.#siblingsOf(key, read);
  }

  /** Many keys at once, each with a result of its own, in the order of `keys`. Does not reject for one that fails. */
  getMany(keys: Iterable<string>, options: ReadOptions = NO_OPTIONS): Promise<GetOutcome<Found>[]> {
    return inLanes([...keys], limits.clientBatchInFlightMax, async (key) => {
      try {
        return { key, ok: true, found: await this.get(key, options) };
      } catch (error) {
        return { key, ok: false, error };
      }
    });
  }

  /** Writes; replaces what `context` covers, and nothing without one. The context that comes back covers this write, and what that one covered. */
  async put(key: string, value: T, options: PutOptions = NO_OPTIONS): Promise<{ readonly context: string }> {
    const given = encoded(this.#codec, value, this.name, key);
    const bytes = given instanceof Promise ? await given : given;
    const result = await this.#transport.put(this.name, key, bytes, this.#writing(options));
    return { context: contextText(result.context) };
  }

  /** Many writes at once, each with a result of its own, in the order of `entries`. Does not reject for one that fails. */
  putMany(
    entries: Iterable<Entry<T>>,
    options: Omit<PutOptions, "context" | "idempotencyKey"> = {},
  ): Promise<PutOutcome[]> {
    return inLanes([...entries], limits.clientBatchInFlightMax, async ({ key, value, context }) => {
      try {
        return { key, ok: true, ...(await this.put(key, value, { ...options, context })) };
      } catch (error) {
        return { key, ok: false, error };
      }
    });
  }

  /** Removes what `context` covers; without one, what a quorum sees now. A value that is written at the same time survives. */
  async delete(key: string, options: WriteOptions = NO_OPTIONS): Promise<{ readonly context: string }> {
    const result = await this.#transport.delete(this.name, key, this.#writing(options));
    return { context: contextText(result.context) };
  }

  /**
   * Reads, resolves, changes, and writes back with the merged context. `change` gets undefined when no value stands. Updates of one key by one
   * process take turns. Rejects with what `change` throws, and then nothing was written; with a ConflictError when several versions stand
   * and no resolver makes one of them.
   */
  async update(
    key: string,
    change: (current: T | undefined) => T | Promise<T>,
    options: UpdateOptions<T> = NO_OPTIONS,
  ): Promise<Resolved<T>> {
    checkOptions(options);
    const timeout = options.timeout ?? this.#options.timeout ?? limits.requestTimeoutMs;
    const endMs = performance.now() + timeout;
    const left = (): CallOptions => {
      const leftMs = Math.floor(endMs - performance.now());
      if (leftMs < 1) throw new TimeoutError(`no turn within ${timeout} ms to update ${this.name}/${key}`, timeout);
      return { timeout: leftMs, signal: options.signal };
    };
    const turn = turns.take(`${this.name}/${key}`, () => this.#updateNow(key, change, options, left));
    return orAborted(turn, options.signal);
  }

  /** Every key, over the whole cluster, in no promised order. One that stands throughout comes exactly once. */
  keys(options: KeysOptions = {}): AsyncGenerator<string, void, undefined> {
    return keysOf(this.#transport, this.name, { timeout: this.#options.timeout, ...options });
  }

  /** The conflict inbox of this bucket: keys whose siblings wait for somebody to choose. */
  conflicts(options: CallOptions = {}): AsyncGenerator<Conflict, void, undefined> {
    return conflictsOf(this.#transport, this.name, { timeout: this.#options.timeout, ...options });
  }

  async #updateNow(
    key: string,
    change: (current: T | undefined) => T | Promise<T>,
    options: UpdateOptions<T>,
    left: () => CallOptions,
  ): Promise<Resolved<T>> {
    options.signal?.throwIfAborted();
    const read = await this.#transport.get(this.name, key, this.#reading({ ...options, ...left() }));
    const count = read.siblings.length;
    const resolve = options.resolve ?? this.#resolve ?? unresolvable;
    const current = count === 0 ? undefined : (await this.#resolvedOf(key, read, resolve)).value;
    const value = await change(current);
    if (value === undefined) {
      throw new ValidationError(
        "bad-value",
        `the update of ${this.name}/${key} gave undefined: return the new value, or use delete`,
      );
    }
    const context = read.contextText || undefined;
    const { w, sloppy, ttl } = options;
    const written = await this.put(key, value, { ...left(), w, sloppy, ttl, context });
    return { value, context: written.context, siblings: Math.max(1, count) };
  }

  /** At once where the codec decodes at once and one version stands, as nearly always: a promise for each read would cost. */
  #resolvedOf(key: string, read: ReadResult, resolve: Resolver<T>): Resolved<T> | Promise<Resolved<T>> {
    const [first] = read.siblings;
    if (first === undefined || read.siblings.length > 1) return this.#resolvedOfMany(key, read, resolve);
    const context = read.contextText;
    const value = decoded(this.#codec, first, this.name, key);
    if (!(value instanceof Promise)) return { value, context, siblings: 1 };
    return value.then((later) => ({ value: later, context, siblings: 1 }));
  }

  async #resolvedOfMany(key: string, read: ReadResult, resolve: Resolver<T>): Promise<Resolved<T>> {
    const context = read.contextText;
    const siblings = await decodedSiblings(this.#codec, read.siblings, this.name, key);
    const value = resolved(resolve, { bucket: this.name, key, siblings, context });
    return { value, context, siblings: siblings.length };
  }

  async #siblingsOf(key: string, read: ReadResult): Promise<Siblings<T>> {
    const siblings = await decodedSiblings(this.#codec, read.siblings, this.name, key);
    return foundSiblings(siblings, read.contextText);
  }

  #reading(each: ReadOptions): RawGetOptions {
    return each === NO_OPTIONS ? this.#readingDefault : readingOf(each, this.#options);
  }

  #writing(each: PutOptions): RawPutOptions {
    return writingOf(each, this.#options, this.#codec.contentType);
  }
}

/** An update needs one value to change. */
function unresolvable<T>(): T {
  throw new Undecided("several versions stand and there is no resolver: give the bucket or this update a `resolve`");
}
