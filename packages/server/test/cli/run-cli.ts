/** Runs the command line inside the test's process, with streams that the test reads. */
import { PassThrough, Readable, Writable } from "node:stream";
import type { Services } from "../../src/cli/cli.js";
import type { Io } from "../../src/cli/io.js";
import { run } from "../../src/cli/main.js";

export interface CliRun {
  readonly exit: number;
  readonly stdout: Buffer;
  /** stdout as text. */
  readonly out: string;
  readonly err: string;
  /** stdout, which must be one JSON document and a line's end. */
  readonly json: unknown;
}

export interface CliSetup {
  readonly stdin?: string | Buffer | Readable;
  readonly env?: Readonly<Record<string, string>>;
  readonly services?: Partial<Services>;
  readonly terminal?: boolean;
}

const noServices: Services = {
  startCommand: ["false"],
  untilServing: () => Promise.resolve(true),
  runNode: () => Promise.reject(new Error("no node in this test")),
  runBench: () => Promise.reject(new Error("no bench in this test")),
};

/** Signals as a test gives them. */
export class FakeSignals {
  readonly #listeners = new Set<() => void>();
  readonly exits: number[] = [];

  readonly onSignal = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  send(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A command under way, and what it has written so far. */
export class CliProcess {
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];
  readonly signals = new FakeSignals();
  readonly stdin: Readable;
  readonly done: Promise<CliRun>;

  constructor(args: readonly string[], { stdin = "", env = {}, services = {}, terminal = false }: CliSetup = {}) {
    this.stdin = stdin instanceof Readable ? stdin : Readable.from([Buffer.from(stdin as string)]);
    const io: Io = {
      stdin: this.stdin,
      stdout: Object.assign(collector(this.#out), { isTTY: terminal }),
      stderr: Object.assign(collector(this.#err), { isTTY: terminal }),
      env,
      onSignal: this.signals.onSignal,
      exitNow: (code) => void this.signals.exits.push(code),
    };
    this.done = run(args, io, { ...noServices, ...services }).then((exit) => {
      const stdout = Buffer.concat(this.#out);
      const out = stdout.toString("utf8");
      return {
        exit,
        stdout,
        out,
        err: this.err,
        get json() {
          return JSON.parse(out) as unknown;
        },
      };
    });
  }

  get out(): string {
    return Buffer.concat(this.#out).toString("utf8");
  }

  get err(): string {
    return Buffer.concat(this.#err).toString("utf8");
  }
}

export function runCli(args: readonly string[], setup: CliSetup = {}): Promise<CliRun> {
  return new CliProcess(args, setup).done;
}

/** stdin that stays open until the test ends it. */
export function openStdin(): PassThrough {
  return new PassThrough();
}

function collector(into: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      into.push(Buffer.from(chunk));
      done();
    },
  });
}
