/** One real node: a process of `kvorum start` that can be stopped, killed and started again on its folder. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { Http } from "./http.js";
import { spawnKvorum } from "./program.js";
import { until } from "./until.js";

export interface NodeOptions {
  readonly name: string;
  readonly data: string;
  /** Where it is reached; this machine's loopback when nothing is said. */
  readonly host?: string;
  readonly httpPort: number;
  readonly peerPort: number;
  readonly seeds?: readonly string[];
  readonly flags?: readonly string[];
  /** Instead of all arguments that follow from the above. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly wrapper?: readonly string[];
}

const LOOPBACK = "127.0.0.1";
const LOG_LINES_MAX = 300;

export class KvorumNode {
  readonly http: Http;
  /** What it said, last lines last: for a test that fails. */
  readonly log: string[] = [];
  #child: ChildProcessWithoutNullStreams | undefined;
  #isReady = false;

  constructor(public options: NodeOptions) {
    this.http = new Http(options.host ?? LOOPBACK, options.httpPort);
  }

  get name(): string {
    return this.options.name;
  }

  get peer(): string {
    return `${this.http.host}:${this.options.peerPort}`;
  }

  get args(): readonly string[] {
    if (this.options.args !== undefined) return this.options.args;
    const { name, data, httpPort, seeds = [], flags = [] } = this.options;
    const addresses = ["--http", `${this.http.host}:${httpPort}`, "--listen", this.peer];
    const joining = seeds.length > 0 ? ["--seeds", seeds.join(",")] : [];
    return ["start", "--name", name, "--data", data, ...addresses, ...joining, ...flags];
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.name} is not running`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Starts the process, and returns when it has printed `ready`. */
  async start(options: Partial<NodeOptions> = {}): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.name} is running already`);
    this.options = { ...this.options, ...options };
    const { env = {}, wrapper = [] } = this.options;
    this.#isReady = false;
    const child = spawnKvorum(this.args, { env, wrapper });
    this.#child = child;
    this.#listen(child);
    await until(`${this.name} is ready`, () => {
      if (this.#child !== child) throw new Error(`${this.name} ended: ${this.log.slice(-3).join(" / ")}`);
      return this.#isReady;
    });
  }

  /** What a power switch does to the process. */
  kill(): Promise<number | null> {
    return this.#end("SIGKILL");
  }

  /** SIGTERM; its exit code. */
  stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  /** Resolves with the exit code when the process ends by itself. */
  async ended(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    const [code] = (await once(child, "exit")) as [number | null];
    return code;
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    const ended = this.ended();
    child.kill(signal);
    const code = await ended;
    this.http.close();
    return code;
  }

  #listen(child: ChildProcessWithoutNullStreams): void {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("ready")) this.#isReady = true;
      this.#say(line);
    });
    createInterface({ input: child.stderr }).on("line", (line) => this.#say(line));
    child.once("exit", (code, signal) => {
      this.#child = undefined;
      this.#say(`[ended with ${signal ?? `exit code ${code}`}]`);
    });
  }

  #say(line: string): void {
    this.log.push(line);
    if (this.log.length > LOG_LINES_MAX) this.log.shift();
  }
}

const PORTS_FROM = 10_240;
/** Below those that the system gives to outgoing connections: a node that restarts finds its port free. */
const PORTS_TO = 32_000;
const taken = new Set<number>();

/** A port that nobody listens on; tests of other processes choose at random too. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS_FROM + Math.floor(Math.random() * (PORTS_TO - PORTS_FROM));
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
}

/** A port from which `span` ports are free, one after the other. */
export async function freePortBase(span: number): Promise<number> {
  for (;;) {
    const base = PORTS_FROM + Math.floor(Math.random() * (PORTS_TO - PORTS_FROM - span));
    const ports = Array.from({ length: span }, (_, i) => base + i);
    if (ports.some((port) => taken.has(port))) continue;
    const free = await Promise.all(ports.map(isFree));
    if (!free.every(Boolean)) continue;
    for (const port of ports) taken.add(port);
    return base;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
