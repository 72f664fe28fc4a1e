/** One operation on its way: its attempts, each through another node, until its outcome is known or its client gives up. */
import type { GetCommand, Message, PutCommand } from "@kvorum/core";
import type { Operation, Outcome } from "../history.js";
import type { Company } from "./company.js";
import type { SessionRead } from "./session-read.js";
import type { Step } from "./workload.js";

const RETRY_MS = 40;
/** How long a client looks for a node that is up before it gives up. */
const NOBODY_UP_MS = 250;
const LOOKS_MAX = 8;

type Done = (reply: Message | undefined) => void;

export class Request {
  /** An attempt may have been acted on. */
  #isUnknown = false;
  #looks = 0;

  constructor(
    readonly all: Company,
    readonly operation: Operation,
    readonly step: Step,
    readonly commandOf: (attempt: number) => GetCommand | PutCommand,
    /** Says of each answer to a read whether it may be shown. */
    readonly session?: SessionRead,
  ) {}

  /** `done` comes once, when the operation has its outcome. */
  send(done: Done): void {
    const { operation, step, all } = this;
    this.#attempt((reply) => {
      const isLast = operation.attempts >= step.attempts;
      const againMs = reply?.kind === "got" ? this.session?.refuse(reply) : undefined;
      if (againMs !== undefined) {
        if (againMs < Infinity) return void all.world.after(againMs, () => this.send(done));
        operation.failure = "session-not-met";
        this.#end("not-done");
        return done(undefined);
      }
      if (reply?.kind === "got" || reply?.kind === "put-done") {
        operation.needed = reply.needed;
        operation.doneBy = operation.attempts;
        operation.fallbacks = reply.fallbacks;
        this.#end("done");
        return done(reply);
      }
      operation.failure = reply?.kind === "failed" ? reply.failure.code : "no answer";
      if (reply?.kind !== "failed" || reply.failure.effect === "unknown") this.#isUnknown = true;
      if (reply?.kind === "failed") all.taken.markFailure(reply.failure.code);
      if (!isLast) return void all.world.after(RETRY_MS * operation.attempts, () => this.send(done));
      this.#end(this.#isUnknown ? "unknown" : "not-done");
      done(undefined);
    });
  }

  /** Once more, though it was done: what comes of it changes no outcome. */
  sendAgain(done: () => void): void {
    this.all.taken.mark("sent again after it was done");
    this.all.world.after(RETRY_MS, () => this.#attempt(() => done()));
  }

  #attempt(done: Done): void {
    const { all, operation, step } = this;
    const { world } = all;
    const node = all.nodeAt(step.node + operation.attempts);
    if (node === undefined) {
      if (++this.#looks < LOOKS_MAX) return void world.after(NOBODY_UP_MS, () => this.#attempt(done));
      operation.attempts = step.attempts;
      return done({ kind: "failed", failure: { code: "stopping", detail: "no node is up", effect: "none" } });
    }
    const number = ++operation.attempts;
    const startMs = world.nowMs;
    const command = this.commandOf(number);
    if (number > 1) all.taken.mark("retried");
    world.request(operation.client, node, command, step.timeoutMs, (reply) => {
      all.heard({ operation, node, number, startMs, command, reply });
      done(reply);
    });
  }

  #end(outcome: Outcome): void {
    this.operation.outcome = outcome;
    if (outcome !== "unknown" || this.operation.kind === "get") this.operation.endMs = this.all.world.nowMs;
  }
}
