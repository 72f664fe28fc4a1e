/** `npm run bench`: Kvorum beside the null Dynamo, one load generator for both, in one run (DESIGN §10). */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { loadRecords } from "../../packages/server/dist/bench/load.js";
import { ValueSource } from "../../packages/server/dist/bench/workloads.js";
import { parseArguments, usage, type BenchArguments } from "./arguments.js";
import { goalText, tableText } from "./output.js";
import { runRounds, type Round } from "./rounds.js";
import { goalsOf, linesOf } from "./summary.js";
import { startSystem, type System } from "./systems.js";

const resultsFolder = fileURLToPath(new URL("../results/", import.meta.url));
const LOAD_CONCURRENCY = 64;

process.exitCode = await main(process.argv.slice(2));

/** 0 done, 1 failed or a goal missed with --check, 2 flags that cannot be. */
async function main(argv: readonly string[]): Promise<number> {
  let args: BenchArguments | "help";
  try {
    args = parseArguments(argv);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (args === "help") {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const systems: System[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(systems.splice(0).map((system) => system.stop())));
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void stop().then(() => process.exit(1)));
  try {
    for (const name of args.systems) systems.push(await prepare(name, args));
    const rounds = await runRounds(systems, args, (round) => say(roundText(round)));
    for (const system of systems.filter(({ name }) => failed(rounds, name))) {
      say(`${system.name} failed requests; its servers said last:\n${system.lastWords()}`);
    }
    return await conclude(rounds, args);
  } finally {
    await stop();
  }
}

async function prepare(name: System["name"], args: BenchArguments): Promise<System> {
  const system = await startSystem(name, args.valueBytes);
  const started = performance.now();
  await loadRecords(system.target, args.records, new ValueSource(args.valueBytes, 0), LOAD_CONCURRENCY);
  say(`${name}: ${args.records} records written in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return system;
}

async function conclude(rounds: readonly Round[], args: BenchArguments): Promise<number> {
  const lines = linesOf(rounds, args);
  const goals = goalsOf(lines);
  const text = [tableText(lines), ...goals.map(goalText)].join("\n");
  process.stdout.write(`${text}\n`);
  const date = new Date().toISOString();
  const [cpu] = cpus();
  const machine = { cpus: cpus().length, model: cpu?.model, node: process.version, platform: process.platform };
  const file = args.out ?? join(resultsFolder, `${date.slice(0, 19).replaceAll(":", "")}.json`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ date, machine, arguments: args, lines, goals, rounds }, undefined, 2)}\n`);
  say(`written to ${relative(process.cwd(), file)}`);
  return args.check && goals.some((goal) => !goal.met) ? 1 : 0;
}

function failed(rounds: readonly Round[], name: System["name"]): boolean {
  return rounds.some((round) => round.system === name && round.firstError !== null);
}

function roundText({ system, point, opsPerSecond, errors, firstError }: Round): string {
  const failures = firstError === null ? "" : `, failed: ${JSON.stringify(errors)}, the first: ${firstError}`;
  return `${point.workload} at ${point.concurrency}, ${system}: ${Math.round(opsPerSecond)} ops/s${failures}`;
}

/** Words go to stderr; the table is data. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
