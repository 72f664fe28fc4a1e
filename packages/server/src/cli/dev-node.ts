/** One node of `kvorum dev`: a child process that runs `kvorum start`, from its first line to its last. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

export interface DevNodePlan {
  readonly name: string;
  readonly http: string;
  readonly peer: string;
  /** Arguments of `kvorum start`. */
  readonly args: readonly string[];
}

export interface DevNodeProcess {
  readonly command: string;
  /** Before the plan's arguments. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How a node's process ended, in words: `exit code 1`, `SIGKILL`. */
export interface DevNodeEnd {
  readonly how: string;
  /** Null when a signal ended it, or it could not be run. */
  readonly code: number | null;
  /** The last line that it wrote on stderr: the reason, when it gave one. */
  readonly lastWords: string;
}

export class DevNode {
  /** Resolves when its `ready` line has come. */
  readonly ready: Promise<void>;
  /** Resolves when its process has ended, for whatever reason. */
  readonly ended: Promise<DevNodeEnd>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #lastWords = "";

  constructor(
    readonly plan: DevNodePlan,
    node: DevNodeProcess,
    /** What it says besides: a line each. */
    onLine: (line: string) => void,
  ) {
    this.#child = spawn(node.command, [...node.args, ...plan.args], {
      env: node.env as NodeJS.ProcessEnv,
      stdio: ["pipe", "pipe", "pipe"],
      // A group of its own: Ctrl-C is the terminal's word to every process of a group, and one stop is enough.
      detached: true,
    });
    this.#child.stdin.on("error", () => undefined);
    let announce: () => void;
    this.ready = new Promise((resolve) => (announce = resolve));
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      if (line.startsWith("ready")) announce();
      else onLine(line);
    });
    createInterface({ input: this.#child.stderr }).on("line", (line) => {
      this.#lastWords = line;
      onLine(line);
    });
    this.ended = new Promise((resolve) => {
      this.#child.on("error", (error) => resolve({ how: "not started", code: null, lastWords: error.message }));
      this.#child.on("close", (code, signal) => {
        resolve({ how: signal ?? `exit code ${code ?? "unknown"}`, code, lastWords: this.#lastWords });
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#child.kill(signal);
  }
}
