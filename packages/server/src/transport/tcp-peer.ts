/** The way to one address: at most one connection, dialled when there is something to send, with pauses after dials that failed. */
import type { FrameConnection } from "@kvorum/client/internal";
import type { Address, Session } from "@kvorum/core";

export type TcpSession = Session<FrameConnection>;

export interface RedialLimits {
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
}

export class TcpPeer {
  session: TcpSession | undefined;
  #failures = 0;
  #notBeforeMs = 0;

  constructor(
    readonly address: Address,
    readonly target: { readonly host: string; readonly port: number },
    readonly limits: RedialLimits,
  ) {}

  /** False during the pause after a failed dial: what is sent then is not taken, and its sender knows at once. */
  mayDial(nowMs: number): boolean {
    return nowMs >= this.#notBeforeMs;
  }

  /** Nothing is worth remembering: no connection, and no pause that could still grow. */
  isForgettable(nowMs: number): boolean {
    return this.session === undefined && nowMs >= this.#notBeforeMs + this.limits.redialMaxMs * 10;
  }

  /** The other side greeted: when this connection breaks, the next dial may follow at once. */
  reached(): void {
    this.#failures = 0;
  }

  /** One dial may be tried now; if it fails too, the pauses go on growing. */
  endPause(nowMs: number): void {
    this.#notBeforeMs = Math.min(this.#notBeforeMs, nowMs);
  }

  /** The next dial need not wait: the last connection was given up, it did not fail. */
  forgive(): void {
    this.#failures = 0;
    this.#notBeforeMs = 0;
  }

  /**
   * Takes leave of a connection; false when another had taken its place. One that ended before the other side greeted counts as a
   * failed dial: being refused must not become a busy loop.
   */
  leave(session: TcpSession, nowMs: number): boolean {
    if (this.session !== session) return false;
    this.session = undefined;
    if (session.isGreeted) return true;
    const { redialMinMs, redialMaxMs } = this.limits;
    this.#notBeforeMs = nowMs + Math.min(redialMaxMs, redialMinMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    return true;
  }
}
