/**
 * What a call says beside its key and value, looked at before anything is sent. The compiler sees to most of it; in plain JavaScript a `w` of 0
 * must not be a write that nobody keeps, nor a word that the protocol does not know end a connection that others wait on.
 */
import { limits, quorumArgProblem, ttlProblem } from "@kvorum/core";
import { ValidationError } from "../errors.js";

type Check = (value: unknown, name: string) => string | undefined;

const isFlag: Check = (value, name) =>
  typeof value === "boolean" ? undefined : `${name} is true or false, not ${shown(value)}`;

const isFunction: Check = (value, name) =>
  typeof value === "function"
    ? undefined
    : `${name} is a function of the siblings, or one of resolvers, called: resolvers.lww()`;

const isText: Check = (value, name) =>
  typeof value === "string" ? undefined : `${name} is a string, not ${shown(value)}`;

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["signal", (value) => (isSignal(value) ? undefined : `signal is an AbortSignal, not ${shown(value)}`)],
  ["timeout", (value) => (isNumber(value, 1, limits.requestTimeoutMaxMs) ? undefined : timeoutWords(value))],
  ["hedge", (value) => (isNumber(value, 0, Infinity) ? undefined : `hedge is milliseconds, not ${shown(value)}`)],
  ["pageSize", (value) => (isCount(value) ? undefined : `pageSize is 1-${limits.listLimitMax}, not ${shown(value)}`)],
  // Whatever it is: what is no whole number is refused.
  ["ttl", (value) => ttlProblem(value as number)],
  ["r", quorumOf],
  ["w", quorumOf],
  ["sloppy", isFlag],
  ["ifAbsent", isFlag],
  ["writeBack", isFlag],
  ["resolve", isFunction],
  ["prefix", isText],
  ["idempotencyKey", isText],
]);

/** @throws ValidationError, naming the option. What is undefined says nothing. */
export function checkOptions(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const problem = checks.get(name)?.(value, name);
    if (problem !== undefined) throw new ValidationError("bad-parameter", problem);
  }
}

function quorumOf(value: unknown, name: string): string | undefined {
  return quorumArgProblem(name, value);
}

function isNumber(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && value >= least && value <= most;
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && isNumber(value, 1, limits.listLimitMax);
}

/** By what is needed of one: another realm's is one too. */
function isSignal(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "aborted" in value &&
    "addEventListener" in value &&
    typeof value.addEventListener === "function"
  );
}

function timeoutWords(value: unknown): string {
  return `a timeout is 1-${limits.requestTimeoutMaxMs} ms, not ${shown(value)}`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
