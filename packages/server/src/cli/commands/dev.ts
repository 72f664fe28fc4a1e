/** `dev`: a local cluster, one process per node (CONTRACT §2). It watches over its nodes, stops them all, and leaves none behind. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { environmentName, settingNames, settingOf } from "../../config/settings.js";
import { addCommand, wholeNumber, type Cli } from "../cli.js";
import { DevNode, type DevNodePlan, type DevNodeProcess } from "../dev-node.js";
import { CliError, exitCodes, usageError, type ExitCode } from "../exit.js";
import { printable } from "../output.js";
import { StopRequest } from "../stop-request.js";
import { addSettings, givenFlags } from "./start.js";

interface DevOptions {
  readonly nodes: number;
  readonly data?: string;
  readonly portBase: number;
  readonly partitions?: string;
  readonly replicas?: string;
}

const PORTS_PER_NODE = 10;
const PORT_MAX = 65_535;
/** After SIGTERM; then a node is killed. Acknowledged writes are on disk by then. */
const STOP_GRACE_MS = 15_000;
const SLOW_START_MS = 10_000;
/** For nodes that serve to find each other. Some may never: those of a larger cluster, run with fewer `--nodes`. */
const SERVING_PATIENCE_MS = 15_000;
/** Stands in DIR once its cluster was founded: then a node without a folder joins the others, and founds no second one. */
const FOUNDED = "dev.json";

/** Settings that are one node's own are dev's to choose; the others it hands on to every node. */
const handedOn = settingNames.filter((name) => settingOf(name).own !== true);
const ownVariables = settingNames.filter((name) => settingOf(name).own === true).map(environmentName);

export function addDevCommand(program: Command, cli: Cli): void {
  const dev = addCommand(program, "dev", "run a local cluster, one process per node, until Ctrl-C")
    .option("--nodes <count>", "how many nodes", wholeNumber(1, 99), 3)
    .option("--data <dir>", "keep the data here (default: a temporary folder, removed at the end)")
    .option(
      "--port-base <port>",
      "HTTP of node i on base + 10·i, its peer port on the next",
      wholeNumber(1, PORT_MAX),
      7400,
    )
    .option("--partitions <count>", "at founding only: partitions of the ring")
    .option("--replicas <count>", "at founding only: replicas of each key");
  addSettings(dev, handedOn).action(async (options: DevOptions) => {
    const last = options.portBase + PORTS_PER_NODE * (options.nodes - 1) + 1;
    if (last > PORT_MAX)
      throw usageError(`${options.nodes} nodes from port ${options.portBase} need ports up to ${last}`);
    cli.exit = await runDev(cli, options, handedOnArgs(dev));
  });
}

function handedOnArgs(dev: Command): string[] {
  const args: string[] = [];
  for (const [name, value] of givenFlags(dev)) {
    if (!(handedOn as readonly string[]).includes(name)) continue;
    args.push(`--${name}`, ...(value === true ? [] : [String(value)]));
  }
  return args;
}

async function runDev(cli: Cli, options: DevOptions, args: readonly string[]): Promise<ExitCode> {
  const stop = new StopRequest(cli.io);
  const temporary = options.data === undefined ? mkdtempSync(join(tmpdir(), "kvorum-dev-")) : undefined;
  const data = resolve(options.data ?? (temporary as string));
  if (temporary !== undefined) cli.say(`data in ${temporary}, removed at the end; keep it with --data DIR`);
  mkdirSync(data, { recursive: true });
  const nodes: DevNode[] = [];
  try {
    for (const plan of plansOf(options, data, args)) {
      nodes.push(new DevNode(plan, startCommand(cli), (line) => cli.say(`${plan.name} | ${printable(line)}`)));
    }
    return await watch(cli, nodes, data, stop);
  } finally {
    await stopAll(cli, nodes);
    stop.dispose();
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  }
}

/** Where each node is and whom it asks to join. */
export function plansOf(options: DevOptions, data: string, args: readonly string[]): DevNodePlan[] {
  const founded = existsSync(join(data, FOUNDED));
  const at = Array.from({ length: options.nodes }, (_, index) => {
    const port = options.portBase + PORTS_PER_NODE * index;
    return { name: `n${index + 1}`, http: `127.0.0.1:${port}`, peer: `127.0.0.1:${port + 1}` };
  });
  const founding = [
    ...(options.partitions === undefined ? [] : ["--partitions", options.partitions]),
    ...(options.replicas === undefined ? [] : ["--replicas", options.replicas]),
  ];
  return at.map((node, index) => {
    const asked = founded ? at.filter((other) => other !== node) : at.slice(0, index === 0 ? 0 : 1);
    const seeds = asked.length === 0 ? [] : ["--seeds", asked.map(({ peer }) => peer).join(",")];
    const own = ["--name", node.name, "--data", join(data, node.name), "--http", node.http, "--listen", node.peer];
    return { ...node, args: [...own, ...seeds, ...founding, ...args] };
  });
}

