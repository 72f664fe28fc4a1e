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
import type { Settle } from "./settle.js";
import { isPassing } from "./passing.js";
import type { Member } from "./member.js";
import type { Waiter } from "./member-connection.js";
import type { RequestTrace } from "./transports/trace.js";

/** What is asked, and what counts as its answer. */
export interface Question<T> {
  readonly message: Message;
  /** Whose owners to ask first. */
  readonly partition: number;
  /** Whether it may be asked again when an earlier attempt may have arrived (TRAPS 6): a read, or a write that has a name. */
  readonly isRepeatable: boolean;
  /** Undefined for a message that is no answer to this. */
  accept(message: Message): T | undefined;
}

/** A question with how long its answer may take, and where to note who was asked. */
export interface Asked<T> {
  readonly question: Question<T>;
  readonly timeoutMs: number;
  readonly trace: Pick<RequestTrace, "target" | "retries" | "hedged"> | undefined;
}

/** What a call needs of its client. */
export interface Dispatcher {
  readonly closed: boolean;
  nowMs(): number;
  next(partition: number, tried: readonly Member[]): Member | undefined;
  /** A member could not answer, or is no owner any more: the ring may have changed. */
  doubtRing(): void;
}

/** A member says first that the time is over, and why; the client waits this much longer for it. */
const GRACE_MS = 100;

export class Call<T> implements Waiter {
  readonly expiresAtMs: number;
  readonly #deadlineMs: number;
  #message: Message;
  #member: Member | undefined;
  #tried: readonly Member[];
  /** Whether an earlier attempt may have arrived somewhere. */
  #mayHaveArrived = false;
  #reasons = "";
  #settled = false;

  /** `tried`: members that are not to be asked. */
  constructor(
    readonly asked: Asked<T>,
    readonly dispatcher: Dispatcher,
    readonly settle: Settle<T>,
    tried: readonly Member[],
    nowMs: number,
  ) {
    this.#tried = tried;
    this.#message = asked.question.message;
    this.#deadlineMs = nowMs + asked.timeoutMs;
    this.expiresAtMs = this.#deadlineMs + GRACE_MS;
  }

  start(): void {
    this.#dispatch(this.asked.timeoutMs);
  }

  /** Who was asked last. */
  get member(): Member | undefined {
    return this.#member;
  }

  answered(message: Message): void {
    if (message.kind === "failed") return this.#failed(message.failure);
    const value = this.asked.question.accept(message);
    if (value === undefined) return this.fail(this.#error("protocol", `${message.kind} is no answer to this request`));
    if (this.#settled) return;
    this.#settled = true;
    this.settle.resolve(value);
  }

  lost(reason: string, sent: boolean): void {
    this.dispatcher.doubtRing();
    this.#askElsewhere(reason, sent, () => this.#unreachable());
  }

  expired(): void {
    this.dispatcher.doubtRing();
    this.#mayHaveArrived = true;
    const { timeoutMs } = this.asked;
    this.fail(new TimeoutError(`no answer within ${timeoutMs} ms`, timeoutMs, { effect: this.#effect() }));
  }

  /** Ends the call: for a failure, or for a reason of the caller's own. What still comes is dropped. */
  fail(reason: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.settle.reject(reason);
  }

  /** Sends to the next member that takes it. */
  #dispatch(leftMs: number): void {
    let full = false;
    const { trace } = this.asked;
    for (;;) {
      const member = (this.#member = this.dispatcher.next(this.asked.question.partition, this.#tried));
      if (member === undefined) return this.fail(full ? this.#overloaded() : this.#unreachable());
      const result = member.request(this.#message, leftMs, this);
      if (result === "taken") {
        if (trace !== undefined) trace.target = member.address;
        return;
      }
      if (result === "too-large") return this.fail(this.#tooLarge());
      full ||= result === "full";
      this.#tried = [...this.#tried, member];
    }
  }

  #failed(failure: Failure): void {
    if (isPassing(failure)) this.#member?.refused();
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
      if (!this.asked.question.isRepeatable) return this.fail(lastError());
      this.#message = repeated(this.asked.question.message);
    }
    const leftMs = this.#deadlineMs - this.dispatcher.nowMs();
    if (leftMs <= 0) return this.fail(lastError());
    if (this.asked.trace !== undefined) this.asked.trace.retries++;
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

/** A write says that an earlier attempt may have been made, so that whoever takes it looks for one. */
function repeated(message: Message): Message {
  if (message.kind !== "put" || message.operation === undefined) return message;
  return { ...message, operation: { ...message.operation, maybeRetry: true } };
}
