/** How a command ends: the exit codes of CONTRACT §2, and the one error class that carries a problem (RFC 9457) to the person and the script. */

export const exitCodes = { done: 0, failed: 1, usage: 2, notFound: 3, siblings: 4, storage: 5 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A problem document as HTTP gives it; one that the command line finds itself has no `status`. */
export interface Problem {
  /** `urn:kvorum:<name>`: stable. */
  readonly type: string;
  readonly title: string;
  readonly status?: number;
  /** For people: what was wrong and what to do. */
  readonly detail: string;
  readonly [extension: string]: unknown;
}

/** Ends the command with a code, one line on stderr, and with `--json` the problem on stdout. */
export class CliError extends Error {
  override readonly name = "CliError";
  constructor(
    readonly exit: ExitCode,
    readonly problem: Problem,
    /** When the server would like to be asked again. */
    readonly retryAfterMs?: number,
  ) {
    super(problem.detail);
  }
}

/** The command was given something that it cannot take. */
export function usageError(detail: string): CliError {
  return new CliError(exitCodes.usage, { type: "urn:kvorum:usage", title: "Wrong usage", detail });
}

/** Something outside the cluster went wrong: a file, a connection, an answer that makes no sense. */
export function failedError(name: string, title: string, detail: string, more: Record<string, unknown> = {}): CliError {
  return new CliError(exitCodes.failed, { type: `urn:kvorum:${name}`, title, detail, ...more });
}

/** What HTTP refused, under the exit code of its status: 404 is not found, 400 is a wrong request, all else failed. */
export function problemError(problem: Problem, status: number, retryAfterMs?: number): CliError {
  const exit = status === 404 ? exitCodes.notFound : status === 400 ? exitCodes.usage : exitCodes.failed;
  return new CliError(exit, problem, retryAfterMs);
}

/** One line for people: what happened, and for a write what that means for it. */
export function problemLine(problem: Problem): string {
  const detail = oneLine(problem.detail === "" ? problem.title : problem.detail);
  if (problem["effect"] !== "unknown") return detail;
  return `${detail}${detail.endsWith(".") ? "" : "."} The write is neither promised nor undone: it may still appear`;
}

export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").trim();
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}
