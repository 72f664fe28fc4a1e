/** The judge of a run: lets the checkers look on, the healers mend at the end, and collects what was violated. */
import { heal, makeEqual } from "../heal/all.js";
import type * as parts from "../run/parts.js";
import type { Violation } from "../run/result.js";
import { Violations } from "../run/violations.js";
import { Sometimes } from "../sometimes.js";
import type { Clients } from "../workload/clients.js";
import type { Healers } from "../world/healers.js";
import type { World } from "../world/world.js";
import { checkers } from "./all.js";
import type { Bench, Checker } from "./checker.js";
import { readFinals } from "./finals.js";
import { Past } from "./past.js";

/** What is known of a run's world before it begins. */
export interface Expectations {
  readonly healers: Healers;
  readonly clockErrorMs: number;
  readonly clockDrift: number;
}

/** Longer than clients are at work. */
const DRIFTING_MS = 60_000;

export class Judge implements parts.Judge {
  readonly #taken = new Sometimes();
  readonly #violations = new Violations();
  readonly #checkers: readonly Checker[];
  readonly #bench: Bench;
  #converged = false;

  constructor(
    readonly world: World,
    readonly expectations: Expectations,
    readonly clients: Clients,
  ) {
    const { record: history, lens } = clients;
    this.#bench = {
      ...{ world, history, lens, past: new Past(history), heals: makeEqual(expectations.healers) },
      clocksApartMs: 2 * (expectations.clockErrorMs + expectations.clockDrift * DRIFTING_MS),
      report: (invariant, what) => this.#violations.report(invariant, what),
      mark: (path) => this.#taken.mark(path),
    };
    this.#checkers = checkers.map((make) => make(this.#bench));
    const listening = this.#checkers.filter((checker) => "attempt" in checker);
    clients.onAttempt((attempt) => {
      for (const checker of listening) checker.attempt?.(attempt);
    });
    const watching = this.#checkers.filter((checker) => "event" in checker);
    world.on((event) => {
      for (const checker of watching) checker.event?.(event);
    });
  }

  get sometimes(): ReadonlyMap<string, number> {
    return this.#taken.counts;
  }

  get converged(): boolean {
    return this.#converged;
  }

  /** Lets the healers that are on mend what they can. Returns at once. */
  converge(): void {
    const { world, clients, expectations } = this;
    const { history, lens } = this.#bench;
    const stage = { world, history, lens, nodeAt: (place: number) => clients.nodeAt(place) };
    heal(expectations.healers, stage, () => (this.#converged = true));
  }

  verdict(): readonly Violation[] {
    const finals = readFinals(this.world, this.#bench.lens, this.#bench.history.keys);
    for (const checker of this.#checkers) checker.end?.(finals);
    return this.#violations.list;
  }
}
