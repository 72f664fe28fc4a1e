/** What a call can reject with: classes to catch by, each with a stable code and, for a write, what became of it (CONTRACT §5). */
import type { Effect, Failure, FailureCode } from "@kvorum/core";
import type { Sibling } from "./read-result.js";

/**
 * Codes that the cluster answers with, and those that only a client can find: `timeout`, `unreachable`, `closed`, `protocol` (an answer that
 * is none), `conflict` (siblings that nobody resolved), `unresolved` (siblings read as if they were one value), `bad-value` (a value that its
 * codec does not take), `resolver-failed`, `session-not-met` (no replica that could be asked knows all that the session knows).
 */
export type KvorumErrorCode =
  | FailureCode
  | "timeout"
  | "unreachable"
  | "protocol"
  | "conflict"
  | "unresolved"
  | "bad-value"
  | "resolver-failed"
  | "session-not-met"
  | "closed";

export interface KvorumErrorDetails {
  /** For a write: `none`: nothing was started; `unknown`: it may still appear, and only the same idempotency key retries it safely. */
  readonly effect?: Effect;
  readonly cause?: unknown;
}

/** The base of all errors of this client. `code` is stable, the message is for people and free to change. */
export class KvorumError extends Error {
  override readonly name: string = "KvorumError";
  readonly code: KvorumErrorCode;
  readonly effect: Effect;

  constructor(code: KvorumErrorCode, message: string, details: KvorumErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.effect = details.effect ?? "none";
  }
}

/** Fewer than R or W replicas answered in time; or more were asked for than the cluster has members, and then nobody was asked. */
export class QuorumNotMetError extends KvorumError {
  override readonly name = "QuorumNotMetError";

  /** `needed` and `received` count replies of distinct replicas. */
  constructor(
    message: string,
    readonly needed: number,
    readonly received: number,
    details: KvorumErrorDetails = {},
    /** How many members there are, where more replies are needed than that: such a call fails at once, and again until members are added. */
    readonly members?: number | undefined,
  ) {
    super("quorum-not-met", message, details);
  }
}

/** No answer before the call's deadline. */
export class TimeoutError extends KvorumError {
  override readonly name = "TimeoutError";

  constructor(
    message: string,
    readonly timeoutMs: number,
    details: KvorumErrorDetails = {},
  ) {
    super("timeout", message, details);
  }
}

/** The cluster sheds load: nothing was started. Wait `retryAfterMs`, then try again. */
export class OverloadedError extends KvorumError {
  override readonly name = "OverloadedError";

  constructor(
    message: string,
    readonly retryAfterMs: number | undefined,
    details: KvorumErrorDetails = {},
  ) {
    super("overloaded", message, details);
  }
}

/** The request itself is wrong: a name, a parameter, a context, a size. Sending it again unchanged fails again. */
export class ValidationError extends KvorumError {
  override readonly name = "ValidationError";
}

/** Where an error about one key happened, and what stood there: nothing is lost with it. */
export interface KeyTrouble<T> {
  readonly bucket: string;
  readonly key: string;
  /** All versions, as they were read. */
  readonly siblings: readonly Sibling<T>[];
  /** Covers them: a `put` with it replaces them, and nothing else. */
  readonly context: string;
}

/** An error about a key that carries what stands there. */
abstract class SiblingsError<T> extends KvorumError implements KeyTrouble<T> {
  readonly bucket: string;
  readonly key: string;
  readonly siblings: readonly Sibling<T>[];
  readonly context: string;

  constructor(
    code: KvorumErrorCode,
    message: string,
    { bucket, key, siblings, context }: KeyTrouble<T>,
    details: KvorumErrorDetails,
  ) {
    super(code, message, details);
    this.bucket = bucket;
    this.key = key;
    this.siblings = siblings;
    this.context = context;
  }
}

/** Siblings stand that no resolver resolves: choose or merge, then `put` the choice with `context`. */
export class ConflictError<T = unknown> extends SiblingsError<T> {
  override readonly name = "ConflictError";

  constructor(message: string, trouble: KeyTrouble<T>, details: KvorumErrorDetails = {}) {
    super("conflict", message, trouble, details);
  }
}

/** A resolver threw (`cause`), or gave nothing. Nothing was written; the siblings stand as they did. */
export class ResolverError<T = unknown> extends SiblingsError<T> {
  override readonly name = "ResolverError";

  constructor(message: string, trouble: KeyTrouble<T>, details: KvorumErrorDetails = {}) {
    super("resolver-failed", message, trouble, details);
  }
}

/** No node that was tried took the request. */
export class UnreachableError extends KvorumError {
  override readonly name = "UnreachableError";

  constructor(message: string, details: KvorumErrorDetails = {}) {
    super("unreachable", message, details);
  }
}

/** The client was closed before the answer came. */
export class ClosedError extends KvorumError {
  override readonly name = "ClosedError";

  constructor(details: KvorumErrorDetails = {}) {
    super("closed", "the client is closed", details);
  }
}

/** The error for what a node answered. Codes without a class of their own are plain {@link KvorumError}s. */
export function errorOf(failure: Failure): KvorumError {
  const { code, detail, effect } = failure;
  switch (code) {
    case "quorum-not-met":
      return new QuorumNotMetError(detail, failure.needed ?? 0, failure.received ?? 0, { effect }, failure.members);
    case "overloaded":
      return new OverloadedError(detail, failure.retryAfterMs, { effect });
    case "bad-parameter":
    case "bad-context":
    case "too-large":
    case "idempotency-mismatch":
      return new ValidationError(code, detail, { effect });
    default:
      return new KvorumError(code, detail, { effect });
  }
}
