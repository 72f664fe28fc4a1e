/** The way from one host to another, one direction of it: its delay, and what goes wrong there. Drawn from a stream of its own. */
import type { Rng } from "@kvorum/core";

export interface Weather {
  /** Chances for each frame that may suffer it (see pipe.ts). */
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly delayFactor: number;
}

export const FAIR: Weather = { loss: 0, duplicate: 0, reorder: 0, delayFactor: 1 };

/** Why a path is closed: `held` by a partition, or `clogged` for a moment. */
export type Closure = "held" | "clogged";

/** What waits at the beginning of a path that is closed. */
export interface Traveller {
  /** The path is open again. */
  depart(): void;
}

export class Path {
  weather: Weather = FAIR;
  /** How many partitions and clogs lie on it now, and which came last. */
  #closures = 0;
  closedBy: Closure = "held";
  /** How often it was healed: what was closed before is no longer. */
  #age = 0;
  #waiting = new Set<Traveller>();

  constructor(
    /** `from>to`: for the story. */
    readonly name: string,
    /** Of few bits, for the digest. */
    readonly number: number,
    readonly rng: Rng,
    readonly delayMinMs: number,
    readonly delayMaxMs: number,
  ) {}

  get isOpen(): boolean {
    return this.#closures === 0;
  }

  /** Whatever leaves from now on waits; what is on its way arrives. The returned function takes this closure away, once. */
  close(by: Closure = "held"): () => void {
    const age = this.#age;
    this.closedBy = by;
    let isOver = false;
    this.#closures++;
    return () => {
      if (isOver || age !== this.#age) return;
      isOver = true;
      if (--this.#closures === 0) this.#release();
    };
  }

  /** To be told when the path opens. */
  wait(traveller: Traveller): void {
    this.#waiting.add(traveller);
  }

  travelMs(): number {
    const { delayMinMs, delayMaxMs, weather } = this;
    return (delayMinMs + this.rng.float() * (delayMaxMs - delayMinMs)) * weather.delayFactor;
  }

  heal(): void {
    this.weather = FAIR;
    this.#closures = 0;
    this.#age++;
    this.#release();
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const traveller of waiting) traveller.depart();
  }
}
