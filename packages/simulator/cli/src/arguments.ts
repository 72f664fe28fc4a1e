/** What the command line of the simulation understands (CONTRACT §6). */
import { parseArgs } from "node:util";
import { plants, type Plant } from "@kvorum/core";

export interface Arguments {
  readonly mode: "help" | "plants" | "scenarios" | "replay" | "story" | "shrink" | "seeds";
  readonly first: number;
  /** As many seeds; with minutes, at least as many. */
  readonly seeds: number;
  readonly minutes: number | undefined;
  readonly trace: boolean;
  readonly json: boolean;
  readonly plant: Plant | undefined;
  /** Members at the founding, in every run; undefined: as each seed draws. */
  readonly nodes: number | undefined;
  readonly workers: number;
  /** A regression file, to be told as a story. */
  readonly replay: string;
  /** Directed scenarios whose name has this in it; empty for all. */
  readonly scenario: string;
}

export const USAGE = `Usage: npm run sim -- [options]

  --seeds N        run N seeds (default 200)
  --first N        from this one on (default 1)
  --minutes M      go on for so long
  --seed N         run one seed and tell it as a story
  --trace          with every flush and every merge in it
  --seed N --shrink
                   make its script as small as it still violates the same, and keep it under regressions/
  --replay FILE    tell what a kept script does now; with its --plant, what it did
  --scenario TEXT  play the directed scenarios whose name has TEXT in it
  --plants         list the known bugs that can be planted
  --plant NAME     plant one; the seeds stop at the first that finds it, and where none does its own scenarios are played
  --nodes N        found each cluster with so many members, 1 to 9, whatever its seed draws
  --workers N      threads (default 2)
  --json           one JSON document on stdout, nothing else

Exits 1 when an invariant was violated, or when the run proved nothing: of 200 seeds or more, an enabled fault that never
bit, or fewer than 200 acknowledged writes a seed.`;

/** What is wrong with the command line, in one line. */
export class UsageError extends Error {}

export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parse(argv);
  const seed = values.seed === undefined ? undefined : wholeNumber("seed", values.seed);
  return {
    mode: modeOf(values),
    first: seed ?? wholeNumber("first", values.first),
    seeds: seed === undefined ? wholeNumber("seeds", values.seeds) : 1,
    minutes: values.minutes === undefined ? undefined : positive("minutes", values.minutes),
    trace: values.trace,
    json: values.json,
    plant: values.plant === undefined ? undefined : knownPlant(values.plant),
    nodes: values.nodes === undefined ? undefined : nodesUpTo9(values.nodes),
    workers: wholeNumber("workers", values.workers),
    replay: values.replay ?? "",
    scenario: values.scenario ?? "",
  };
}

function modeOf(values: ReturnType<typeof parse>["values"]): Arguments["mode"] {
  if (values.help) return "help";
  if (values.plants) return "plants";
  if (values.scenario !== undefined) return "scenarios";
  if (values.replay !== undefined) return "replay";
  if (values.seed === undefined) return "seeds";
  return values.shrink ? "shrink" : "story";
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        seeds: { type: "string", default: "200" },
        first: { type: "string", default: "1" },
        minutes: { type: "string" },
        seed: { type: "string" },
        trace: { type: "boolean", default: false },
        shrink: { type: "boolean", default: false },
        replay: { type: "string" },
        scenario: { type: "string" },
        plants: { type: "boolean", default: false },
        plant: { type: "string" },
        nodes: { type: "string" },
        workers: { type: "string", default: "2" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 0xffff_ffff) return value;
  throw new UsageError(`--${name} is a whole number from 1 to 4294967295, not ${text}`);
}

function nodesUpTo9(text: string): number {
  if (/^[1-9]$/.test(text)) return Number(text);
  throw new UsageError(`--nodes is a whole number from 1 to 9, not ${text}`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`--${name} is a number above 0, not ${text}`);
}

function knownPlant(name: string): Plant {
  if (name in plants) return name as Plant;
  throw new UsageError(`no plant is named ${name}; there are ${Object.keys(plants).join(", ")}`);
}
