/** The program under test: `kvorum …` as a child that cannot outlive the test, run to its end or watched while it serves. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../packages/server/bin/kvorum.js", import.meta.url));
const RUN_DEADLINE_MS = 60_000;

const alive = new Set<ChildProcessWithoutNullStreams>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A command that runs the rest of its arguments in its own place, such as `strace -D`. */
  readonly wrapper?: readonly string[];
}

/** The kernel kills the child when this process is gone, however it went. */
export function spawnKvorum(args: readonly string[], options: ProgramOptions = {}): ChildProcessWithoutNullStreams {
  const { env = {}, cwd, wrapper = [] } = options;
  const command = ["--pdeathsig", "KILL", ...wrapper, process.execPath, bin, ...args];
  const child = spawn("setpriv", command, { cwd, env: { ...cleanEnvironment(), ...env }, stdio: "pipe" });
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  // A child that is gone takes no more input.
  child.stdin.on("error", () => undefined);
  return child;
}

/** Nothing of what this shell says about Kvorum reaches the program. */
function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("KVORUM_") && name !== "FORCE_COLOR");
  return Object.fromEntries(kept) as Record<string, string>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs it to its end. `stdin` is all that it is given to read. */
export async function kvorum(
  args: readonly string[],
  options: ProgramOptions & { readonly stdin?: Uint8Array | string; readonly deadlineMs?: number } = {},
): Promise<Ended> {
  const child = spawnKvorum(args, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(options.stdin ?? "");
  const { deadlineMs = RUN_DEADLINE_MS } = options;
  const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(timer);
  const ended = { code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString("utf8") };
  if (signal === "SIGKILL") {
    throw new Error(
      `kvorum ${args.join(" ")} had not ended after ${deadlineMs} ms\n${ended.stdout.toString()}\n${ended.stderr}`,
    );
  }
  return ended;
}
