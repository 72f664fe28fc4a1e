/**
 * Contexts cover exactly what they may: one from a write the write and what its request's context covered, one from a read all that the read
 * shows or knows to be replaced (DESIGN §4). A context that covers more makes its holder remove what it never saw.
 */
import { limits, type Dot, type PutCommand, type VersionVector } from "@kvorum/core";
import { nameOf, type Operation } from "../history.js";
import { newDots } from "../lens.js";
import type { Attempt } from "../workload/company.js";
import { describe, mayHaveDeleted, wasAttempted, type Bench, type Checker } from "./checker.js";

/** Above this a vector may have been bounded, and covers less than it saw. */
const SMALL_TOKEN_BYTES = 2_000;

interface Reading {
  readonly read: Operation;
  readonly vector: VersionVector;
  /** The values in this very answer: a session may refuse it, and then the read shows another one or none. */
  readonly tags: ReadonlySet<string>;
}

export function contexts(bench: Bench): Checker {
  const readings: Reading[] = [];
  const dots = new Map<Operation, Dot>();
  return {
    attempt: (attempt) => {
      const { reply, operation, command } = attempt;
      if (reply?.kind === "got") {
        const vector = checkRead(bench, attempt, reply.body, reply.context);
        if (vector === undefined || operation.lww) return;
        const shown = bench.lens.versions(nameOf(operation), bench.lens.state(reply.body));
        readings.push({ read: operation, vector, tags: new Set(shown.map(({ tag }) => tag)) });
      } else if (reply?.kind === "put-done" && !operation.lww && !operation.isBlindDelete) {
        const dot = checkWrite(bench, attempt, command as PutCommand, reply.context);
        if (dot !== undefined && !dots.has(operation)) dots.set(operation, dot);
      }
    },
    end: () => {
      for (const reading of readings) checkUnseen(bench, reading, dots);
    },
  };
}

function checkRead(bench: Bench, attempt: Attempt, body: Uint8Array, token: Uint8Array): VersionVector | undefined {
  const { operation } = attempt;
  const context = bench.lens.context(operation.bucket, operation.key, token);
  if (!isBounded(token)) bench.report("contexts-are-bounded", `${describe(operation)}: ${token.length} bytes`);
  const { vector } = bench.lens.state(body);
  if (context === undefined) {
    bench.report("contexts-are-taken-back", `${describe(operation)} was given a context that is refused`);
    return undefined;
  }
  const isExact = context.vector.equals(vector) || token.length > SMALL_TOKEN_BYTES;
  if (!isExact) bench.report("contexts-cover-what-they-may", `${describe(operation)}: its context is not what it read`);
  return context.vector;
}

function checkWrite(bench: Bench, attempt: Attempt, command: PutCommand, token: Uint8Array): Dot | undefined {
  const { operation, number } = attempt;
  const { bucket, key } = operation;
  if (!isBounded(token)) bench.report("contexts-are-bounded", `${describe(operation)}: ${token.length} bytes`);
  const asked = bench.lens.context(bucket, key, command.context);
  const answered = bench.lens.context(bucket, key, token);
  if (asked === undefined || answered === undefined) {
    bench.report("contexts-are-taken-back", `${describe(operation)} was given a context that is refused`);
    return undefined;
  }
  if (token.length > SMALL_TOKEN_BYTES) return undefined;
  const dots = newDots(asked.vector, answered.vector);
  const [dot] = dots;
  const isOwnOnly = dots.length === 1 && dot !== undefined && asked.vector.get(dot.actor) === dot.n - 1;
  if (isOwnOnly && answered.vector.dominates(asked.vector)) return dot;
  const what = `attempt ${number} of ${describe(operation)}: its context covers ${dots.length} events that the request's did not, or lacks some`;
  bench.report("contexts-cover-what-they-may", what);
  return undefined;
}

/** What a read's context covers and the read does not show must have been replaced by somebody who saw it. */
function checkUnseen(bench: Bench, { read, vector, tags }: Reading, dots: ReadonlyMap<Operation, Dot>): void {
  const operations = bench.history.keys.get(nameOf(read)) ?? [];
  for (const write of operations) {
    const dot = write.kind === "put" ? dots.get(write) : undefined;
    if (dot === undefined || !vector.covers(dot)) continue;
    if (tags.has(write.tag)) continue;
    const isReplaced = operations.some(
      (each) => (wasAttempted(each) && bench.past.has(each, write)) || mayHaveDeleted(bench, each, write),
    );
    if (isReplaced) continue;
    const what = `${describe(read)}: its context covers ${describe(write)}, which it does not show and nobody has replaced`;
    bench.report("contexts-cover-what-they-may", what);
  }
}

function isBounded(token: Uint8Array): boolean {
  return (token.length * 4) / 3 <= limits.contextCharsMax;
}
