/** One node of a test's cluster: a process of `kvorum start`, to be stopped, killed and started again on its folder. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../bin/kvorum.js", import.meta.url));
const WORDS_KEPT = 20;

export interface ClusterNodePlan {
  readonly name: string;
  /** `host:port` of the peer door, for `connect`. */
  readonly address: string;
  /** `host:port` of HTTP. */
  readonly http: string;
  /** Arguments of `kvorum start`. */
  readonly args: readonly string[];
}

export class ClusterNode {
  readonly name: string;
  readonly address: string;
  readonly http: string;
  readonly #args: readonly string[];
  readonly #words: string[] = [];
  #child: ChildProcess | undefined;

  constructor({ name, address, http, args }: ClusterNodePlan) {
    this.name = name;
    this.address = address;
    this.http = http;
    this.#args = args;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Of its process; undefined when it is not running. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it, on the folder that it had. Resolves when it serves. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.name} is running already`);
    // Ends with this process, however that ends: a test that crashes leaves no nodes behind.
    const child = spawn(process.execPath, [program, "start", ...this.#args, "--exit-with-parent"], {
      stdio: ["pipe", "pipe", "pipe"],
      env: environment(),
    });
    this.#child = child;
    child.stdin.on("error", () => {});
    const ended = once(child, "close").then(() => "ended" as const);
    void ended.then(() => {
      if (this.#child === child) this.#child = undefined;
    });
    const ready = new Promise<"ready">((resolve) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line.startsWith("ready")) resolve("ready");
      });
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.#words.push(line);
      if (this.#words.length > WORDS_KEPT) this.#words.shift();
    });
    if ((await Promise.race([ready, ended])) === "ended") {
      throw new Error(`${this.name} did not start: ${this.#words.join(" / ")}`);
    }
  }

  /** As a crash does (`SIGKILL`): acknowledged writes are on its disk. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** As an operator does (`SIGTERM`): finishes what is under way. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const closed = once(child, "close");
    child.kill(signal);
    await closed;
    if (this.#child === child) this.#child = undefined;
  }
}

/** A node's own settings in the test's environment would be taken by all of them. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("KVORUM_")));
}
