/**
 * The client in bytes: get, put and delete over the peer protocol, straight to an owner of the key (Dynamo §6.4). It decodes no values and
 * resolves no siblings; the typed client stands on it.
 */
import {
  bucketChangeProblem,
  bucketProblem,
  keyIdOf,
  keyProblem,
  limits,
  operationTag,
  operationTagOf,
  ttlProblem,
  utf8Length,
  type Address,
  type BucketChange,
  type BucketConfig,
  type ClientRequest,
  type ConflictPage,
  type KeyId,
  type KeyPage,
  type Message,
  type OperationTag,
  type Primitives,
  type PutCommand,
} from "@kvorum/core";
import { parseAddress } from "./address.js";
import { KvorumError, TimeoutError, ValidationError } from "./errors.js";
import { createPrimitives, nodeText } from "./primitives.js";
import { ReadResult } from "./read-result.js";
import type { RingCache } from "./ring-cache.js";
import { ANY_PARTITION } from "./router.js";
import type { ConflictQuery, KeyQuery, Transport } from "./transports/transport.js";
import { ClientSession, type ClientOptions } from "./client-session.js";
import type { CallOptions, DeleteOptions, GetOptions, PutOptions, WriteResult } from "./request-options.js";

/** What a write says beside its options. */
type Write = Pick<PutCommand, "value" | "contentType" | "ttlSeconds" | "context">;

const DEFAULT_CONTENT_TYPE = "application/octet-stream";
const NO_CONTEXT = new Uint8Array(0);

export class RawClient implements Transport {
  readonly #session: ClientSession;

  private constructor(session: ClientSession) {
    this.#session = session;
  }

  /**
   * Asks the seeds (`host:port` of peer doors), one after another, for the ring.
   * @throws ValidationError for what is no address, UnreachableError or TimeoutError when no seed answers.
   */
  static async connect(seeds: readonly Address[], options: ClientOptions = {}): Promise<RawClient> {
    if (seeds.length === 0) throw new ValidationError("bad-parameter", "at least one seed is needed, as HOST:PORT");
    for (const seed of seeds) parseAddress(seed);
    const session = new ClientSession(await createPrimitives(), [...new Set(seeds)], options);
    try {
      await firstRing(session, options.timeoutMs ?? limits.requestTimeoutMs);
    } catch (error) {
      await session.close();
      throw error;
    }
    return new RawClient(session);
  }

  get(bucket: string, key: string, options: GetOptions = {}): Promise<ReadResult> {
    return promising(() => {
      const { id, partition } = this.#keyOf(bucket, key);
      const { r, sloppy = true } = options;
      const message = { kind: "get", id, r, sloppy, local: false, hops: 0 } as const;
      return this.#session.ask({ message, partition, isRepeatable: true, accept: readResultOf }, options);
    });
  }

  /** Without a context it replaces nothing. `value` must not change until the promise settles: it may be sent again. */
  put(bucket: string, key: string, value: Uint8Array, options: PutOptions = {}): Promise<WriteResult> {
    return promising(() => {
      const { context = NO_CONTEXT, contentType = DEFAULT_CONTENT_TYPE } = options;
      const problem = options.ttl === undefined ? undefined : ttlProblem(options.ttl);
      if (problem !== undefined) throw new ValidationError("bad-parameter", problem);
      const address = this.#keyOf(bucket, key);
      return this.#write(address, { value, contentType, ttlSeconds: options.ttl, context }, options);
    });
  }

  /** Removes what `context` covers; without one, what a quorum sees now. A value written at the same time survives. */
  async delete(bucket: string, key: string, options: DeleteOptions = {}): Promise<WriteResult> {
    const address = this.#keyOf(bucket, key);
    return this.#write(address, { value: undefined, contentType: "", context: options.context ?? NO_CONTEXT }, options);
  }

  async listKeys(bucket: string, query: KeyQuery, options: CallOptions = {}): Promise<KeyPage> {
    const { prefix, limit, cursor = "" } = query;
    return this.#askAnyone({ kind: "client-list", bucket: checked(bucket), prefix, limit, cursor }, keyPageOf, options);
  }

  async listConflicts({ bucket, limit, cursor = "" }: ConflictQuery, options: CallOptions = {}): Promise<ConflictPage> {
    const name = bucket === undefined ? "" : checked(bucket);
    return this.#askAnyone({ kind: "client-conflicts", bucket: name, limit, cursor }, conflictPageOf, options);
  }

  async bucketConfig(bucket: string, options: CallOptions = {}): Promise<BucketConfig> {
    return this.#askAnyone({ kind: "client-bucket", bucket: checked(bucket) }, bucketConfigOf, options);
  }

