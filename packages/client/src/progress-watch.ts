/**
 * When to give a connection up: it is not reached, takes nothing, answers nothing, says nothing, or does not let go. Judged from check
 * to check, so that no clock is read on the way of a frame (DESIGN §9: redial rather than wait for TCP).
 */
import { limits } from "@kvorum/core";

/** Each has its default in the limits of core. */
export interface ProgressLimits {
  readonly dialTimeoutMs?: number;
  readonly stallTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly lingerMs?: number;
}

export class ProgressWatch {
  #openedMs: number | undefined;
  #endingMs: number | undefined;
  #isEnding = false;
  #movedMs = 0;
  #sentMs = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #hasReceived = false;
  #answerDueMs: number | undefined;

  constructor(readonly limits: ProgressLimits) {}

  ending(): void {
    this.#isEnding = true;
  }

  /** Whether something came since the last check. */
  received(bytes: number): boolean {
    this.#hasReceived = bytes !== this.#receivedBytes;
    this.#receivedBytes = bytes;
    return this.#hasReceived;
  }

  /** What is overdue, for people; undefined when nothing is. `awaitedMs`: how long an answer may take, 0 when none is awaited. */
  check(nowMs: number, dialling: boolean, waiting: boolean, sentBytes: number, awaitedMs: number): string | undefined {
    const {
      dialTimeoutMs = limits.dialTimeoutMs,
      stallTimeoutMs = limits.stallTimeoutMs,
      idleTimeoutMs = limits.idleTimeoutMs,
      lingerMs = limits.lingerMs,
    } = this.limits;
    this.#openedMs ??= this.#movedMs = this.#sentMs = nowMs;
    const hasSent = sentBytes !== this.#sentBytes;
    this.#sentBytes = sentBytes;
    if (hasSent || !waiting) this.#sentMs = nowMs;
    if (hasSent || this.#hasReceived) this.#movedMs = nowMs;
    if (awaitedMs === 0) this.#answerDueMs = undefined;
    else this.#answerDueMs ??= nowMs + awaitedMs;
    if (this.#isEnding && nowMs - (this.#endingMs ??= nowMs) >= lingerMs) return "let go";
    if (dialling) return nowMs - this.#openedMs >= dialTimeoutMs ? `not reached in ${dialTimeoutMs} ms` : undefined;
    // A request ran out of time and nothing at all came: a new connection is quicker than TCP's own doubts about this one.
    if (this.#answerDueMs !== undefined && nowMs >= this.#answerDueMs) return "an answer was due and nothing came";
    if (nowMs - this.#sentMs >= stallTimeoutMs) return `nothing taken for ${stallTimeoutMs} ms`;
    if (nowMs - this.#movedMs >= idleTimeoutMs) return `nothing said for ${idleTimeoutMs} ms`;
    return undefined;
  }
}
