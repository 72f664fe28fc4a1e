/** `leave`, `remove`, `plan`: who is a member, changed, or only looked at (CONTRACT §2). */
import type { ChangeView, RemovalView } from "@kvorum/core";
import type { Command } from "commander";
import { addClientCommand, wholeNumber, type Cli, type ClientOptions } from "../cli.js";
import { usageError } from "../exit.js";
import { columns, formatBytes, plural, printable } from "../output.js";

interface RemoveOptions extends ClientOptions {
  readonly force?: boolean;
}

interface PlanOptions extends RemoveOptions {
  readonly zone?: string;
  readonly weight?: number;
  readonly yes?: boolean;
}

const WEIGHT_MAX = 1_000_000;

export function addMemberCommands(program: Command, cli: Cli): void {
  addClientCommand(program, "leave", "let a member leave: its data is moved first, then its process ends")
    .argument("<name>")
    .action((name: string, options: ClientOptions) => leave(cli, name, options));

  addClientCommand(program, "remove", "remove a member that is dead")
    .argument("<name>")
    .option("--force", "also one that is up: what it alone holds is lost")
    .action((name: string, options: RemoveOptions) => remove(cli, name, options));

  addClientCommand(program, "plan", "what a change would move: join, leave or remove")
    .argument("<change>", "join, leave or remove")
    .argument("<name>")
    .option("--zone <zone>", "of a member that would join")
    .option("--weight <weight>", "of a member that would join", wholeNumber(1, WEIGHT_MAX))
    .option("--yes", "make the change, after having shown it (leave and remove)")
    .option("--force", "with --yes: remove one that is up too")
    .action((change: string, name: string, options: PlanOptions) => plan(cli, change, name, options));
}

/** `isShown`: what it moves was printed before it was asked for. */
async function leave(cli: Cli, name: string, options: ClientOptions, isShown = false): Promise<void> {
  await cli.client(options, async (api) => {
    const view = await api.leave(name);
    if (options.json === true) return await cli.printJson(view);
    if (!isShown) await cli.print(movesText(cli, view));
    cli.say(`${printable(name)} is leaving; it ends by itself when its data is moved. See how far with status`);
  });
}

async function remove(cli: Cli, name: string, options: RemoveOptions, isShown = false): Promise<void> {
  await cli.client(options, async (api) => {
    const view = await api.remove(name, options.force === true);
    if (options.json === true) return await cli.printJson(view);
    await cli.print(isShown ? removalText(view) : `${movesText(cli, view)}${removalText(view)}`);
  });
}

async function plan(cli: Cli, change: string, name: string, options: PlanOptions): Promise<void> {
  if (change !== "join" && change !== "leave" && change !== "remove") {
    throw usageError("plan takes join, leave or remove, and a member's name");
  }
  const placing = options.zone !== undefined || options.weight !== undefined;
  if (change !== "join" && placing) throw usageError("--zone and --weight are a joining member's");
  if (change === "join" && options.yes === true) {
    throw usageError("a member joins by being started with --seeds; plan shows what that would move");
  }
  await cli.client(options, async (api) => {
    const view = await api.plan(change, name, options);
    if (options.json !== true) await cli.print(movesText(cli, view));
    else if (options.yes !== true) await cli.printJson(view);
  });
  if (options.yes !== true || cli.exit !== 0) return;
  await (change === "leave" ? leave(cli, name, options, true) : remove(cli, name, options, true));
}

function movesText(cli: Cli, view: ChangeView): string {
  const lines = [
    `${view.change} ${printable(view.name)}: ${plural(view.partitions, "partition")} get other owners`,
    `${plural(view.replicas, "copy", "copies")} to make: ${plural(view.keys, "key")}, ${formatBytes(view.bytes)}, in about ${Math.ceil(view.expectedMs / 1000)} s or as long as clients leave time for`,
    `at least ${plural(view.fewestReplicas, "replica")} of every key meanwhile, ${view.fewestAfter} afterwards`,
  ];
  if (view.unreached.length > 0) {
    lines.push(`without what these hold, who did not answer: ${view.unreached.map(printable).join(" ")}`);
  }
  const rows = view.arrivals.map(({ to, partitions, keys, bytes }) => [
    printable(to),
    partitions,
    keys,
    formatBytes(bytes),
  ]);
  const table = rows.length === 0 ? "" : `\n${columns(cli.colours, ["to", "partitions", "keys", "bytes"], rows)}`;
  return `${lines.join("\n")}\n${table}`;
}

function removalText(view: RemovalView): string {
  const below = `${plural(view.keysBelowN, "key")} below N until copied\n`;
  if (view.partitionsAtRisk === 0) return below;
  return `${below}too few owners of ${plural(view.partitionsAtRisk, "partition")} can be reached to be sure of every acknowledged write there\n`;
}
