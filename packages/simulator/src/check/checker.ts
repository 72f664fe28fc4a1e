/** What a checker is given and what it gives: one file of this folder for each invariant, each a function from the bench to a checker. */
import { majority } from "@kvorum/core";
import { nameOf, type History, type Operation } from "../history.js";
import type { Lens } from "../lens.js";
import type { RarePath } from "../sometimes.js";
import type { Attempt } from "../workload/company.js";
import type { World, WorldEvent } from "../world/world.js";
import type { Finals } from "./finals.js";
import type { Past } from "./past.js";

/** What all checkers of one run share. */
export interface Bench {
  readonly world: World;
  readonly history: History;
  readonly lens: Lens;
  readonly past: Past;
  /** Healers run: replicas must end up equal. */
  readonly heals: boolean;
  /** How far the wall clocks of two members may be apart while none jumps, milliseconds. */
  readonly clocksApartMs: number;
  report(invariant: string, what: string): void;
  /** Notes a rare path that was taken. */
  mark(path: RarePath): void;
}

export interface Checker {
  /** One request of an operation is over; the operation has no outcome from it yet. */
  attempt?(attempt: Attempt): void;
  event?(event: WorldEvent): void;
  /** Everything has healed; `finals` is what each owner holds by itself. */
  end?(finals: Finals): void;
}

export type MakeChecker = (bench: Bench) => Checker;

/** It may have happened: it was asked for and not surely refused. */
export function wasAttempted(operation: Operation): boolean {
  return operation.kind !== "get" && operation.outcome !== "not-done";
}

/** A set of replicas that answered one and a set that answered the other share a member. */
export function overlap(
  bench: Bench,
  key: { readonly bucket: string; readonly key: string },
  a: number,
  b: number,
): boolean {
  return a + b > bench.lens.owners(key.bucket, key.key).length;
}

/** The least that a write without a word about quorums needs, and the read that a blind delete or a retry begins with. */
export function majorityOf(bench: Bench, key: { readonly bucket: string; readonly key: string }): number {
  return majority(bench.lens.owners(key.bucket, key.key).length);
}

/** A delete, or a put of a value that ends by itself: what it had replaced is nowhere to be seen when it is reaped. It was attempted. */
export function endsSomething(operation: Operation): boolean {
  return wasAttempted(operation) && (operation.kind === "delete" || operation.ttlSeconds !== undefined);
}

/** A delete, or a value that ended, may have removed `write`: it had seen it, or it removed whatever it found and was not over before the write began. */
export function mayHaveDeleted(bench: Bench, operation: Operation, write: Operation): boolean {
  if (!endsSomething(operation)) return false;
  if (operation === write) return true;
  if (bench.past.has(operation, write) || (operation.isBlindDelete && lastedUntil(operation) >= write.startMs))
    return true;
  return operation.lww && mayBeNewer(operation, write);
}

/** Where the last write wins a delete with the larger stamp does, whatever it had seen; and when it was reaped it shows that nowhere any more. */
function mayBeNewer({ version }: Operation, write: Operation): boolean {
  return version === undefined || write.version === undefined || version.stamp >= write.version.stamp;
}

/** When the last of its attempts was surely over: one that got no answer may still be acted on. */
function lastedUntil({ attempts, outcome, endMs }: Operation): number {
  return attempts === 1 && outcome === "done" ? endMs : Infinity;
}

/**
 * One of its attempts may not have found another, and made a version of its own, which whoever replaced the other one never saw (DESIGN §4, Retries):
 * one that was not known to be done may stand on fewer replicas than a later one asks; and one that was passed on to an owner that fell silent was
 * passed on once more.
 */
export function mayBeTwice(bench: Bench, writer: Operation): boolean {
  const { idempotencyKey, version, node, doneBy, sloppy, attempts } = writer;
  // Whoever passes a sloppy one on names it, for its stand-in to know it by.
  if (sloppy) return true;
  if (idempotencyKey === undefined) return false;
  if (doneBy !== 1 || version === undefined || !isMadeBy(bench, node, version.dot)) return true;
  return attempts > 1 && !overlap(bench, writer, writer.needed, majorityOf(bench, writer));
}

/** The node that the client asked made the dot itself. */
export function isMadeBy({ world }: Bench, node: string, dot: string): boolean {
  // Nobody was up when it began.
  if (node === "") return false;
  const instance = world.node(node)?.membership.roster.instanceOf(node);
  return instance !== undefined && dot.startsWith(`${instance.toString(16).padStart(12, "0")}.`);
}

/** What a read showed, for people. */
export function shown({ returned }: Operation): string {
  const tags = returned.map(({ tag, deleted }) => (deleted ? `(${tag || "a tombstone"})` : tag));
  return tags.length === 0 ? "nothing" : tags.join(", ");
}

export function describe(operation: Operation): string {
  const { kind, tag, client, node, outcome, startMs, endMs, failure } = operation;
  const what = kind === "put" ? `put of ${tag}` : kind === "delete" ? tag : "get";
  const when = `${startMs.toFixed(1)}–${endMs === Infinity ? "?" : endMs.toFixed(1)} ms`;
  const why = outcome === "done" || failure === undefined ? "" : ` (${failure})`;
  return `${what} on ${nameOf(operation)} by ${client} through ${node}, ${when}, ${outcome}${why}`;
}
