/**
 * Drives one PUT or DELETE (Dynamo §4.5): the coordinator applies the write to its own state, which mints the dot, sends the resulting state
 * (never the request, TRAPS 5) to the other owners, and answers when W distinct members have it on disk. The counting is
 * quorum/put-accumulator.ts.
 */
import { fail, ok, type Effect, type Outcome } from "../base/failure.js";
import type { KeyId } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import { PutAccumulator, type PutReply, type WriteSet } from "../quorum/put-accumulator.js";
import type { Message } from "../wire/messages.js";
import type { NodeContext } from "./context.js";
import type { Deadline } from "./deadlines.js";
import type { Change, Held } from "./replica.js";

/** What a write did. */
export interface WriteResult<T> {
  readonly value: T;
  readonly needed: number;
  readonly received: number;
}

export type WriteDone<T> = (outcome: Outcome<WriteResult<T>>) => void;

/** What the write makes of what is there: the state to keep and spread, with what the client shall hear; or why it is refused. */
export type Decide<T> = (held: Held) => Outcome<{ readonly change: Change; readonly value: T }>;

export class PutDriver<T> {
  /** Everybody who is given the state. */
  readonly owners: readonly string[];
  readonly #accumulator: PutAccumulator;
  readonly #calls = new Set<number>();
  #deadline: Deadline;
  #value: T | undefined;
  #started = false;
  /** Fewer members than needed can still say "durable". */
  #isLost = false;
  #answered = false;

  constructor(
    readonly node: NodeContext,
    readonly key: KeyId,
    sets: readonly WriteSet[],
    readonly deadlineAtMs: number,
    readonly done: WriteDone<T>,
  ) {
    this.owners = [...new Set(sets.flatMap((set) => set.members))];
    this.#accumulator = new PutAccumulator(sets);
    this.#deadline = node.deadlines.at(deadlineAtMs, () => this.#expire());
  }

  start(decide: Decide<T>): void {
    this.node.replica.modify(
      this.key,
      (held) => {
        // Nothing was started in time: whoever waited was told so, and must not find the write done after all.
        if (this.#answered) return undefined;
        const decided = decide(held);
        if (!decided.ok) {
          this.#answer(decided);
          return undefined;
        }
        this.#started = true;
        this.#value = decided.value.value;
        this.#spread(decided.value.change.body);
        return decided.value.change;
      },
      (status) => this.#take(this.node.self, status),
    );
  }

  #spread(body: Uint8Array): void {
    const message: Message = { kind: "store", id: this.key.id, body, whole: false };
    const leftMs = this.deadlineAtMs - this.node.clock.monotonicMs();
    for (const owner of this.owners) {
      if (owner === this.node.self) continue;
      let requestId = 0;
      let replied = false;
      requestId = this.node.ask(owner, message, leftMs, (reply) => {
        replied = true;
        this.#calls.delete(requestId);
        this.#take(owner, reply.kind === "stored" ? reply.status : "unreachable");
      });
      if (!replied) this.#calls.add(requestId);
    }
  }

  #take(owner: string, reply: PutReply): void {
    if (this.#answered) return;
    const isTwice = owner === this.node.self && this.node.plants.has("quorum-counts-twice");
    if (isTwice) this.#accumulator.reply(this.owners.find((other) => other !== owner) ?? owner, reply);
    const progress = this.#accumulator.reply(owner, reply);
    if (progress === "done") this.#succeed();
    else if (progress === "impossible") this.#refuseSoon();
  }

  #succeed(): void {
    const { needed, received } = this.#accumulator;
    this.#answer(ok({ value: this.#value as T, needed, received }));
  }

  /** What is under way may still say "durable": the answer tells how many did. */
  #refuseSoon(): void {
    const atMs = this.node.clock.monotonicMs() + limits.failureGraceMs;
    if (this.#accumulator.outstanding === 0) return this.#refuse();
    if (this.#isLost || atMs >= this.deadlineAtMs) return;
    this.#isLost = true;
    this.#deadline.cancel();
    this.#deadline = this.node.deadlines.at(atMs, () => this.#expire());
  }

  /** Not enough members have it on disk, and no more will say so: some may have it all the same (TRAPS 13). */
  #refuse(): void {
    const { needed, received } = this.#accumulator;
    const effect: Effect = this.#started ? "unknown" : "none";
    if (this.#accumulator.count("full") > this.owners.length - needed) {
      const detail = `${this.#accumulator.count("full")} of the key's ${this.owners.length} replicas have no space; make room on them, then try again`;
      this.#answer(fail("storage-full", detail, effect, { needed, received }));
      return;
    }
    const detail = `a write needs ${needed} of ${this.owners.length} replicas and ${received} have it on disk; try again with the same Idempotency-Key, or ask for fewer with w`;
    this.#answer(fail("quorum-not-met", detail, effect, { needed, received }));
  }

  #expire(): void {
    for (const requestId of this.#calls) this.node.abandon(requestId);
    this.#calls.clear();
    if (!this.#answered) this.#refuse();
  }

  #answer(outcome: Outcome<WriteResult<T>>): void {
    this.#answered = true;
    // Replies that are still to come change nothing: without hints there is nothing to do for the members that did not answer.
    this.#deadline.cancel();
    for (const requestId of this.#calls) this.node.abandon(requestId);
    this.#calls.clear();
    this.done(outcome);
  }
}
