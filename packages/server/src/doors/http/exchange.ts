/** One request and its one answer: every handler of the HTTP door reads from it and answers through it, with the bytes it means to send. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { pipeline, type Readable } from "node:stream";
import type { Clock, NodeApi, Primitives, Reply, limits } from "@kvorum/core";
import type { Logger } from "pino";
import { answerAndLinger } from "./linger.js";
import type { NodeMetrics, Operation } from "./metrics.js";
import { PROBLEM_TYPE, ProblemError, problemDocument, problemKinds, retryAfterSeconds } from "./problem.js";
import type { Problem } from "./problem.js";
import type { Traffic } from "./traffic.js";
import type { Turns } from "./turns.js";
import type { Snapshots } from "./snapshots.js";

/** The limits of base/limits.ts, of which a node may be given others. */
export type DoorLimits = { readonly [Name in keyof typeof limits]: number };

/** What all handlers of one door share. */
export interface DoorContext {
  readonly node: NodeApi;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly metrics: NodeMetrics;
  readonly limits: DoorLimits;
  readonly traffic: Traffic;
  readonly turns: Turns;
  readonly log: Logger | undefined;
  /** Undefined where the storage engine can't be backed up while it runs. */
  readonly snapshots: Snapshots | undefined;
}

/** Answers go through Node's response directly: stored content types must come back byte for byte, and fastify would complete them. */
export class Exchange {
  readonly #startedMs: number;
  #open = true;
  #asked = false;
  #bodyBytes = 0;
  #awaitsContinue: boolean;

  /** Runs `step` when the connection's requests before this one are answered. `operation`: the name it is measured under. */
  static begin(
    door: DoorContext,
    operation: Operation | undefined,
    request: IncomingMessage,
    response: ServerResponse,
    step: (exchange: Exchange) => void,
  ): void {
    door.turns.take(request.socket, () => {
      const exchange = new Exchange(door, operation, request, response);
      exchange.run(() => step(exchange));
    });
  }

  /** `operation`: the name it is measured under; undefined for what is not measured. */
  private constructor(
    readonly door: DoorContext,
    readonly operation: Operation | undefined,
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
  ) {
    this.#startedMs = door.clock.monotonicMs();
    this.#awaitsContinue = request.headers.expect?.toLowerCase() === "100-continue";
    door.traffic.enter();
  }

  /** Whether an answer is still owed. */
  get open(): boolean {
    return this.#open;
  }

  /** Runs a step of a handler. A {@link ProblemError} becomes the answer it names; any other error is a mistake of ours: 500, and logged. */
  run(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (error instanceof ProblemError) return this.fail(error.problem);
      this.door.log?.error({ err: error, method: this.request.method, url: this.request.url }, "request failed");
      const detail = "the node made a mistake; it has been logged there";
      this.fail({ code: "internal", detail, effect: this.#asked ? "unknown" : "none" });
    }
  }

  /** Puts a question to the node; its failure becomes the answer, its value goes to `answer`. */
  ask<T>(question: (reply: Reply<T>) => void, answer: (value: T) => void): void {
    this.#asked = true;
    question((outcome) => {
      if (outcome.ok) this.run(() => answer(outcome.value));
      else this.fail(outcome.failure);
    });
  }

  /** Takes room for `bytes` of the request's body, until the answer is given. */
  reserve(bytes: number): void {
    if (!this.door.traffic.reserve(bytes)) {
      const detail = "too many bytes of requests are in flight here; try again, or another node";
      throw new ProblemError("overloaded", detail);
    }
    this.#bodyBytes += bytes;
  }

  /** Gives the client leave to send its body, if it asked (`Expect: 100-continue`). */
  proceed(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    this.response.writeContinue();
  }

  /** A document of this moment: another one may hold already when somebody asks again. */
  json(status: number, value: unknown): void {
    const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };
    this.send(status, headers, Buffer.from(JSON.stringify(value)));
  }

  fail(problem: Problem, headers: OutgoingHttpHeaders = {}): void {
    const body = Buffer.from(JSON.stringify(problemDocument(problem, this.request.method)));
    const retryAfter = retryAfterSeconds(problem);
    const all: OutgoingHttpHeaders = { "Content-Type": PROBLEM_TYPE, "Cache-Control": "no-store", ...headers };
    if (retryAfter !== undefined) all["Retry-After"] = retryAfter;
    this.send(problemKinds[problem.code].status, all, body, problem.code);
  }

  /** The answer. `headers` becomes its own; the content-length is added. Without a body the status must be one that has none. */
  send(status: number, headers: OutgoingHttpHeaders, body: Uint8Array | undefined, result = "ok"): void {
    if (!this.#open) return;
    const { request, response, door } = this;
    if (body !== undefined) headers["Content-Length"] = body.length;
    if (door.traffic.stopping) headers["Connection"] = "close";
    if (this.#isStillTalking()) {
      answerAndLinger(request, response, { status, headers, body }, door.limits);
    } else {
      response.writeHead(status, headers);
      response.end(body);
    }
    this.#close(result);
  }

  /** An answer too large to be held: as fast as the client takes it. `done` when it has gone out, or the client has, or takes nothing any more. */
  stream(headers: OutgoingHttpHeaders, body: Readable, done: () => void): void {
    const { response, door } = this;
    if (!this.#open || response.destroyed) {
      this.abandon();
      return done();
    }
    response.writeHead(200, { ...headers, Connection: "close" });
    response.setTimeout(door.limits.httpReceiveTimeoutMs, () => response.destroy());
    pipeline(body, response, (error) => {
      this.#close(error === undefined || error === null ? "ok" : "aborted");
      done();
    });
  }

  /** The client is gone before its request was whole: there is nobody to answer. */
  abandon(): void {
    if (this.#open) this.#close("aborted");
  }

  #close(result: string): void {
    this.#open = false;
    const { traffic, turns, metrics, clock } = this.door;
    traffic.leave();
    traffic.release(this.#bodyBytes);
    turns.end(this.request.socket);
    if (this.operation !== undefined) {
      metrics.observe(this.operation, result, (clock.monotonicMs() - this.#startedMs) / 1000);
    }
  }

  /** Whether the client still has more to send than is worth reading for the sake of its connection, or waits for leave to send. */
  #isStillTalking(): boolean {
    const { complete, headers } = this.request;
    if (complete) return false;
    if (this.#awaitsContinue || headers["transfer-encoding"] !== undefined) return true;
    return Number(headers["content-length"] ?? 0) > this.door.limits.valueBytesMax;
  }
}
