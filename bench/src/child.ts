/** Server processes of a run: started, waited for until they say `ready`, asked for their CPU time, stopped. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const LAST_WORDS_CHARS = 4_000;

export class Child {
  readonly #process: ChildProcess;
  readonly #exit: Promise<unknown>;
  #words = "";

  private constructor(
    readonly name: string,
    child: ChildProcess,
  ) {
    this.#process = child;
    this.#exit = once(child, "exit");
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#words = (this.#words + text).slice(-LAST_WORDS_CHARS);
    });
  }

  /** Runs a script of ours. Rejects, with what it wrote to stderr, when it ends or stays silent before a line that starts with `ready`. */
  static async start(name: string, script: string, args: readonly string[]): Promise<Child> {
    const process_ = spawn(process.execPath, [script, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    const child = new Child(name, process_);
    const ready = new Promise<void>((resolve) => {
      createInterface({ input: process_.stdout }).on("line", (line) => {
        if (line.startsWith("ready")) resolve();
      });
    });
    const failed = child.#exit.then(() => Promise.reject(new Error(`${name} ended: ${child.#words}`)));
    try {
      await withDeadline(Promise.race([ready, failed]), READY_TIMEOUT_MS, `${name} is not ready`);
    } catch (error) {
      process_.kill("SIGKILL");
      throw error;
    }
    return child;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The end of what it wrote to stderr. */
  get lastWords(): string {
    return this.#words;
  }

  /** SIGTERM, then patience, then SIGKILL. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGTERM");
    try {
      await withDeadline(this.#exit, STOP_TIMEOUT_MS, `${this.name} does not stop`);
    } catch {
      this.#process.kill("SIGKILL");
      await this.#exit;
    }
  }
}

async function withDeadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} after ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
