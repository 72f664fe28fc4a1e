/**
 * What stands between a call and the members: who is asked, how long it may take, and how old the ring may be. One timer keeps all
 * deadlines, and runs only while something waits.
 */
import {
  limits,
  MalformedError,
  NO_CLUSTER,
  type Address,
  type Clock,
  type Message,
  type Primitives,
} from "@kvorum/core";
import { Call, type Asked, type Dispatcher, type Question } from "./call.js";
import { ClosedError, ValidationError } from "./errors.js";
import { abortable, startHedged, type Settle } from "./settle.js";
import type { Member } from "./member.js";
import { RingCache } from "./ring-cache.js";
import { ANY_PARTITION, Router } from "./router.js";
import type { HedgeOptions } from "./request-options.js";
import { SlabPool } from "./slab-pool.js";
import { systemClock } from "./system-clock.js";

export interface ClientOptions {
  /** Shown to the members in the greeting. */
  readonly name?: string;
  /** For calls that name none. */
  readonly timeoutMs?: number;
  /** How old the ring may be, when something is asked, before a newer one is asked for. */
  readonly ringMaxAgeMs?: number;
  /** Time, for tests. */
  readonly clock?: Clock;
}

const SWEEP_INTERVAL_MS = 50;
const RING_MAX_AGE_MS = 5_000;
/** However often members fail, the ring is not asked for more often than this. */
const RING_MIN_AGE_MS = 100;
/** One member that hangs must not keep the client from asking another for the ring. */
const RING_TIMEOUT_MS = 1_000;

const NOBODY: readonly Member[] = [];

const askRing: Question<RingCache> = {
  message: { kind: "ring" },
  partition: ANY_PARTITION,
  isRepeatable: true,
  accept: ringOf,
};

export class ClientSession implements Dispatcher {
  readonly #clock: Clock;
  readonly #router: Router;
  readonly #timeoutMs: number;
  readonly #ringMaxAgeMs: number;
  #ringAskedMs = 0;
  #askingRing = false;
  #ringDoubted = false;
  #sweeping = false;
  #closed = false;

  constructor(
    readonly primitives: Primitives,
    seeds: readonly Address[],
    options: ClientOptions,
  ) {
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? limits.requestTimeoutMs);
    this.#ringMaxAgeMs = options.ringMaxAgeMs ?? RING_MAX_AGE_MS;
    const peer = {
      hello: { kind: "hello", role: "client", name: options.name ?? "client", instance: 0 },
      clock: this.#clock,
      frames: {
        slabs: new SlabPool(primitives.text),
        frameBytesMax: limits.clientFrameBytesMax,
        queueBytesMax: limits.peerQueueBytesMax,
      },
      clusterId: NO_CLUSTER,
    } as const;
    this.#router = new Router({ ...peer }, seeds);
  }

  /** The last ring that was heard of. */
  get ring(): RingCache | undefined {
    return this.#router.ring;
  }

  /** Asks now, and resolves when the answer is in force. */
  async refreshRing(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#askRing(resolve, reject));
  }

  /** @throws ValidationError for a timeout that cannot be; all else rejects. */
  ask<T>(question: Question<T>, options: HedgeOptions): Promise<T> {
    const timeoutMs = options.timeoutMs === undefined ? this.#timeoutMs : checkTimeout(options.timeoutMs);
    const { signal, hedgeMs, trace } = options;
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new ClosedError());
      if (signal?.aborted === true) return reject(signal.reason);
      const asked = { question, timeoutMs, trace };
      const nowMs = this.nowMs();
      if (signal === undefined && hedgeMs === undefined) this.start(asked, { resolve, reject }, NOBODY, nowMs);
      else this.#startWith(signal, hedgeMs, asked, { resolve, reject });
      this.#keepRingFresh(nowMs);
    });
  }

  /** Resolves when all connections have ended. What still waits rejects with a {@link ClosedError}. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#router.members.map((member) => member.close("the client is closed")));
  }

  get closed(): boolean {
    return this.#closed;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  next(partition: number, tried: readonly Member[]): Member | undefined {
    return this.#router.choose(partition, tried);
  }

  doubtRing(): void {
    this.#ringDoubted = true;
  }

  /** Runs `run` after a while, unless it is cancelled first. */
  after(delayMs: number, run: () => void): () => void {
    return this.#clock.after(delayMs, run);
  }

  start<T>(asked: Asked<T>, settle: Settle<T>, tried = NOBODY, nowMs = this.nowMs()): Call<T> {
    const call = new Call(asked, this, settle, tried, nowMs);
    call.start();
    if (!this.#sweeping) this.#sweepLater();
    return call;
  }

  /** One that may be aborted, or asked of two. */
  #startWith<T>(signal: AbortSignal | undefined, hedgeMs: number | undefined, asked: Asked<T>, each: Settle<T>): void {
    const settle = signal === undefined ? each : abortable(signal, each, () => stop);
    let stop = (_reason: unknown): void => {};
    if (hedgeMs === undefined) {
      const call = this.start(asked, settle);
      stop = (reason) => call.fail(reason);
    } else stop = startHedged(this, asked, hedgeMs, settle);
  }

  #keepRingFresh(nowMs: number): void {
    if (this.#askingRing || this.#closed) return;
    const ageMs = nowMs - this.#ringAskedMs;
    if (ageMs < (this.#ringDoubted ? RING_MIN_AGE_MS : this.#ringMaxAgeMs)) return;
    // An old ring still leads to members that pass requests on: failing to get a newer one is no failure of the call.
    this.#askRing(
      () => {},
      () => {},
    );
  }

  #askRing(resolve: () => void, reject: (reason: unknown) => void): void {
    this.#askingRing = true;
    this.#ringDoubted = false;
    this.#ringAskedMs = this.nowMs();
    const answered = (ring: RingCache): void => {
      this.#askingRing = false;
      // Even of the same version: that names who owns what, not where members are reached.
      this.#router.ring = ring;
      resolve();
    };
    const failed = (reason: unknown): void => {
      this.#askingRing = false;
      reject(reason);
    };
    const timeoutMs = Math.min(this.#timeoutMs, RING_TIMEOUT_MS);
    this.start({ question: askRing, timeoutMs, trace: undefined }, { resolve: answered, reject: failed });
  }

  #sweepLater(): void {
    this.#sweeping = true;
    this.#clock.after(SWEEP_INTERVAL_MS, () => this.#sweep());
  }

  #sweep(): void {
    const now = this.nowMs();
    const { members } = this.#router;
    for (const member of members) member.check(now);
    if (members.some((member) => member.pending > 0)) this.#sweepLater();
    else this.#sweeping = false;
  }
}

/** @throws ValidationError for a timeout that cannot be. */
export function checkTimeout(timeoutMs: number): number {
  if (timeoutMs >= 1 && timeoutMs <= limits.requestTimeoutMaxMs) return timeoutMs;
  throw new ValidationError("bad-parameter", `a timeout is 1-${limits.requestTimeoutMaxMs} ms, not ${timeoutMs}`);
}

function ringOf(message: Message): RingCache | undefined {
  if (message.kind !== "ring-table") return undefined;
  try {
    return new RingCache(message);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
