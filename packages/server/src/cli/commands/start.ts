/** `start`: one node in the foreground, from its configuration to its exit code (CONTRACT §2). */
import { setTimeout as sleep } from "node:timers/promises";
import { Option, type Command } from "commander";
import type { ResolvedConfig } from "../../config/resolve-config.js";
import type { NodeConfig } from "../../config/schema.js";
import { settingNames, settingOf, settings, type SettingName } from "../../config/settings.js";
import { addCommand, type Cli } from "../cli.js";
import { exitCodes, type ExitCode } from "../exit.js";
import { columns, printable } from "../output.js";
import { StopRequest } from "../stop-request.js";

export function addNodeCommands(program: Command, cli: Cli): void {
  const start = addSettings(addCommand(program, "start", "run one node in the foreground until SIGTERM"), settingNames)
    .option("--config <file>", "TOML or JSON with the flags' names as keys (KVORUM_CONFIG)")
    .addOption(new Option("--exit-with-parent", "stop when stdin ends").hideHelp());
  start.addHelpText("after", precedence).action(async () => {
    const { config } = await configOf(cli, start);
    const stop = new StopRequest(cli.io);
    if (start.getOptionValue("exitWithParent") === true) stop.whenStdinEnds();
    cli.exit = await serve(cli, config, stop).finally(() => stop.dispose());
  });

  const config = addSettings(
    addCommand(program, "config", "the settings that start would take, and where each comes from"),
  )
    .option("--config <file>", "TOML or JSON with the flags' names as keys (KVORUM_CONFIG)")
    .option("--json", "one JSON document on stdout");
  config.action(async () => {
    const { raw } = await configOf(cli, config);
    const rows = [...raw].map(
      ([name, { value, origin }]) => [name, printable(String(value)), printable(origin)] as const,
    );
    if (config.getOptionValue("json") === true) await cli.printJson(Object.fromEntries(raw));
    else await cli.print(columns(cli.colours, ["setting", "value", "origin"], rows));
  });
}

const precedence = `
Each flag can come from the environment (--gossip-interval is KVORUM_GOSSIP_INTERVAL) and from the config file
(gossip-interval = "200ms"); flags win over environment, environment over file.`;

/** The flags of these settings. What they hold is judged with all other sources, not here. */
export function addSettings(command: Command, names: readonly SettingName[] = settingNames): Command {
  for (const name of names) {
    const { argument, help, fallback } = settingOf(name);
    const option = new Option(
      argument === undefined ? `--${name}` : `--${name} ${argument}`,
      fallback === undefined ? help : `${help} (default: ${fallback})`,
    );
    if (name === "seeds") option.argParser((value: string, before?: string) => (before ? `${before},${value}` : value));
    command.addOption(option);
  }
  return command;
}

/** The settings that were given as flags, by name. */
export function givenFlags(command: Command): Map<SettingName | "config", unknown> {
  const given = new Map<SettingName | "config", unknown>();
  for (const option of command.options) {
    const name = option.name();
    if (command.getOptionValueSource(option.attributeName()) !== "cli") continue;
    // Commander reads --no-hints as hints = false; the setting is called no-hints, and is true.
    if (name in settings || name === "config") {
      given.set(name as SettingName, option.negate ? true : command.getOptionValue(option.attributeName()));
    }
  }
  return given;
}

/** The schema and its library are loaded when they are needed: client commands start without them. */
async function configOf(cli: Cli, command: Command): Promise<ResolvedConfig> {
  const { resolveConfig } = await import("../../config/resolve-config.js");
  return resolveConfig({ flags: givenFlags(command), env: cli.io.env });
}

/** How long a start that is told to stop may take to come to where it can be stopped. */
const START_GRACE_MS = 2000;

/** Serves until it is told to stop or cannot go on. @throws what the start threw */
async function serve(cli: Cli, config: NodeConfig, stop: StopRequest): Promise<ExitCode> {
  const starting = cli.services.runNode(config, (level, event, about) => {
    cli.say(`${level} ${event}${about === undefined ? "" : ` ${JSON.stringify(about)}`}`);
  });
  const node = await Promise.race([starting, stop.requested]);
  if (node === undefined) {
    // A join may wait for its seeds for ever. A node that has not served holds nothing that a stop could lose.
    const stopped = starting.then((late) => late.stop());
    await Promise.race([stopped.catch(() => undefined), sleep(START_GRACE_MS, undefined, { ref: false })]);
    return exitCodes.done;
  }
  await cli.print(`ready ${config.name} http://${node.httpAddress} peer ${node.peerAddress}\n`);
  const end = await Promise.race([node.failed, node.departed, stop.requested]);
  if (end instanceof Error) throw end;
  await node.stop();
  if (end === "departed") cli.say(`${config.name} has left the cluster; its data is with the other members`);
  return exitCodes.done;
}
