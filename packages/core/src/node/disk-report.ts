/**
 * Whose disk stands still: each member says with its heartbeats how old its oldest waiting flush is, and one whose disk hangs is stood in for
 * from the start, as one that is silent (DESIGN §8).
 */
import { limits } from "../base/limits.js";
import type { Primitives } from "../base/primitives.js";
import type { Clock } from "../ports/clock.js";
import { decodeDiskState, encodeDiskState } from "./facts.js";

interface Heard {
  readonly stalledMs: number;
  readonly atMs: number;
}

export class DiskReport {
  readonly #heard = new Map<number, Heard>();
  /** What the others heard last may be that it stands still: a start says first that it does not. */
  #saidStalled = true;

  constructor(
    readonly primitives: Primitives,
    readonly clock: Clock,
  ) {}

  /** What to say in this round; undefined as long as the disk moves, and the others know that. */
  toSay(stalledMs: number): Uint8Array | undefined {
    const isStalled = stalledMs >= limits.diskStallMs;
    if (!isStalled && !this.#saidStalled) return undefined;
    this.#saidStalled = isStalled;
    return encodeDiskState(this.primitives, isStalled ? Math.floor(stalledMs) : 0);
  }

  heard(instance: number, value: Uint8Array): void {
    const stalledMs = decodeDiskState(this.primitives, value);
    if (stalledMs === undefined) return;
    if (stalledMs < limits.diskStallMs) this.#heard.delete(instance);
    else this.#heard.set(instance, { stalledMs, atMs: this.clock.monotonicMs() });
  }

  /** Milliseconds since that member's disk last moved; undefined for one that said nothing of the kind. */
  stalledMs(instance: number): number | undefined {
    const heard = this.#heard.get(instance);
    return heard && heard.stalledMs + this.clock.monotonicMs() - heard.atMs;
  }
}
