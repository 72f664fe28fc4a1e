/** One client: acts out its steps one after the other, and carries contexts from what it heard to what it writes, as a client library does. */
import { formatDot, operationTag, SessionMemory } from "@kvorum/core";
import type { GetCommand, PutCommand, PutDone } from "@kvorum/core";
import { nameOf, type Operation, type Version } from "../history.js";
import { EMPTY_TOKEN, newDots } from "../lens.js";
import type { Company } from "./company.js";
import { Request } from "./request.js";
import { SessionRead } from "./session-read.js";
import { encodeValue } from "./values.js";
import type { Step } from "./workload.js";

/** What a client last heard of a key. */
interface Heard {
  readonly context: Uint8Array;
  readonly sawTags: readonly string[];
}

const NOTHING_HEARD: Heard = { context: EMPTY_TOKEN, sawTags: [] };

/** Hears how the step's last operation ended. */
export type StepDone = (operation: Operation) => void;

export class Client {
  readonly #heard = new Map<string, Heard>();
  readonly #session: SessionMemory | undefined;
  #begun = 0;

  constructor(
    readonly all: Company,
    readonly name: string,
    hasSession = false,
  ) {
    this.#session = hasSession ? new SessionMemory() : undefined;
  }

  /** One step after the other, each after its time to think. */
  actOut(steps: readonly Step[], done: () => void): void {
    const next = (at: number): void => {
      const step = steps[at];
      if (step === undefined) return done();
      this.all.world.after(step.thinkMs, () => this.act(step, () => next(at + 1)));
    };
    next(0);
  }

  act(step: Step, done: StepDone): void {
    if (step.kind === "get") this.#get(step, done);
    else if (step.context === "fresh") this.#get(step, () => this.#write(step, done));
    else this.#write(step, done);
  }

  #get(step: Step, then: StepDone): void {
    const { all } = this;
    const quorum = step.kind === "get" ? step.quorum : step.readQuorum;
    const operation = this.#open({ ...step, kind: "get", tag: "", attempts: 1 }, NOTHING_HEARD, quorum);
    const id = all.world.keyOf(step.bucket, step.key).id;
    const command: GetCommand = { kind: "get", id, r: quorum, sloppy: step.sloppy === true, local: false, hops: 0 };
    const session = this.#session && new SessionRead(all, this.#session, operation, command, step.timeoutMs);
    new Request(all, operation, step, () => session?.command ?? command, session).send((reply) => {
      if (reply?.kind === "got") {
        operation.returned = all.lens.versions(nameOf(step), all.lens.state(reply.body));
        const sawTags = operation.returned.map(({ tag }) => tag).filter((tag) => tag !== "");
        this.#heard.set(nameOf(step), { context: reply.context, sawTags });
        if (operation.returned.length > 1) all.taken.mark("siblings read");
      }
      then(operation);
    });
  }

  #write(step: Step, done: StepDone): void {
    const heard = (step.context === "blind" ? undefined : this.#heard.get(nameOf(step))) ?? NOTHING_HEARD;
    const operation = this.#open(step, heard, step.quorum);
    const request = new Request(this.all, operation, step, this.#commandOf(step, heard, operation));
    request.send((reply) => {
      if (reply?.kind !== "put-done") return done(operation);
      this.#made(operation, heard, reply);
      this.#heard.set(nameOf(step), { context: reply.context, sawTags: [operation.tag, ...heard.sawTags] });
      const vector = this.all.lens.context(step.bucket, step.key, reply.context)?.vector;
      if (vector !== undefined) this.#session?.learn(nameOf(step), { vector, byFallbacks: reply.fallbacks > 0 });
      // A delete that found nothing left no trace: sent again, it would be another one.
      if (step.again && !operation.isBlindDelete) request.sendAgain(() => done(operation));
      else done(operation);
    });
  }

  /** The same bytes for every attempt: only the tag says which one it is. */
  #commandOf(step: Step, heard: Heard, { idempotencyKey }: Operation): (attempt: number) => PutCommand {
    const { primitives } = this.all.world;
    const isPut = step.kind === "put";
    const write = {
      kind: "put",
      id: this.all.world.keyOf(step.bucket, step.key).id,
      value: isPut ? encodeValue(primitives, step.tag, step.filler) : undefined,
      contentType: isPut ? "text/plain" : "",
      ...(step.ttlSeconds !== undefined && { ttlSeconds: step.ttlSeconds }),
      context: heard.context,
      ...{ w: step.quorum, sloppy: step.sloppy === true, ifAbsent: false, hops: 0 },
    } as const;
    if (idempotencyKey === undefined) return () => ({ ...write, operation: undefined });
    return (attempt) => ({ ...write, operation: operationTag(primitives, idempotencyKey, write, attempt) });
  }

  #open(step: Step, heard: Heard, quorum: Step["quorum"]): Operation {
    const { record, workload } = this.all;
    return record.begin({
      client: this.name,
      session: this.#session !== undefined,
      node: this.all.nodeAt(step.node) ?? "",
      kind: step.kind,
      bucket: step.bucket,
      key: step.key,
      quorum,
      sloppy: step.sloppy === true,
      lww: workload.buckets.some(({ name, conflicts }) => name === step.bucket && conflicts === "lww"),
      isBlindDelete: step.kind === "delete" && heard.context.length === 0,
      ttlSeconds: step.ttlSeconds,
      tag: step.tag,
      sawTags: heard.sawTags,
      idempotencyKey: step.attempts > 1 ? `${this.name}/${++this.#begun}` : undefined,
      startMs: this.all.world.nowMs,
    });
  }

  /** Which version the write is: the one event that the answer's context has more than the request's. */
  #made(operation: Operation, heard: Heard, reply: PutDone): void {
    const { lens, record } = this.all;
    const { bucket, key } = operation;
    const asked = lens.context(bucket, key, heard.context);
    const answered = lens.context(bucket, key, reply.context);
    if (asked === undefined || answered === undefined) return;
    const dots = newDots(asked.vector, answered.vector);
    const [dot] = dots;
    const isPlain = dots.length === 1 && dot !== undefined && !operation.isBlindDelete;
    const version: Version | undefined = isPlain
      ? { dot: formatDot(dot), stamp: answered.stamp }
      : lens.versionStamped(operation, answered.stamp);
    // A blind delete that finds nothing is answered with what it found: the tombstone of another delete.
    const isFound = operation.isBlindDelete && record.makerOf(nameOf(operation), version?.dot ?? "") !== undefined;
    if (version !== undefined && !isFound) record.made(operation, version);
  }
}
