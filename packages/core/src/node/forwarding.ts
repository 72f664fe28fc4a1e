/**
 * Passing a request on to a node that owns the key. A read may be tried at one owner after the other. So may a write that is named: whoever
 * takes it next looks for it first, and two dots of one name are one version (TRAPS 5, 6). One without a name goes on only while it surely
 * has not begun. At most one hop: an owner that thinks it is none says so. A sloppy request does not wait for owners that seem down: where no
 * other can be had, this node stands in (Dynamo §4.6); so it is given a name here when its client gave none.
 */
import { fail, ok, type Failure, type Outcome } from "../base/failure.js";
import type { KeyId } from "../base/key-id.js";
import { OPERATION_ID_BYTES } from "../versions/operation.js";
import type { GetCommand, Got, Message, OperationTag, PutCommand, PutDone } from "../wire/messages.js";
import type { Reply } from "./api.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";

/** What may be tried at the next owner is, when the first has not answered within this share of the time that is left. */
const FIRST_TRY_SHARE = 1 / 3;
/** The owner is given a little less time than there is, so that its own answer, which says more, comes before the time is up. */
const OWNER_SHARE = 0.9;

interface Passed<T extends Got | PutDone> {
  readonly key: KeyId;
  /** What the next owner is asked. `again`: one that was asked before may have begun it. */
  readonly message: (again: boolean) => GetCommand | PutCommand;
  readonly deadlineAtMs: number;
  readonly reply: Reply<T>;
  readonly wanted: T["kind"];
  /** The next owner may be asked though this one may have begun it. */
  readonly isRepeatable: boolean;
  /** Coordinates here. */
  readonly standIn: ((again: boolean, reply: Reply<T>) => void) | undefined;
}

export class Forwarding {
  constructor(readonly node: NodeContext) {}

  /** `standIn`: coordinates here, for when no owner can be had; undefined where that is not wanted. */
  get(key: KeyId, command: GetCommand, deadlineAtMs: number, reply: Reply<Got>, standIn?: () => void): void {
    if (command.hops > 0) return reply(notOwner(this.node.self));
    const message = { ...command, hops: 1 };
    this.#tryInTurn({ key, message: () => message, deadlineAtMs, reply, wanted: "got", isRepeatable: true, standIn });
  }

  /** `standIn` is given the command with the name that the owners heard, and whom to answer. */
  put(
    key: KeyId,
    command: PutCommand,
    deadlineAtMs: number,
    reply: Reply<PutDone>,
    standIn?: (command: PutCommand, reply: Reply<PutDone>) => void,
  ): void {
    if (command.hops > 0) return reply(notOwner(this.node.self));
    // A blind delete that found nothing leaves no trace: taken late, by an owner that was silent, it would delete what was written since.
    const isTraceless = command.value === undefined && command.context.length === 0;
    const operation = command.operation ?? (standIn && !isTraceless ? this.#name() : undefined);
    const named = (again: boolean): PutCommand =>
      operation === undefined
        ? command
        : { ...command, operation: again ? { ...operation, maybeRetry: true } : operation };
    this.#tryInTurn({
      ...{ key, deadlineAtMs, wanted: "put-done", isRepeatable: operation !== undefined && !isTraceless },
      message: (again) => ({ ...named(again), hops: 1 }),
      reply,
      standIn: standIn && ((again, answer) => standIn(named(again), answer)),
    });
  }

  /** A name for a write whose client gave none: nobody else uses it, and nobody but this node tries it again. */
  #name(): OperationTag {
    const id = Uint8Array.from({ length: OPERATION_ID_BYTES }, () => Math.floor(this.node.rng.float() * 256));
    return { id, check: 0n, maybeRetry: false };
  }

  #tryInTurn<T extends Got | PutDone>(passed: Passed<T>): void {
    const { key, message, deadlineAtMs, wanted, isRepeatable, standIn } = passed;
    const owners = this.#inOrder(key, standIn !== undefined);
    let refusal: Outcome<never> | undefined;
    /** One that was asked may have begun it: what others say afterwards does not undo that. */
    let mayHaveBegun = false;
    let answered = false;
    const isWrite = wanted === "put-done";
    const reply: Reply<T> = (outcome) => {
      if (answered) return;
      answered = true;
      const isUnknown = isWrite && mayHaveBegun && !outcome.ok;
      passed.reply(isUnknown ? { ok: false, failure: { ...outcome.failure, effect: "unknown" } } : outcome);
    };
    const attempt = (index: number): void => {
      const leftMs = deadlineAtMs - this.node.clock.monotonicMs();
      const owner = owners[index];
      if (owner === undefined || leftMs <= 0) {
        // An owner that can be had and will not is not stood in for.
        if (leftMs > 0 && refusal === undefined && standIn !== undefined) return standIn(mayHaveBegun, reply);
        return reply(refusal ?? unreachable(owners.length, "none"));
      }
      const isLast = index === owners.length - 1 && standIn === undefined;
      const patienceMs = isRepeatable && !isLast ? leftMs * FIRST_TRY_SHARE : leftMs;
      let isPassed = false;
      this.#askOnce(owner, message(mayHaveBegun), { patienceMs, leftMs: isWrite ? leftMs : patienceMs }, (answer) => {
        if (answer.kind === wanted) return reply(ok(answer as T));
        // The word of one that was slow: others have been asked since.
        if (isPassed) return;
        isPassed = true;
        mayHaveBegun ||= !neverBegan(answer);
        const mayGoOn = isRepeatable || !mayHaveBegun;
        if (answer.kind === "failed") {
          const failed: Outcome<never> = { ok: false, failure: answer.failure };
          if (!isPassing(failed.failure) || !mayGoOn) return reply(failed);
          if (isBusy(failed.failure)) refusal = failed;
        }
        if (!mayGoOn) return reply(unreachable(owners.length, "unknown"));
        attempt(index + 1);
      });
    };
    attempt(0);
  }

  /** `done` hears "lost" when the patience is over, and may hear the answer after that: a write that was begun has all the time there is. */
  #askOnce(
    owner: string,
    message: Message,
    { patienceMs, leftMs }: { readonly patienceMs: number; readonly leftMs: number },
    done: (answer: Message | NoReply) => void,
  ): void {
    const { clock, deadlines } = this.node;
    const nowMs = clock.monotonicMs();
    let requestId = 0;
    let replied = false;
    let deadline = deadlines.at(nowMs + patienceMs, () => {
      const abandon = (): void => this.node.abandon(requestId);
      if (leftMs > patienceMs) deadline = deadlines.at(nowMs + leftMs, abandon);
      else abandon();
      if (!replied) done({ kind: "lost" });
    });
    requestId = this.node.ask(owner, message, leftMs * OWNER_SHARE, (answer) => {
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