/** Variables that name one node would be taken by all of them. */
function startCommand(cli: Cli): DevNodeProcess {
  const env = Object.fromEntries(Object.entries(cli.io.env).filter(([name]) => !ownVariables.includes(name)));
  delete env["KVORUM_CONFIG"];
  const [command, ...args] = cli.services.startCommand;
  return { command, args: [...args, "--exit-with-parent"], env };
}

/** From the start of all to the stop of all, or to the end of the last. */
async function watch(cli: Cli, nodes: readonly DevNode[], data: string, stop: StopRequest): Promise<ExitCode> {
  const allReady = Promise.all(nodes.map(({ ready }) => ready)).then(() => untilServing(cli, nodes));
  const firstEnd = Promise.race(nodes.map((node) => node.ended.then((end) => ({ node, end }))));
  const slow = setTimeout(() => cli.say("still waiting for every node to be ready"), SLOW_START_MS);
  const first = await Promise.race([allReady, firstEnd, stop.requested]).finally(() => clearTimeout(slow));
  if (first === undefined) return exitCodes.done;
  if (first !== "ready") {
    const { node, end } = first;
    // What was wrong with the node is wrong with what dev was told: a flag that it handed on, a port, a folder.
    const exit = end.code === exitCodes.usage || end.code === exitCodes.storage ? end.code : exitCodes.failed;
    const detail = `${node.plan.name} ended before it was ready: ${end.lastWords || end.how}`;
    throw new CliError(exit, { type: "urn:kvorum:node-failed", title: "A node did not start", detail });
  }
  const addresses = nodes.map(({ plan: { name, http, peer } }) => ({ name, http, peer }));
  writeFileSync(join(data, FOUNDED), `${JSON.stringify({ nodes: addresses })}\n`);
  const lines = nodes.map(({ plan, pid }) => `${plan.name} http://${plan.http} peer ${plan.peer} pid ${pid}`);
  await cli.print(`${lines.join("\n")}\nready\n`);
  return await untilStopped(cli, nodes, stop);
}

/** `ready` is said when requests succeed: a node that serves may have to find the others first. */
async function untilServing(cli: Cli, nodes: readonly DevNode[]): Promise<"ready"> {
  const urls = nodes.map(({ plan }) => `http://${plan.http}`);
  if (!(await cli.services.untilServing(urls, SERVING_PATIENCE_MS))) {
    cli.say(
      "every node serves, but not every one reads with a quorum yet: members that are not run here may be missing",
    );
  }
  return "ready";
}

/** A node that ends is told, and the others go on: that is what the cluster is for. */
async function untilStopped(cli: Cli, nodes: readonly DevNode[], stop: StopRequest): Promise<ExitCode> {
  let stopping = false;
  const ends = nodes.map(async ({ plan, ended }) => {
    const { how } = await ended;
    if (stopping) return;
    cli.say(
      `${plan.name} ended (${how}); the others go on. Start it again with\n  kvorum start ${plan.args.map(quoted).join(" ")}`,
    );
  });
  const allEnded = Promise.all(ends).then(() => "all ended" as const);
  const why = await Promise.race([allEnded, stop.requested]);
  stopping = true;
  if (why === undefined) return exitCodes.done;
  cli.say("no node is left");
  return exitCodes.failed;
}

async function stopAll(cli: Cli, nodes: readonly DevNode[]): Promise<void> {
  for (const node of nodes) node.kill("SIGTERM");
  const allEnded = Promise.all(nodes.map(({ ended }) => ended));
  const late = await Promise.race([allEnded, sleep(STOP_GRACE_MS, "late" as const, { ref: false })]);
  if (late !== "late") return;
  cli.say(`killing what has not stopped within ${STOP_GRACE_MS / 1000} seconds`);
  for (const node of nodes) node.kill("SIGKILL");
  await allEnded;
}

/** For a shell, where it matters. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
