/** What can go wrong with a request, as data: one stable code each, the numbers that explain it, and what it means for a write. */

/** Stable names; over HTTP they are the `urn:kvorum:<name>` of the problem. The order is the wire's: append only. */
export const failureCodes = [
  "bad-parameter",
  "bad-context",
  "too-large",
  "overloaded",
  "storage-full",
  "quorum-not-met",
  "idempotency-mismatch",
  "exists",
  "too-many-siblings",
  "clock-skew",
  "n-fixed",
  "not-found",
  "not-owner",
  "stopping",
  "storage-failed",
  "join-refused",
  "member-alive",
] as const;

export type FailureCode = (typeof failureCodes)[number];

/** `none`: nothing was started. `unknown`: the write is neither promised nor undone; it may still appear. */
export type Effect = "none" | "unknown";

export interface Failure {
  readonly code: FailureCode;
  /** For people: what was wrong and what to do. */
  readonly detail: string;
  readonly effect: Effect;
  /** Replies that the quorum needed, and those it got. */
  readonly needed?: number;
  readonly received?: number;
  /** How many members there are, where more are needed than that: asking again helps only when members were added. */
  readonly members?: number;
  readonly retryAfterMs?: number;
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function fail(
  code: FailureCode,
  detail: string,
  effect: Effect = "none",
  more: Partial<Failure> = {},
): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure: { ...more, code, detail, effect } };
}
