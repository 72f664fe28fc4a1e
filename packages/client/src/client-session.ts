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
import { Call, type Dispatcher, type Question } from "./call.js";
import { ClosedError, ValidationError } from "./errors.js";
import type { Member } from "./member.js";
import { RingCache } from "./ring-cache.js";
import { ANY_PARTITION, Router } from "./router.js";
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

export interface CallOptions {
  /** Milliseconds, travelling with the request: nobody works on it once they are over. */
  readonly timeoutMs?: number;
  /** Ends the wait, not the work: an aborted write may still happen. The call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

const SWEEP_INTERVAL_MS = 50;
const RING_MAX_AGE_MS = 5_000;
/** However often members fail, the ring is not asked for more often than this. */
const RING_MIN_AGE_MS = 100;

const askRing: Question<RingCache> = {
  message: { kind: "ring" },
  partition: ANY_PARTITION,
  again: { kind: "ring" },
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
  ask<T>(question: Question<T>, options: CallOptions): Promise<T> {
    const timeoutMs = options.timeoutMs === undefined ? this.#timeoutMs : checkTimeout(options.timeoutMs);
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new ClosedError());
      const { signal } = options;
      if (signal === undefined) this.#start(new Call(question, timeoutMs, this, resolve, reject));
      else this.#startAbortable(question, timeoutMs, signal, resolve, reject);
      this.#keepRingFresh();
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

  #start<T>(call: Call<T>): void {
    call.start();
    if (!this.#sweeping) this.#sweepLater();
  }

  #startAbortable<T>(
    question: Question<T>,
    timeoutMs: number,
    signal: AbortSignal,
    resolve: (value: T) => void,
    reject: (reason: unknown) => void,
  ): void {
    if (signal.aborted) return reject(signal.reason);
    const abort = (): void => call.fail(signal.reason);
    const settled =
      <A>(settle: (argument: A) => void) =>
      (argument: A): void => {
        signal.removeEventListener("abort", abort);
        settle(argument);
      };
    const call = new Call(question, timeoutMs, this, settled(resolve), settled(reject));
    signal.addEventListener("abort", abort);
    this.#start(call);
  }

  #keepRingFresh(): void {
    if (this.#askingRing || this.#closed) return;
    const ageMs = this.nowMs() - this.#ringAskedMs;
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
    this.#start(new Call(askRing, this.#timeoutMs, this, answered, failed));
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

function checkTimeout(timeoutMs: number): number {
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