  /** Asked again it is the same configuration, so that is always safe. */
  async setBucketConfig(bucket: string, change: BucketChange, options: CallOptions = {}): Promise<BucketConfig> {
    const problem = bucketChangeProblem(change);
    if (problem !== undefined) throw new ValidationError("bad-parameter", problem);
    const { r, w, conflicts, ttl } = change;
    const message = { kind: "client-set-bucket", bucket: checked(bucket), r, w, conflicts, ttl } as const;
    return this.#askAnyone(message, bucketConfigOf, options);
  }

  /** The ring as this client knows it: which addresses own a partition. */
  get ring(): RingCache {
    const { ring } = this.#session;
    if (ring === undefined) throw new KvorumError("unreachable", "no ring is known");
    return ring;
  }

  /** Asks for the ring now, rather than when it is old or doubted. */
  async refreshRing(): Promise<void> {
    return this.#session.refreshRing();
  }

  /** Resolves when all connections have ended. Calls that still wait reject with a ClosedError. */
  async close(): Promise<void> {
    return this.#session.close();
  }

  #write({ id, partition }: KeyId, write: Write, options: PutOptions): Promise<WriteResult> {
    const operation = operationOf(this.#session.primitives, id, write, options);
    const { w, sloppy = true, ifAbsent = false } = options;
    const message = { kind: "put", id, ...write, w, sloppy, ifAbsent, operation, hops: 0 } as const;
    const isRepeatable = operation !== undefined;
    return this.#session.ask({ message, partition, isRepeatable, accept: writeResultOf }, options);
  }

  #askAnyone<T>(message: ClientRequest, accept: (answer: Message) => T | undefined, options: CallOptions): Promise<T> {
    return this.#session.ask({ message, partition: ANY_PARTITION, isRepeatable: true, accept }, options);
  }

  #keyOf(bucket: string, key: string): KeyId {
    const problem = bucketProblem(bucket) ?? keyProblem(key);
    if (problem !== undefined) throw new ValidationError("bad-parameter", problem);
    return keyIdOf(this.#session.primitives, this.ring.partitions, bucket, key);
  }
}

/** What fails at once rejects too, without a second promise around the call's own: on this way each one counts. */
function promising<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run();
  } catch (error) {
    return Promise.reject(error);
  }
}

function readResultOf(answer: Message): ReadResult | undefined {
  return answer.kind === "got" ? new ReadResult(nodeText, answer) : undefined;
}

function writeResultOf(answer: Message): WriteResult | undefined {
  if (answer.kind !== "put-done") return undefined;
  const { context, needed, received, fallbacks } = answer;
  // Copied: a slice would keep alive all that came with it in one read of the socket.
  return { context: context.slice(), quorum: { needed, received, fallbacks } };
}

/** The tag of a write, by its idempotency key or by the id that was drawn for it; undefined for one that must not be repeated. */
export function operationOf(
  primitives: Primitives,
  id: Uint8Array,
  write: Write,
  { idempotencyKey, operationId, attempt }: DeleteOptions,
): OperationTag | undefined {
  if (idempotencyKey === undefined)
    return operationId && operationTagOf(primitives, operationId, { id, ...write }, attempt);
  checkIdempotencyKey(idempotencyKey);
  return operationTag(primitives, idempotencyKey, { id, ...write }, attempt);
}

/** A seed that hangs is given up after a while, and another one asked, until the time is over. */
async function firstRing(session: ClientSession, timeoutMs: number): Promise<void> {
  const endMs = session.nowMs() + timeoutMs;
  for (;;) {
    try {
      return await session.refreshRing();
    } catch (error) {
      if (!(error instanceof TimeoutError) || session.nowMs() >= endMs) throw error;
    }
  }
}

/** @throws ValidationError for one that no node takes. */
function checkIdempotencyKey(idempotencyKey: string): void {
  const bytes = utf8Length(idempotencyKey);
  if (bytes > 0 && bytes <= limits.idempotencyKeyBytesMax) return;
  const detail = `an idempotency key is 1-${limits.idempotencyKeyBytesMax} bytes of UTF-8, not ${bytes}`;
  throw new ValidationError("bad-parameter", detail);
}

function checked(bucket: string): string {
  const problem = bucketProblem(bucket);
  if (problem !== undefined) throw new ValidationError("bad-parameter", problem);
  return bucket;
}

function keyPageOf(answer: Message): KeyPage | undefined {
  return answer.kind === "client-listed" ? { keys: answer.keys, cursor: answer.cursor || null } : undefined;
}

function conflictPageOf(answer: Message): ConflictPage | undefined {
  if (answer.kind !== "client-conflicts-listed") return undefined;
  const { conflicts, cursor, total } = answer;
  return { conflicts, cursor: cursor || null, total };
}

function bucketConfigOf(answer: Message): BucketConfig | undefined {
  if (answer.kind !== "client-bucket-said") return undefined;
  const { n, r, w, conflicts, ttl } = answer;
  return { n, r, w, conflicts, ...(ttl !== undefined && { ttl }) };
}
