/** The command line as a whole: which commands there are, and how mistakes in using them are told. */
import { Command, type CommanderError } from "commander";
import { version } from "../version.js";
import type { Cli } from "./cli.js";
import { addBenchCommand } from "./commands/bench.js";
import { addBulkCommands } from "./commands/bulk.js";
import { addClusterCommands } from "./commands/cluster.js";
import { addDataCommands } from "./commands/data.js";
import { addDevCommand } from "./commands/dev.js";
import { addFolderCommands } from "./commands/folders.js";
import { addExplainCommand } from "./commands/explain.js";
import { addListCommands } from "./commands/lists.js";
import { addMemberCommands } from "./commands/members.js";
import { addRepairCommand } from "./commands/repair.js";
import { addRiskCommand } from "./commands/risk.js";
import { addResolveCommand } from "./commands/resolve.js";
import { addNodeCommands } from "./commands/start.js";

export function buildProgram(cli: Cli): Command {
  const program = new Command("kvorum")
    .description("Kvorum: an always-writable, masterless key-value store")
    .version(version);
  addDevCommand(program, cli);
  addNodeCommands(program, cli);
  addDataCommands(program, cli);
  addListCommands(program, cli);
  addResolveCommand(program, cli);
  addExplainCommand(program, cli);
  addClusterCommands(program, cli);
  addMemberCommands(program, cli);
  addRepairCommand(program, cli);
  addRiskCommand(program, cli);
  addBulkCommands(program, cli);
  addFolderCommands(program, cli);
  addBenchCommand(program, cli);
  program.addHelpText(
    "after",
    "\nExit codes: 0 done, 1 failed, 2 usage or configuration, 3 not found, 4 siblings, 5 storage fault",
  );
  for (const command of [program, ...program.commands]) intoStreams(command, cli);
  return program;
}

/** Help goes to stdout, mistakes are thrown: the caller tells them, in one line. */
function intoStreams(command: Command, cli: Cli): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void cli.io.stdout.write(text),
    writeErr: (text) => void cli.io.stderr.write(text),
    outputError: () => undefined,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
}

/** Undefined for help and versions, which are no mistakes; empty where the help was shown instead of a line; else the line. */
export function usageMistake(error: CommanderError, name: string): string | undefined {
  if (error.exitCode === 0) return undefined;
  if (error.code === "commander.help") return "";
  const mistake = error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  return `${name}: ${mistake}; see ${name} --help`;
}
