/**
 * Passing a request on to a node that owns the key. A read may be tried at one owner after the other; a write only while it surely has not
 * begun, or one put would mint two dots (TRAPS 5, 6). At most one hop: an owner that thinks it is none says so.
 */
import { fail, ok, type Failure } from "../base/failure.js";
import type { KeyId } from "../base/key-id.js";
import type { GetCommand, Got, Message, PutCommand, PutDone } from "../wire/messages.js";
import type { Reply } from "./api.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";

/** A read is tried at the next owner when the first has not answered within this share of the time that is left. */
const FIRST_TRY_SHARE = 1 / 3;
/** The owner is given a little less time than there is, so that its own answer, which says more, comes before the time is up. */
const OWNER_SHARE = 0.9;

export class Forwarding {
  constructor(readonly node: NodeContext) {}

  get(key: KeyId, command: GetCommand, deadlineAtMs: number, reply: Reply<Got>): void {
    if (command.hops > 0) return reply(notOwner(this.node.self));
    this.#tryInTurn(key, { ...command, hops: 1 }, deadlineAtMs, reply, "got", () => true);
  }

  put(key: KeyId, command: PutCommand, deadlineAtMs: number, reply: Reply<PutDone>): void {
    if (command.hops > 0) return reply(notOwner(this.node.self));
    const neverBegan = (answer: Message | NoReply): boolean =>
      answer.kind === "unsent" || (answer.kind === "failed" && answer.failure.effect === "none");
    this.#tryInTurn(key, { ...command, hops: 1 }, deadlineAtMs, reply, "put-done", neverBegan);
  }

  #tryInTurn<T extends Got | PutDone>(
    key: KeyId,
    message: GetCommand | PutCommand,
    deadlineAtMs: number,
    reply: Reply<T>,
    wanted: T["kind"],
    mayGoOn: (answer: Message | NoReply) => boolean,
  ): void {
    const owners = this.#inOrder(key);
    const isRead = message.kind === "get";
    const attempt = (index: number): void => {
      const leftMs = deadlineAtMs - this.node.clock.monotonicMs();
      const owner = owners[index];
      if (owner === undefined || leftMs <= 0) return reply(unreachable(owners.length, isRead ? "none" : "unknown"));
      const isLast = index === owners.length - 1;
      const waitMs = isRead && !isLast ? leftMs * FIRST_TRY_SHARE : leftMs;
      this.#askOnce(owner, message, waitMs, (answer) => {
        if (answer.kind === wanted) return reply(ok(answer as T));
        const isRefusal = answer.kind === "failed" && !isPassing(answer.failure);
        if (isRefusal) return reply({ ok: false, failure: answer.failure });
        if (!isLast && mayGoOn(answer)) return attempt(index + 1);
        if (answer.kind === "failed" && answer.failure.code !== "not-owner") {
          return reply({ ok: false, failure: answer.failure });
        }
        reply(unreachable(owners.length, isRead || mayGoOn(answer) ? "none" : "unknown"));
      });
    };
    attempt(0);
  }

  #askOnce(owner: string, message: Message, waitMs: number, done: (answer: Message | NoReply) => void): void {
    let requestId = 0;
    let replied = false;
    const deadline = this.node.deadlines.at(this.node.clock.monotonicMs() + waitMs, () => {
      this.node.abandon(requestId);
      if (!replied) done({ kind: "lost" });
    });
    requestId = this.node.ask(owner, message, waitMs * OWNER_SHARE, (answer) => {
      replied = true;
      deadline.cancel();
      done(answer);
    });
  }

  /** Owners that seem alive first, in a random order, so that no owner coordinates everything. */
  #inOrder(key: KeyId): string[] {
    const { reads, all } = this.node.placement(key.partition);
    const others = all.filter((owner) => !reads.includes(owner));
    // While a partition changes hands, those that a read asks before those that are still being filled.
    const owners = [...this.node.rng.shuffle(reads), ...this.node.rng.shuffle(others)];
    return [
      ...owners.filter((owner) => this.node.seemsAlive(owner)),
      ...owners.filter((owner) => !this.node.seemsAlive(owner)),
    ];
  }
}

/** Failures that another owner may not have: the node's own state, not the request's. */
function isPassing(failure: Failure): boolean {
  return ["not-owner", "overloaded", "stopping", "storage-full", "storage-failed", "clock-skew"].includes(failure.code);
}

function notOwner(self: string): ReturnType<typeof fail> {
  return fail("not-owner", `${self} does not own this key; the ring may be changing, try again`);
}

function unreachable(owners: number, effect: "none" | "unknown"): ReturnType<typeof fail> {
  const detail = `none of the key's ${owners} owners could take the request in time; try again`;
  return fail("quorum-not-met", detail, effect, { needed: 1, received: 0 });
}
