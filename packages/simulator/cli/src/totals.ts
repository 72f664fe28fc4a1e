/** What many runs come to: counts, violations, one digest, and whether they proved anything. */
import { createHash } from "node:crypto";
import { families, rarePaths, type RunResult } from "@kvorum/simulator";

export interface FoundViolation {
  readonly seed: number;
  readonly invariant: string;
  readonly what: string;
  /** The one command that replays it. */
  readonly replay: string;
}

export const SCENARIO_SEED = 1;
const SEEDS_FOR_PROOF = 200;
const ACKNOWLEDGED_MIN = 200;
/** So many seeds have taken every rare path, or something has made the runs tame. */
const SEEDS_FOR_RARE_PATHS = 2_000;

export class Totals {
  seeds = 0;
  steps = 0;
  virtualMs = 0;
  acknowledged = 0;
  unknown = 0;
  readonly faults = new Map<string, number>();
  readonly sometimes = new Map<string, number>();
  readonly violations: FoundViolation[] = [];
  /** Faults that some seed's configuration allowed. */
  readonly #enabled = new Set<string>();
  readonly #digest = createHash("sha256");

  constructor(
    readonly plant: string | undefined,
    readonly nodes?: number,
  ) {}

  add(result: RunResult): void {
    this.seeds++;
    this.steps += result.steps;
    this.virtualMs += result.virtualMs;
    this.acknowledged += result.acknowledged;
    this.unknown += result.unknown;
    addAll(this.faults, result.faults);
    addAll(this.sometimes, result.sometimes);
    for (const family of result.config.families) for (const kind of families[family].bites) this.#enabled.add(kind);
    for (const { invariant, what } of result.violations) {
      const replay = `npm run sim -- --seed ${result.seed}${this.#sized}${this.#planted} --trace`;
      this.violations.push({ seed: result.seed, invariant, what, replay });
    }
    this.#digest.update(`${result.seed} ${result.digest} ${result.violations.length}\n`);
  }

  /** What a directed scenario has shown. Its seed is always the same one. */
  addScenario(name: string, violations: RunResult["violations"]): void {
    for (const { invariant, what } of violations) {
      const replay = `npm run sim -- --scenario ${JSON.stringify(name)}${this.#planted}`;
      this.violations.push({ seed: SCENARIO_SEED, invariant, what, replay });
    }
    this.#digest.update(`${name} ${violations.length}\n`);
  }

  get #sized(): string {
    return this.nodes === undefined ? "" : ` --nodes ${this.nodes}`;
  }

  get #planted(): string {
    return this.plant === undefined ? "" : ` --plant ${this.plant}`;
  }

  /** 16 hex digits over every event of every run so far. */
  get digest(): string {
    return this.#digest.copy().digest("hex").slice(0, 16);
  }

  /** Why these runs prove nothing; empty when they do, and for so few that nobody expects it. */
  get void(): string[] {
    if (this.seeds < SEEDS_FOR_PROOF) return [];
    const reasons = [...this.#enabled].filter((kind) => !this.faults.has(kind)).map((kind) => `no ${kind} ever bit`);
    const each = this.acknowledged / this.seeds;
    if (each < ACKNOWLEDGED_MIN)
      reasons.push(`${each.toFixed(0)} acknowledged writes a seed, at least ${ACKNOWLEDGED_MIN} are wanted`);
    if (this.seeds >= SEEDS_FOR_RARE_PATHS && this.plant === undefined) {
      const missed = rarePaths.filter((path) => !this.sometimes.has(path));
      reasons.push(...missed.map((path) => `never once: ${path}`));
    }
    return reasons;
  }
}

function addAll(into: Map<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(from)) into.set(name, (into.get(name) ?? 0) + count);
}
