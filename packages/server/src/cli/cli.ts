/** What every command stands on: its streams, how it prints, how it reaches a cluster, and the exit code it leaves. */
import type { Log } from "@kvorum/core";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { BenchOptions, BenchOutput } from "../bench/run-bench.js";
import { parseDuration } from "../config/duration.js";
import type { NodeConfig } from "../config/schema.js";
import type { RunningNode } from "../runtime/run-node.js";
import { version } from "../version.js";
import { KvorumApi } from "./api.js";
import { exitCodes, type ExitCode } from "./exit.js";
import { HttpClient } from "./http-client.js";
import { widthOf, write, type Io } from "./io.js";
import { coloursFor, type Colours } from "./output.js";

/** The large things that a few commands need, loaded when they are called: the others start without them. */
export interface Services {
  /** What `dev` runs for each node, before the node's own arguments: this very command line, as another process. */
  readonly startCommand: readonly [string, ...string[]];
  /** Waits for the nodes of `dev` to serve as one cluster; false when they do not in time. */
  untilServing(urls: readonly string[], patienceMs: number): Promise<boolean>;
  runNode(config: NodeConfig, log: Log): Promise<RunningNode>;
  runBench(options: BenchOptions, output: BenchOutput): Promise<number>;
}

/** The options of every client command. */
export interface ClientOptions {
  readonly url?: string;
  readonly json?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

const SILENCE_MS = 30_000;
const DEFAULT_URL = "http://127.0.0.1:7400";

export class Cli {
  /** What the process ends with. */
  exit: ExitCode = exitCodes.done;
  readonly colours: Colours;

  constructor(
    readonly io: Io,
    readonly services: Services,
  ) {
    this.colours = coloursFor(io.stdout, io.env);
  }

  /** Words, for people: a line on stderr. */
  say(line: string): void {
    this.io.stderr.write(`${line}\n`);
  }

  /** Data, for whoever reads stdout, as it is. */
  async print(data: string | Uint8Array): Promise<void> {
    await write(this.io.stdout, data);
  }

  async printJson(document: unknown): Promise<void> {
    await this.print(`${JSON.stringify(document)}\n`);
  }

  /** Width to lay out for. */
  get width(): number {
    return widthOf(this.io.stdout);
  }

  /** Runs a client command against the cluster that its options name; its result is the exit code. */
  async client(
    options: ClientOptions,
    work: (api: KvorumApi) => Promise<ExitCode | void>,
    connections = 8,
  ): Promise<void> {
    const url = options.url ?? (this.io.env["KVORUM_URL"] || DEFAULT_URL);
    const http = new HttpClient(url, { connections, silenceMs: SILENCE_MS + (options.timeout ?? 0) });
    try {
      this.exit = (await work(new KvorumApi(http))) ?? exitCodes.done;
    } finally {
      http.close();
    }
  }
}

/** A new command of `program`; `--help` and `--version` answer on it as everywhere. */
export function addCommand(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).version(version);
}

/** A new command that talks to a cluster. */
export function addClientCommand(program: Command, name: string, description: string): Command {
  return addCommand(program, name, description)
    .option("--url <url>", `a node's HTTP address (default: KVORUM_URL, or ${DEFAULT_URL})`)
    .option("--json", "one JSON document on stdout, the same as over HTTP");
}

/** How many replies a request asks for. */
export function addQuorumOptions(command: Command, kinds: readonly ("r" | "w")[]): Command {
  const what = { r: "read from this many replicas", w: "write to this many replicas" } as const;
  for (const kind of kinds) command.option(`--${kind} <replies>`, `${what[kind]}: 1…n, one, quorum or all`);
  return command
    .option("--strict", "count the key's primaries only, no fallbacks")
    .addOption(new Option("--timeout <duration>", "how long the request may take, such as 2s").argParser(duration));
}

/** A whole number from `from` to `to`. */
export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= from && value <= to) return value;
    throw new InvalidArgumentError(`It is a whole number from ${from} to ${to}.`);
  };
}

/** Milliseconds of a duration above zero. */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError("It is a duration such as 200ms, 10s or 3h.");
}
