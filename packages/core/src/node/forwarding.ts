/**
 * Passing a request on to a node that owns the key. A read may be tried at one owner after the other; a write only while it surely has not
 * begun, or one put would mint two dots (TRAPS 5, 6). At most one hop: an owner that thinks it is none says so. A sloppy request does not
 * wait for owners that seem down: where no other can be had, this node stands in (Dynamo §4.6).
 */
import { fail, ok, type Failure, type Outcome } from "../base/failure.js";
import type { KeyId } from "../base/key-id.js";
import type { GetCommand, Got, Message, PutCommand, PutDone } from "../wire/messages.js";
import type { Reply } from "./api.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";

/** A read is tried at the next owner when the first has not answered within this share of the time that is left. */
const FIRST_TRY_SHARE = 1 / 3;
/** The owner is given a little less time than there is, so that its own answer, which says more, comes before the time is up. */
const OWNER_SHARE = 0.9;

interface Passed<T extends Got | PutDone> {
  readonly key: KeyId;
  readonly message: GetCommand | PutCommand;
  readonly deadlineAtMs: number;
  readonly reply: Reply<T>;
  readonly wanted: T["kind"];
  /** After that answer the next owner may be asked. */
  readonly mayGoOn: (answer: Message | NoReply) => boolean;
  readonly standIn: (() => void) | undefined;
}

export class Forwarding {
  constructor(readonly node: NodeContext) {}

  /** `standIn`: coordinates here, for when no owner can be had; undefined where that is not wanted. */
  get(key: KeyId, command: GetCommand, deadlineAtMs: number, reply: Reply<Got>, standIn?: () => void): void {
    if (command.hops > 0) return reply(notOwner(this.node.self));
    const message = { ...command, hops: 1 };
    this.#tryInTurn({ key, message, deadlineAtMs, reply, wanted: "got", mayGoOn: () => true, standIn });
  }

  put(key: KeyId, command: PutCommand, deadlineAtMs: number, reply: Reply<PutDone>, standIn?: () => void): void {
    if (command.hops > 0) return reply(notOwner(this.node.self));
    const message = { ...command, hops: 1 };
    this.#tryInTurn({ key, message, deadlineAtMs, reply, wanted: "put-done", mayGoOn: neverBegan, standIn });
  }

  #tryInTurn<T extends Got | PutDone>(passed: Passed<T>): void {
    const { key, message, deadlineAtMs, reply, wanted, mayGoOn, standIn } = passed;
    const owners = this.#inOrder(key, standIn !== undefined);
    const isRead = message.kind === "get";
    let refusal: Outcome<never> | undefined;
    const attempt = (index: number): void => {
      const leftMs = deadlineAtMs - this.node.clock.monotonicMs();
      const owner = owners[index];
      // Nobody has begun it, so this node may; but an owner that can be had and will not is not stood in for.
      if (owner === undefined && refusal === undefined && standIn !== undefined) return standIn();
      if (owner === undefined || leftMs <= 0) return reply(refusal ?? unreachable(owners.length, "none"));
      const isLast = index === owners.length - 1 && standIn === undefined;
      const waitMs = isRead && !isLast ? leftMs * FIRST_TRY_SHARE : leftMs;
      this.#askOnce(owner, message, waitMs, (answer) => {
        if (answer.kind === wanted) return reply(ok(answer as T));
        const failed: Outcome<never> | undefined =
          answer.kind === "failed" ? { ok: false, failure: answer.failure } : undefined;
        if (failed !== undefined && (!isPassing(failed.failure) || !mayGoOn(answer))) return reply(failed);
        if (!mayGoOn(answer)) return reply(unreachable(owners.length, "unknown"));
        if (failed !== undefined && isBusy(failed.failure)) refusal = failed;
        attempt(index + 1);
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

  /** Owners that seem alive first, in a random order, so that no owner coordinates everything; those alone where somebody can stand in. */
  #inOrder(key: KeyId, isSloppy: boolean): string[] {
    const { reads, all } = this.node.placement(key.partition);
    const others = all.filter((owner) => !reads.includes(owner));
    // While a partition changes hands, those that a read asks before those that are still being filled.
    const owners = [...this.node.rng.shuffle(reads), ...this.node.rng.shuffle(others)];
    const alive = owners.filter((owner) => this.node.seemsAlive(owner));
    return isSloppy ? alive : [...alive, ...owners.filter((owner) => !alive.includes(owner))];
  }
}

/** A write that surely has not begun. */
function neverBegan(answer: Message | NoReply): boolean {
  return answer.kind === "unsent" || (answer.kind === "failed" && answer.failure.effect === "none");
}

/** Failures that another owner may not have: the node's own state, not the request's. */
function isPassing(failure: Failure): boolean {
  return ["not-owner", "overloaded", "stopping", "storage-full", "storage-failed", "clock-skew"].includes(failure.code);
}

/** Failures that say "not now": whoever stands in for such an owner would only take its load elsewhere. */
function isBusy(failure: Failure): boolean {
  return failure.code === "overloaded" || failure.code === "clock-skew";
}

function notOwner(self: string): ReturnType<typeof fail> {
  return fail("not-owner", `${self} does not own this key; the ring may be changing, try again`);
}

function unreachable(owners: number, effect: "none" | "unknown"): ReturnType<typeof fail> {
  const detail = `none of the key's ${owners} owners could take the request in time; try again`;
  return fail("quorum-not-met", detail, effect, { needed: 1, received: 0 });
}
