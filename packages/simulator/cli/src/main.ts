/** The command line of the simulation: `npm run sim -- …` (CONTRACT §6). */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createPrimitives } from "@kvorum/client/internal";
import { plants, type Plant } from "@kvorum/core";
import { decodeRegression, drawScript, encodeRegression, play, run, scenarios, shrink, Story } from "@kvorum/simulator";
import type { RunConfig, RunResult, Scenario, Script } from "@kvorum/simulator";
import { readArguments, USAGE, UsageError, type Arguments } from "./arguments.js";
import { runSeeds } from "./pool.js";
import { jsonReport, textReport, type Spent } from "./report.js";
import { SCENARIO_SEED, Totals } from "./totals.js";

const REGRESSIONS = new URL("../../regressions/", import.meta.url);
const SHRINK_RUNS_MAX = 400;

async function main(argv: readonly string[]): Promise<number> {
  const given = readArguments(argv);
  switch (given.mode) {
    case "help":
      console.log(USAGE);
      return 0;
    case "plants":
      listPlants(given.json);
      return 0;
    case "scenarios":
      return playAll(given);
    case "story":
      return tell(given, scriptOf(given));
    case "replay":
      return tell(given, decodeRegression(readFileSync(given.replay, "utf8")).script);
    case "shrink":
      return keepSmallest(given);
    case "seeds":
      return runMany(given);
  }
}

function listPlants(isJson: boolean): void {
  const list = Object.entries(plants).map(([name, what]) => ({ name, what }));
  console.log(isJson ? JSON.stringify(list) : list.map(({ name, what }) => `${name}\n    ${what}`).join("\n"));
}

/** One run, with what happens in it on the way. */
async function tell(given: Arguments, script: Script): Promise<number> {
  const primitives = await createPrimitives();
  const before = spending();
  const story = new Story((line) => console.log(line), given.trace);
  if (!given.json) console.log(`seed ${script.seed}: ${JSON.stringify(script.config)}`);
  if (!given.json) for (const planned of script.plan.faults) console.log(`  planned: ${JSON.stringify(planned)}`);
  const result = run(script, {
    primitives,
    plants: planted(given.plant),
    ...(!given.json && { story }),
  });
  const totals = new Totals(given.plant, given.nodes);
  totals.add(result);
  return finish(totals, given, before());
}

/** Shrinks a failing seed's script and writes it where every test run finds it. */
async function keepSmallest(given: Arguments): Promise<number> {
  const { first, plant } = given;
  const primitives = await createPrimitives();
  const shrunk = shrink(scriptOf(given), { primitives, plants: planted(plant), runsMax: SHRINK_RUNS_MAX });
  if (shrunk === undefined) {
    console.error(`seed ${first} violates nothing`);
    return 1;
  }
  const { script, invariant, runs } = shrunk;
  const name = `${plant === undefined ? "" : `${plant}-`}${invariant}-seed-${first}`;
  const regression = { name, invariant, script, ...(plant !== undefined && { plant }) };
  const file = new URL(`${name}.json`, REGRESSIONS);
  mkdirSync(REGRESSIONS, { recursive: true });
  writeFileSync(file, encodeRegression(regression));
  const steps = script.workload.clients.reduce((sum, client) => sum + client.steps.length, 0);
  console.log(`${invariant}: ${script.plan.faults.length} faults and ${steps} steps are left after ${runs} runs`);
  console.log(`kept as ${fileURLToPath(file)}`);
  return 0;
}

async function runMany(given: Arguments): Promise<number> {
  const totals = new Totals(given.plant, given.nodes);
  const before = spending();
  const endsAt = given.minutes === undefined ? undefined : Date.now() + given.minutes * 60_000;
  await runSeeds({
    plants: [...planted(given.plant)],
    given: configOf(given),
    workers: given.workers,
    first: given.first,
    wants: (count) => (endsAt === undefined ? count < given.seeds : Date.now() < endsAt),
    take: (result) => {
      totals.add(result);
      if (!given.json) sayAtOnce(result, totals);
      // With a bug planted, the first seed that finds it is all that is asked for.
      return given.plant === undefined || totals.violations.length === 0;
    },
  });
  // Some bugs are too rare for chance: where the seeds have not found the planted one, the scenarios that aim at it must.
  if (totals.plant !== undefined && totals.violations.length === 0)
    await playScenarios(totals, given, (each) => each.finds);
  return finish(totals, given, before());
}

async function playAll(given: Arguments): Promise<number> {
  const totals = new Totals(given.plant, given.nodes);
  const before = spending();
  await playScenarios(totals, given);
  return finish(totals, given, before());
}

/** Plays the scenarios that were asked for: with `aims`, those that aim at the plant. */
async function playScenarios(
  totals: Totals,
  { plant, scenario, json }: Arguments,
  aims?: (scenario: Scenario) => readonly Plant[],
): Promise<void> {
  const primitives = await createPrimitives();
  const wanted = scenarios.filter(({ name }) => name.includes(scenario));
  for (const each of wanted) {
    if (plant !== undefined && aims?.(each).includes(plant) === false) continue;
    const violations = play(each, { primitives, plants: planted(plant), seed: SCENARIO_SEED });
    totals.addScenario(each.name, violations);
    if (!json) console.log(`${violations.length === 0 ? "holds" : "FAILS"}: ${each.name}`);
  }
}

function scriptOf(given: Arguments): Script {
  return drawScript(given.first, configOf(given));
}

function configOf({ nodes }: Arguments): Partial<RunConfig> {
  return nodes === undefined ? {} : { nodes };
}

function planted(plant: Plant | undefined): ReadonlySet<Plant> {
  return new Set(plant === undefined ? [] : [plant]);
}

/** A long run says at once what it found, and now and then that it lives. */
function sayAtOnce({ seed, violations }: RunResult, totals: Totals): void {
  for (const invariant of new Set(violations.map((each) => each.invariant))) {
    console.error(`seed ${seed} violates ${invariant}`);
  }
  if (totals.seeds % 500 === 0) console.error(`${totals.seeds} seeds, ${totals.violations.length} violations`);
}

function finish(totals: Totals, given: Arguments, spent: Spent): number {
  console.log(given.json ? jsonReport(totals, spent) : textReport(totals, spent));
  return totals.violations.length > 0 || totals.void.length > 0 ? 1 : 0;
}

/** Starts a watch; the returned function reads it. */
function spending(): () => Spent {
  const startMs = Date.now();
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return { seconds: (Date.now() - startMs) / 1000, cpuSeconds: (user + system) / 1e6, commit: commit() };
  };
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
