/**
 * One budget for all work that no client waits for: hints, transfers, repair, reaping (TRAPS 26; DESIGN §5). Each piece says how many bytes it
 * is and waits for its turn; the kinds take turns, so that one long transfer does not stand before every hint. How fast it flows is
 * replication/pace.ts.
 */
import { limits } from "../base/limits.js";
import type { Clock } from "../ports/clock.js";
import { Pace } from "../replication/pace.js";

export const backgroundKinds = ["hints", "transfers", "repair", "reaping"] as const;
export type BackgroundKind = (typeof backgroundKinds)[number];

interface Piece {
  readonly bytes: number;
  readonly go: () => void;
}

/** What even the smallest piece costs: a message is handled on both sides, whatever it carries. */
const PIECE_BYTES_MIN = 256;

export class Budget {
  readonly pace = new Pace();
  readonly #waiting = new Map<BackgroundKind, Set<Piece>>(backgroundKinds.map((kind) => [kind, new Set()]));
  /** Whose turn is next. */
  #turn = 0;
  /** What may be spent now. Below zero: a large piece went, and those behind it wait until it is paid off. */
  #bytes: number = limits.backgroundBurstBytes;
  #filledAtMs: number;
  #windowAtMs: number;
  #timer: (() => void) | undefined;
  #flowing = false;
  #stopped = false;

  constructor(readonly clock: Clock) {
    this.#filledAtMs = clock.monotonicMs();
    this.#windowAtMs = this.#filledAtMs;
  }

  /** Calls `go` once there is budget for that many bytes: perhaps before this returns, and never after the returned function was called. */
  spend(kind: BackgroundKind, bytes: number, go: () => void): () => void {
    if (this.#stopped) return () => {};
    const piece: Piece = { bytes: Math.max(bytes, PIECE_BYTES_MIN), go };
    const waiting = this.#waitingOf(kind);
    waiting.add(piece);
    this.#flow();
    return () => void waiting.delete(piece);
  }

  /** A client's request was answered after so long. */
  answered(latencyMs: number): void {
    this.pace.answered(latencyMs);
    this.#turnWindow(this.clock.monotonicMs());
  }

  /** Pieces that wait for their turn. */
  get waiting(): number {
    let count = 0;
    for (const pieces of this.#waiting.values()) count += pieces.size;
    return count;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.();
    for (const pieces of this.#waiting.values()) pieces.clear();
  }

  /** What fits now, a piece of each kind in turn. A piece that begins another one while it goes only queues it. */
  #flow(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    try {
      this.#fill();
      while (this.#bytes > 0) {
        const piece = this.#next();
        if (piece === undefined) return;
        this.#bytes -= piece.bytes;
        piece.go();
      }
    } finally {
      this.#flowing = false;
    }
    if (this.waiting > 0) this.#wait();
  }

  #next(): Piece | undefined {
    for (let tried = 0; tried < backgroundKinds.length; tried++) {
      const waiting = this.#waitingOf(backgroundKinds[this.#turn] as BackgroundKind);
      this.#turn = (this.#turn + 1) % backgroundKinds.length;
      const [piece] = waiting;
      if (piece === undefined) continue;
      waiting.delete(piece);
      return piece;
    }
    return undefined;
  }

  #fill(): void {
    const now = this.clock.monotonicMs();
    this.#turnWindow(now);
    const earned = (this.pace.bytesPerSecond * (now - this.#filledAtMs)) / 1_000;
    this.#bytes = Math.min(limits.backgroundBurstBytes, this.#bytes + earned);
    this.#filledAtMs = now;
  }

  #turnWindow(now: number): void {
    if (now - this.#windowAtMs < limits.backgroundWindowMs) return;
    this.#windowAtMs = now;
    this.pace.turn();
  }

  #wait(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    // Not longer than a window: the pace may have risen by then.
    const untilMs = Math.ceil((1 - this.#bytes) / (this.pace.bytesPerSecond / 1_000));
    this.#timer = this.clock.after(Math.min(Math.max(untilMs, 1), limits.backgroundWindowMs), () => {
      this.#timer = undefined;
      this.#flow();
    });
  }

  #waitingOf(kind: BackgroundKind): Set<Piece> {
    return this.#waiting.get(kind) as Set<Piece>;
  }
}
