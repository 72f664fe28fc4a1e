/** What the log is to reach beside LMDB and a bare log, and whether it does. */

export interface StoreGoal {
  readonly what: string;
  readonly wanted: number;
  /** Whether more is better. */
  readonly isLeast: boolean;
}

const goals = {
  putsOfLmdb: { what: "durable puts at 64 in flight, × LMDB", wanted: 2.5, isLeast: true },
  putsOfBare: { what: "durable puts at 64 in flight, × the bare log", wanted: 0.6, isLeast: true },
  startMs: { what: "start with 1,000,000 keys, ms", wanted: 1_500, isLeast: false },
  indexBytes: { what: "bytes of index a key, at most", wanted: 40, isLeast: false },
  p99WhileMerging: { what: "p99 of puts while merging, × the p99 without", wanted: 3, isLeast: false },
  spaceOverLive: { what: "the folder at full speed, at most, × what lives in it", wanted: 2, isLeast: false },
} as const satisfies Record<string, StoreGoal>;

export type StoreGoalName = keyof typeof goals;

export class StoreGoals {
  readonly #reached = new Map<StoreGoalName, number>();

  /** Of several, the worst counts. */
  reach(name: StoreGoalName, value: number): void {
    const before = this.#reached.get(name) ?? value;
    this.#reached.set(name, goals[name].isLeast ? Math.min(before, value) : Math.max(before, value));
  }

  /** One line for each that was measured. */
  get lines(): readonly string[] {
    return [...this.#reached].map(([name, value]) => {
      const { what, wanted } = goals[name];
      const digits = wanted >= 100 ? 0 : 2;
      return `goal ${isMet(name, value) ? "met" : "MISSED"}: ${what}: ${value.toFixed(digits)}, wanted ${wanted}`;
    });
  }

  get areMet(): boolean {
    return [...this.#reached].every(([name, value]) => isMet(name, value));
  }
}

function isMet(name: StoreGoalName, value: number): boolean {
  const { wanted, isLeast } = goals[name];
  return isLeast ? value >= wanted : value <= wanted;
}
