/** A bug that was found once, as a small script that every test run replays (TigerBeetle's VOPR; riak's kv679_eqc.erl). */
import type { Plant } from "@kvorum/core";
import { run, type RunOptions } from "./run/runner.js";
import type { RunResult } from "./run/result.js";
import type { Script } from "./run/script.js";

export interface Regression {
  /** A sentence: what went wrong. */
  readonly name: string;
  /** What it violated. */
  readonly invariant: string;
  /** The planted bug under which it was found; without one, it was a bug of the day's code. */
  readonly plant?: Plant;
  readonly script: Script;
}

/** Runs it on the code as it is: it must violate nothing. With its plant in place it must violate what it did. */
export function replay(regression: Regression, options: Omit<RunOptions, "plants">, isPlanted = false): RunResult {
  const { plant, script } = regression;
  return run(script, { ...options, plants: new Set(isPlanted && plant !== undefined ? [plant] : []) });
}

/** The text of the file that keeps it. */
export function encodeRegression(regression: Regression): string {
  return `${JSON.stringify(regression, undefined, 1)}\n`;
}

/** @throws SyntaxError for what is no JSON; what it says is taken as it is: the file is part of the tree. */
export function decodeRegression(text: string): Regression {
  return JSON.parse(text) as Regression;
}
