/** What one run says at its end: plain data, the same for the same seed on every machine. */
import type { RunConfig } from "./config.js";

export interface Violation {
  /** The stable name of what was violated, as its checker calls it. */
  readonly invariant: string;
  /** For people: key, operations, members. */
  readonly what: string;
}

export interface RunResult {
  readonly seed: number;
  readonly config: RunConfig;
  /** Events run. */
  readonly steps: number;
  readonly virtualMs: number;
  /** Writes answered with success, and writes whose outcome nobody knows. */
  readonly acknowledged: number;
  readonly unknown: number;
  /** By kind, how often a fault bit. */
  readonly faults: Readonly<Record<string, number>>;
  /** Rare paths, by name, and how often they were taken. */
  readonly sometimes: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  /** A hash over every event, 16 hex digits. */
  readonly digest: string;
}
