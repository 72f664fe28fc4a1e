/** One call of a client: asked of one member after another until one answers, its time is over, or asking again could do harm. */
import type { Failure, Message } from "@kvorum/core";
import {
  ClosedError,
  errorOf,
  KvorumError,
  OverloadedError,
  TimeoutError,
  UnreachableError,
  ValidationError,
} from "./errors.js";
import type { Member } from "./member.js";
import type { Waiter } from "./member-connection.js";

/** What is asked, and what counts as its answer. */
export interface Question<T> {
  readonly message: Message;
  /** Whose owners to ask first. */
  readonly partition: number;
  /** What to ask with when an earlier attempt may have arrived; undefined: then it must not be asked again (TRAPS 6). */
  readonly again: Message | undefined;
  /** Undefined for a message that is no answer to this. */
  accept(message: Message): T | undefined;
}

/** What a call needs of its client. */
export interface Dispatcher {
  readonly closed: boolean;
  nowMs(): number;
  next(partition: number, tried: readonly Member[]): Member | undefined;
  /** A member could not answer, or is no owner any more: the ring may have changed. */
  doubtRing(): void;
}

const NONE: readonly Member[] = [];
/** A member says first that the time is over, and why; the client waits this much longer for it. */
const GRACE_MS = 100;

export class Call<T> implements Waiter {
  readonly expiresAtMs: number;
  readonly #deadlineMs: number;
  #message: Message;
  #member: Member | undefined;
  #tried = NONE;
  /** Whether an earlier attempt may have arrived somewhere. */
  #mayHaveArrived = false;
  #reasons = "";
  #settled = false;

  constructor(
    readonly question: Question<T>,
    readonly timeoutMs: number,
    readonly dispatcher: Dispatcher,
    readonly resolve: (value: T) => void,
    readonly reject: (reason: unknown) => void,
  ) {
    this.#message = question.message;
    this.#deadlineMs = dispatcher.nowMs() + timeoutMs;
    this.expiresAtMs = this.#deadlineMs + GRACE_MS;
  }

  start(): void {
    this.#dispatch(this.timeoutMs);
  }

  answered(message: Message): void {
    if (message.kind === "failed") return this.#failed(message.failure);
    const value = this.question.accept(message);
    if (value === undefined) return this.fail(this.#error("protocol", `${message.kind} is no answer to this request`));
    if (this.#settled) return;
    this.#settled = true;
    this.resolve(value);
  }

  lost(reason: string, sent: boolean): void {
    this.dispatcher.doubtRing();
    this.#askElsewhere(reason, sent, () => this.#unreachable());
  }

  expired(): void {
    this.dispatcher.doubtRing();
    this.#mayHaveArrived = true;
    const { timeoutMs } = this;
    this.fail(new TimeoutError(`no answer within ${timeoutMs} ms`, timeoutMs, { effect: this.#effect() }));
  }

  /** Ends the call: for a failure, or for a reason of the caller's own. What still comes is dropped. */
  fail(reason: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.reject(reason);
  }

  /** Sends to the next member that takes it. */
  #dispatch(leftMs: number): void {
    let full = false;
    for (;;) {
      const member = (this.#member = this.dispatcher.next(this.question.partition, this.#tried));
      if (member === undefined) return this.fail(full ? this.#overloaded() : this.#unreachable());
      const result = member.request(this.#message, leftMs, this);
      if (result === "taken") return;
      if (result === "too-large") return this.fail(this.#tooLarge());
      full ||= result === "full";
      this.#tried = [...this.#tried, member];
    }
  }

  #failed(failure: Failure): void {
    // Refusals that concern this member alone: another may well take the request.
    const elsewhere = failure.code === "not-owner" || failure.code === "stopping" || failure.code === "storage-failed";
    const sent = failure.effect === "unknown";
    const error = (): KvorumError => errorOf({ ...failure, effect: this.#effect() });
    if (!elsewhere) {
      this.#mayHaveArrived ||= sent;
      return this.fail(error());
    }
    this.dispatcher.doubtRing();
    this.#askElsewhere(`${this.#member?.address}: ${failure.detail}`, sent, error);
  }

  #askElsewhere(reason: string, sent: boolean, lastError: () => KvorumError): void {
    if (this.#settled) return;
    this.#mayHaveArrived ||= sent;
    this.#reasons += `${this.#reasons === "" ? "" : "; "}${reason}`;
    if (this.dispatcher.closed) return this.fail(new ClosedError({ effect: this.#effect() }));
    if (this.#mayHaveArrived) {
      if (this.question.again === undefined) return this.fail(lastError());
      this.#message = this.question.again;
    }
    const leftMs = this.#deadlineMs - this.dispatcher.nowMs();
    if (leftMs <= 0) return this.fail(lastError());
    if (this.#member !== undefined) this.#tried = [...this.#tried, this.#member];
    this.#dispatch(leftMs);
  }

  #effect(): "none" | "unknown" {
    return this.#mayHaveArrived && this.#message.kind === "put" ? "unknown" : "none";
  }

  #error(code: "protocol", message: string): KvorumError {
    this.#mayHaveArrived = true;
    return new KvorumError(code, message, { effect: this.#effect() });
  }

  #unreachable(): UnreachableError {
    const reasons = this.#reasons === "" ? "" : `: ${this.#reasons}`;
    return new UnreachableError(`no member took the request${reasons}`, { effect: this.#effect() });
  }

  #overloaded(): OverloadedError {
    return new OverloadedError("too much waits to be sent; slow down", undefined, { effect: this.#effect() });
  }

  #tooLarge(): ValidationError {
    return new ValidationError("too-large", "the request is larger than a frame may be", { effect: this.#effect() });
  }
}
