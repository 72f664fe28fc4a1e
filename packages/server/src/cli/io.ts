/** What a command reads and writes: the process's own streams, or a test's. Data goes to `stdout`, words to `stderr` (CONTRACT §2). */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

export type InputStream = Readable & { readonly isTTY?: boolean };
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface Io {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls back for each SIGTERM and SIGINT, until the returned function is called. */
  onSignal(listener: () => void): () => void;
  /** Ends the process at once, whatever is under way. */
  exitNow(code: number): void;
}

export function processIo(): Io {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    onSignal(listener) {
      const signals = ["SIGTERM", "SIGINT"] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => signals.forEach((signal) => process.off(signal, listener));
    },
    exitNow: (code) => process.exit(code),
  };
}

/** How wide it is. A terminal that was never given a size says 0, and what is no terminal says nothing. */
export function widthOf({ columns = 0 }: OutputStream): number {
  return columns > 0 ? columns : 120;
}

/** Writes, and waits while the reader at the other end is slow. */
export async function write(stream: OutputStream, data: string | Uint8Array): Promise<void> {
  if (!stream.write(data)) await once(stream, "drain");
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Buffer));
  return Buffer.concat(chunks);
}

/** Colours only for eyes: a terminal, no `NO_COLOR` (no-color.org), no dumb terminal; `FORCE_COLOR` insists. */
export function wantsColour(stream: OutputStream, env: Io["env"]): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined && forced !== "" && forced !== "0") return true;
  return stream.isTTY === true && env["TERM"] !== "dumb";
}
