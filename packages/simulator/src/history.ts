/**
 * What the clients of a run asked and were told, as plain data: the checkers' evidence (the history of Herlihy and Wing, with the third
 * outcome that a network adds: nobody knows).
 */
import type { QuorumArg } from "@kvorum/core";

/** `not-done`: surely nothing was started. `unknown`: it may appear or not, and both are right. */
export type Outcome = "done" | "not-done" | "unknown";

export type OperationKind = "put" | "delete" | "get";

/** One thing that a client wanted, with all its attempts. Times are virtual milliseconds of the world. */
export interface Operation {
  readonly index: number;
  readonly client: string;
  /** Its client has a session: it shows no read that knows less than it has seen or written. */
  readonly session: boolean;
  /** The node of the first attempt. */
  readonly node: string;
  readonly kind: OperationKind;
  readonly bucket: string;
  readonly key: string;
  /** R of a read, W of a write; undefined: the bucket's, which is a quorum. */
  readonly quorum: QuorumArg | undefined;
  /** Fallbacks may count. */
  readonly sloppy: boolean;
  /** The bucket keeps only the newest. */
  readonly lww: boolean;
  /** A delete without a context: the coordinator removes what a quorum read shows it. */
  readonly isBlindDelete: boolean;
  /** Seconds after which the value of a put ends; undefined for one that stays. */
  readonly ttlSeconds: number | undefined;
  /** Names the value that a put wrote; `delete#<index>` for a delete, whose tombstone has no bytes; empty for a get. */
  readonly tag: string;
  /** The values and writes that the context of this write came from; empty without a context. */
  readonly sawTags: readonly string[];
  readonly idempotencyKey: string | undefined;
  readonly startMs: number;
  /** When the last word came; infinite while there is none, and for what never got an answer. */
  endMs: number;
  outcome: Outcome;
  /** Replies that the quorum of a done operation needed; 0 before. */
  needed: number;
  /** How many of those who answered were fallbacks: with one of them a quorum need not overlap another. */
  fallbacks: number;
  /** Of a write that was done: the version it made, as its context names it. A delete that found nothing makes none. */
  version: Version | undefined;
  /** Of a get that was done: what it showed. */
  returned: readonly Returned[];
  attempts: number;
  /** The number of the attempt that was answered as done; 0 while none was. */
  doneBy: number;
  /** What the last failed attempt was told, for the story. */
  failure: string | undefined;
}

export interface Version {
  /** `actor:n`. */
  readonly dot: string;
  readonly stamp: number;
}

/** One version that a read showed. */
export interface Returned extends Version {
  /** Of its write; empty for a tombstone whose delete was never acknowledged. */
  readonly tag: string;
  readonly deleted: boolean;
}

/** What is known of an operation when it begins. */
export type Begun = Omit<
  Operation,
  "index" | "endMs" | "outcome" | "needed" | "fallbacks" | "version" | "returned" | "attempts" | "doneBy" | "failure"
>;

export class History {
  readonly operations: Operation[] = [];
  readonly #byKey = new Map<string, Operation[]>();
  readonly #byTag = new Map<string, Operation>();
  readonly #byDot = new Map<string, Operation>();

  begin(about: Begun): Operation {
    const index = this.operations.length;
    const operation: Operation = {
      // One by one: a spread with fields behind it costs several times as much, and there are hundreds of these in a run.
      index,
      client: about.client,
      session: about.session,
      node: about.node,
      kind: about.kind,
      bucket: about.bucket,
      key: about.key,
      quorum: about.quorum,
      sloppy: about.sloppy,
      lww: about.lww,
      isBlindDelete: about.isBlindDelete,
      ttlSeconds: about.ttlSeconds,
      tag: about.kind === "delete" ? `delete#${index}` : about.tag,
      sawTags: about.sawTags,
      idempotencyKey: about.idempotencyKey,
      startMs: about.startMs,
      endMs: Infinity,
      outcome: "unknown",
      needed: 0,
      fallbacks: 0,
      version: undefined,
      returned: [],
      attempts: 0,
      doneBy: 0,
      failure: undefined,
    };
    this.operations.push(operation);
    const name = nameOf(operation);
    const ofKey = this.#byKey.get(name);
    if (ofKey === undefined) this.#byKey.set(name, [operation]);
    else ofKey.push(operation);
    if (operation.tag !== "") this.#byTag.set(operation.tag, operation);
    return operation;
  }

  /** The operations of each key, by `bucket/key`, in the order of their start. */
  get keys(): ReadonlyMap<string, readonly Operation[]> {
    return this.#byKey;
  }

  /** Who wrote this value; undefined for a phantom. */
  writerOf(tag: string): Operation | undefined {
    return this.#byTag.get(tag);
  }

  /** A write was acknowledged as this version. */
  made(operation: Operation, version: Version): void {
    operation.version = version;
    const name = `${nameOf(operation)} ${version.dot}`;
    if (version.dot !== "" && !this.#byDot.has(name)) this.#byDot.set(name, operation);
  }

  /** The acknowledged write that made the version of a key. */
  makerOf(key: string, dot: string): Operation | undefined {
    return this.#byDot.get(`${key} ${dot}`);
  }

  /** Writes that were acknowledged, and those of which nobody knows. */
  count(): { readonly acknowledged: number; readonly unknown: number } {
    let acknowledged = 0;
    let unknown = 0;
    for (const { kind, outcome } of this.operations) {
      if (kind === "get") continue;
      if (outcome === "done") acknowledged++;
      else if (outcome === "unknown") unknown++;
    }
    return { acknowledged, unknown };
  }
}

export function nameOf({ bucket, key }: { readonly bucket: string; readonly key: string }): string {
  return `${bucket}/${key}`;
}

export function isWrite(operation: Operation): boolean {
  return operation.kind !== "get";
}
