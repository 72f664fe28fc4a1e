/** `kvorum`: runs one command, and turns whatever comes of it into an exit code, one line on stderr, and with `--json` a problem on stdout. */
import { fileURLToPath } from "node:url";
import { CommanderError } from "commander";
import { ConfigError } from "../config/config-error.js";
import { DataFolderError } from "../data-folder/errors.js";
import { StorageError } from "../runtime/storage-error.js";
import { Cli, type Services } from "./cli.js";
import { CliError, exitCodes, messageOf, problemLine, type ExitCode, type Problem } from "./exit.js";
import { processIo, write, type Io } from "./io.js";
import { buildProgram, usageMistake } from "./program.js";

const bin = fileURLToPath(new URL("../../bin/kvorum.js", import.meta.url));

const services: Services = {
  startCommand: [process.execPath, bin, "start"],
  untilServing: async (urls, patienceMs) => (await import("./dev-serving.js")).untilServing(urls, patienceMs),
  runNode: async (config, log) => (await import("../runtime/run-node.js")).runNode(config, log),
  runBench: async (options, output) => (await import("../bench/run-bench.js")).runBench(options, output),
};

/** The process's whole life: never returns to a loop that something might still hold open. */
export async function main(argv: readonly string[]): Promise<void> {
  const io = processIo();
  // Who reads our output may go away, as `head` does: then nobody is left to tell anything.
  io.stdout.on("error", () => io.exitNow(exitCodes.failed));
  io.stderr.on("error", () => undefined);
  const exit = await run(argv.slice(2), io, services);
  await Promise.all([flushed(io.stdout), flushed(io.stderr)]);
  io.exitNow(exit);
}

/** One command with its arguments. Never throws for what a user, a cluster or a disk can do. */
export async function run(args: readonly string[], io: Io, provided: Services = services): Promise<ExitCode> {
  const cli = new Cli(io, provided);
  const program = buildProgram(cli);
  try {
    await program.parseAsync(args, { from: "user" });
    return cli.exit;
  } catch (error) {
    const { exit, line, problem } = endOf(error, program, args);
    if (line !== "") cli.say(line);
    if (problem !== undefined && wantsJson(args)) await write(io.stdout, `${JSON.stringify(problem)}\n`);
    return exit;
  }
}

interface End {
  readonly exit: ExitCode;
  /** Empty for none. */
  readonly line: string;
  readonly problem?: Problem;
}

function endOf(error: unknown, program: ReturnType<typeof buildProgram>, args: readonly string[]): End {
  const prefix = commandName(program, args);
  if (error instanceof CommanderError) {
    const line = usageMistake(error, prefix);
    if (line === undefined) return { exit: exitCodes.done, line: "" };
    return { exit: exitCodes.usage, line, problem: { type: "urn:kvorum:usage", title: "Wrong usage", detail: line } };
  }
  if (error instanceof CliError) {
    return { exit: error.exit, line: `${prefix}: ${problemLine(error.problem)}`, problem: error.problem };
  }
  const { exit, type, title } = foreignEnd(error);
  const detail = isMistakeOfOurs(error) ? `${messageOf(error)}\n${error.stack ?? ""}` : messageOf(error);
  return { exit, line: `${prefix}: ${detail}`, problem: { type, title, detail } };
}

function foreignEnd(error: unknown): { readonly exit: ExitCode; readonly type: string; readonly title: string } {
  if (error instanceof ConfigError) {
    return { exit: exitCodes.usage, type: "urn:kvorum:configuration", title: "Wrong configuration" };
  }
  if (error instanceof DataFolderError || error instanceof StorageError) {
    return { exit: exitCodes.storage, type: "urn:kvorum:storage-fault", title: "Storage fault" };
  }
  return { exit: exitCodes.failed, type: "urn:kvorum:failed", title: "Failed" };
}

/** What no input should bring about: then the stack is what a report needs. */
function isMistakeOfOurs(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return ["TypeError", "RangeError", "ReferenceError", "InvariantError"].includes(error.name) && !("code" in error);
}

function commandName(program: ReturnType<typeof buildProgram>, args: readonly string[]): string {
  const command = program.commands.find((each) => each.name() === args[0]);
  return command === undefined ? "kvorum" : `kvorum ${command.name()}`;
}

/** As far as it can be known when the arguments themselves are wrong. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--json");
}

function flushed(stream: Io["stdout"]): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
