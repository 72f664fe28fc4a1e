/** Who is silent for too long: a phi-accrual failure detector, local and without consequences for data (Dynamo §4.8.3; Hayashibara et al., "The φ Accrual Failure Detector", 2004). */
import { limits } from "../base/limits.js";

export type Liveness = "up" | "suspect" | "down";

export interface DetectorOptions {
  /** How often every member is meant to beat. */
  readonly intervalMs: number;
  readonly samplesMax?: number;
}

/** Phi is -log10 of how likely so long a silence is for a member that lives: 8 is one in a hundred million. */
export const PHI_SUSPECT = 8;
export const PHI_DOWN = 16;

/** Whatever phi says, so many intervals must have been missed: a few quick heartbeats must not make it nervous. */
const SUSPECT_INTERVALS_MIN = 4;
const DOWN_INTERVALS_MIN = 12;

/** The interval that was agreed on counts as so many samples, with a deviation of half of it, until there are better ones. */
const PRIOR_SAMPLES = 5;
const PRIOR_DEVIATION_INTERVALS = 0.5;
const DEVIATION_INTERVALS_MIN = 0.25;

interface Watch {
  /** In the observer's waking time: the time that it could have heard something. */
  heardAtMs: number;
  /** The same by the clock; undefined while it is only expected. */
  lastHeardMs: number | undefined;
  readonly intervalsMs: number[];
  /** Where the next interval goes once the window is full. */
  next: number;
  meanMs: number;
  deviationMs: number;
}

/**
 * Judges members by the heartbeats that reached this node. Time in which the node itself was stalled does not count: a loop that
 * stood still for ten seconds has heard nobody, and the fault is its own.
 */
export class FailureDetector {
  readonly #intervalMs: number;
  readonly #samplesMax: number;
  readonly #watches = new Map<number, Watch>();
  #stalledMs = 0;

  constructor(options: DetectorOptions) {
    this.#intervalMs = options.intervalMs;
    this.#samplesMax = options.samplesMax ?? limits.heartbeatSamplesMax;
  }

  /** `instance` has shown a new heartbeat at `nowMs` (monotonic). */
  heard(instance: number, nowMs: number): void {
    const awakeMs = nowMs - this.#stalledMs;
    const watch = this.#watches.get(instance);
    if (watch === undefined) {
      this.#watches.set(instance, this.#newWatch(awakeMs, nowMs));
      return;
    }
    const wasExpected = watch.lastHeardMs === undefined;
    watch.lastHeardMs = nowMs;
    const intervalMs = Math.max(0, awakeMs - watch.heardAtMs);
    watch.heardAtMs = Math.max(watch.heardAtMs, awakeMs);
    // An outage says nothing about the rhythm of a healthy member; as a sample it would hide the next one.
    // Nor does the time since it was merely expected.
    if (!wasExpected && intervalMs < DOWN_INTERVALS_MIN * this.#intervalMs) this.#learn(watch, intervalMs);
  }

  /** Starts to listen for an instance of which nothing was heard yet (restored from disk), as if it had been heard now. */
  expect(instance: number, nowMs: number): void {
    if (!this.#watches.has(instance)) this.#watches.set(instance, this.#newWatch(nowMs - this.#stalledMs, undefined));
  }

  /** No longer of interest. */
  forget(instance: number): void {
    this.#watches.delete(instance);
  }

  /** This node's own loop stood still for `lagMs`. To be told before what waited meanwhile is taken in. */
  observerStalled(lagMs: number): void {
    this.#stalledMs += Math.max(0, lagMs);
  }

  /** When `instance` last showed a new heartbeat (monotonic milliseconds), for people to see. */
  lastHeard(instance: number): number | undefined {
    return this.#watches.get(instance)?.lastHeardMs;
  }

  /** How many milliseconds ago `instance` was heard, without the time that this node was stalled. */
  silenceMs(instance: number, nowMs: number): number | undefined {
    const watch = this.#watches.get(instance);
    return watch === undefined ? undefined : Math.max(0, nowMs - this.#stalledMs - watch.heardAtMs);
  }

  /** How unlikely the present silence of `instance` is: rises without bound. Infinite for one that was never heard of. */
  phi(instance: number, nowMs: number): number {
    const watch = this.#watches.get(instance);
    const silenceMs = this.silenceMs(instance, nowMs);
    if (watch === undefined || silenceMs === undefined) return Number.POSITIVE_INFINITY;
    return surprise((silenceMs - watch.meanMs) / watch.deviationMs);
  }

  status(instance: number, nowMs: number): Liveness {
    const silenceMs = this.silenceMs(instance, nowMs);
    if (silenceMs === undefined) return "down";
    const missed = silenceMs / this.#intervalMs;
    const phi = this.phi(instance, nowMs);
    if (missed >= DOWN_INTERVALS_MIN && phi >= PHI_DOWN) return "down";
    if (missed >= SUSPECT_INTERVALS_MIN && phi >= PHI_SUSPECT) return "suspect";
    return "up";
  }

  #newWatch(awakeMs: number, lastHeardMs: number | undefined): Watch {
    const meanMs = this.#intervalMs;
    const deviationMs = PRIOR_DEVIATION_INTERVALS * meanMs;
    return { heardAtMs: awakeMs, lastHeardMs, intervalsMs: [], next: 0, meanMs, deviationMs };
  }

  /** Computed anew from the window: running sums would drift over months. */
  #learn(watch: Watch, intervalMs: number): void {
    watch.intervalsMs[watch.next] = intervalMs;
    watch.next = (watch.next + 1) % this.#samplesMax;
    const prior = this.#intervalMs;
    const weight = PRIOR_SAMPLES + watch.intervalsMs.length;
    let sum = PRIOR_SAMPLES * prior;
    for (const each of watch.intervalsMs) sum += each;
    const meanMs = sum / weight;
    let squares = PRIOR_SAMPLES * ((PRIOR_DEVIATION_INTERVALS * prior) ** 2 + (prior - meanMs) ** 2);
    for (const each of watch.intervalsMs) squares += (each - meanMs) ** 2;
    watch.meanMs = meanMs;
    watch.deviationMs = Math.max(Math.sqrt(squares / weight), DEVIATION_INTERVALS_MIN * prior);
  }
}

/**
 * -log10 of the chance that a normally distributed value lies more than `deviations` above its mean. The logistic approximation
 * (as in Akka's detector), written so that the far tail neither underflows nor becomes infinite.
 */
function surprise(deviations: number): number {
  const exponent = deviations * (1.5976 + 0.070566 * deviations * deviations);
  if (exponent > 0) return (exponent + Math.log1p(Math.exp(-exponent))) / Math.LN10;
  return Math.log1p(Math.exp(exponent)) / Math.LN10;
}
