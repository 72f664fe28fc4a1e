/**
 * Drives one PUT or DELETE (Dynamo §4.5, §4.6): the coordinator applies the write to its own state, which mints the dot, sends the resulting
 * state (never the request, TRAPS 5) to the owners, and answers when W distinct members have it on disk. In a sloppy write a fallback
 * stands in for each owner that seems down, fails or stays silent. What an owner missed in the end is owed to it as a hint. The counting is
 * quorum/put-accumulator.ts.
 */
import { fail, ok, type Effect, type Outcome } from "../base/failure.js";
import type { KeyId } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import type { LocalRecord } from "../replication/record.js";
import { PutAccumulator, type PutReply, type WriteSet } from "../quorum/put-accumulator.js";
import type { Tide } from "../replication/tides.js";
import type { Message } from "../wire/messages.js";
import type { ByRecord } from "../wire/ring-messages.js";
import type { NodeContext } from "./context.js";
import type { Deadline } from "./deadlines.js";
import type { TakenHints } from "./hints.js";
import { OwnerCall } from "./owner-call.js";
import type { WritePlan } from "./quorum-plan.js";
import { recordOf, type Change, type Held, type StoredStatus } from "./replica.js";
import { StandIns } from "./stand-ins.js";

/** What a write did. */
export interface WriteResult<T> {
  readonly value: T;
  readonly needed: number;
  readonly received: number;
  readonly fallbacks: number;
}

export type WriteDone<T> = (outcome: Outcome<WriteResult<T>>) => void;

/** What the write makes of what is there: the state to keep and spread, with what the client shall hear; or why it is refused. */
export type Decide<T> = (held: Held) => Outcome<{ readonly change: Change; readonly value: T }>;

export interface PutOrder {
  readonly key: KeyId;
  /** Whom to write to, by the placement in force when it is asked. */
  readonly plan: () => Outcome<WritePlan>;
  /** Fallbacks count. */
  readonly sloppy: boolean;
  readonly deadlineAtMs: number;
}

export class PutDriver<T> {
  /** Everybody who is given the state. */
  #owners: readonly string[];
  /** The epoch of the placement that is written to. */
  #epoch: number;
  readonly #accumulator: PutAccumulator;
  readonly #standIns: StandIns;
  /** Members that were asked and have not said anything, with the request. */
  readonly #calls = new Map<string, OwnerCall>();
  /** Owners that were given the state. */
  readonly #given = new Set<string>();
  #deadline: Deadline;
  #patience: Deadline | undefined;
  #body: Uint8Array = NOTHING;
  /** As long as it has the state, it may send it to somebody. */
  readonly #tide: Tide;
  /** What lay here before the write. */
  #before: LocalRecord | undefined;
  #hints: TakenHints | undefined;
  #value: T | undefined;
  #started = false;
  /** Owners that this node keeps a hint for. */
  readonly #owed = new Set<string>();
  /** What this node made of its own state. */
  #own: StoredStatus | undefined;
  /** Fewer members than needed can still say "durable". */
  #isLost = false;
  #answered = false;
  #isFinished = false;
  #leaveWait: (() => void) | undefined;

  constructor(
    readonly node: NodeContext,
    readonly order: PutOrder,
    readonly done: WriteDone<T>,
  ) {
    const { plan, key, sloppy } = order;
    const now = plan();
    const { epoch, sets } = now.ok ? now.value : { epoch: 0, sets: [] };
    this.#epoch = epoch;
    this.#owners = ownersOf(sets);
    this.#accumulator = new PutAccumulator(sets);
    this.#standIns = new StandIns(node, key.partition, sloppy || node.plants.has("fallback-counts-as-primary"));
    this.#tide = node.tides.enter();
    this.#deadline = node.deadlines.at(order.deadlineAtMs, () => this.#expire());
  }

  start(decide: Decide<T>): void {
    this.node.replica.modify(
      this.order.key,
      (held) => {
        // Nothing was started in time: whoever waited was told so, and must not find the write done after all.
        if (this.#answered) return undefined;
        const decided = decide(held);
        if (!decided.ok) return this.#answer(decided);
        const { change, value } = decided.value;
        this.#value = value;
        this.#body = change.body;
        this.#before = recordOf(held);
        if (!this.#standInMyself()) return this.#answer(NO_ROOM);
        this.#started = true;
        const { body, inDoubt, lifetime, reaped } = change;
        return { body, inDoubt, lifetime, reaped, meta: this.#spread() };
      },
      (status) => {
        this.#own = status;
        this.#hints?.settled(status);
        this.#take(this.node.self, status);
      },
    );
  }

  /** A coordinator that owns nothing here keeps the state for the first owner that can't be had; false where it has no room for that. */
  #standInMyself(): boolean {
    const { self } = this.node;
    if (this.#owners.includes(self)) return true;
    const owner = this.#owners.find((each) => !this.node.seemsAlive(each)) ?? (this.#owners[0] as string);
    this.#accumulator.standIn(self, owner);
    return this.#takeHints([owner]);
  }

  /** Asks everybody. Returns the hints that go to this node's disk with the state: for those who are down, and whom nobody can stand in for. */
  #spread(): TakenHints["meta"] {
    const { self } = this.node;
    const missed: string[] = [];
    for (const owner of this.#owners) {
      if (owner === self) continue;
      if (!this.node.seemsAlive(owner)) {
        this.#accumulator.doubt(owner);
        if (this.#accumulator.isWanting(owner) && !this.#standInFor(owner)) missed.push(owner);
      }
      this.#give(owner);
    }
    if (this.node.settings.hints) this.#takeHints(missed);
    this.#waitForSilence();
    return this.#hints?.meta ?? [];
  }

  /** Hints beside those that were taken already; false where there is no room. */
  #takeHints(names: readonly string[]): boolean {
    if (names.length === 0) return true;
    const { hints } = this.node;
    const taken = hints.take(this.order.key, this.#body, this.#before, hints.targetsOf(names));
    if (taken === undefined) return false;
    const earlier = this.#hints;
    this.#hints = {
      meta: [...(earlier?.meta ?? []), ...taken.meta],
      settled: (status) => {
        earlier?.settled(status);
        taken.settled(status);
      },
    };
    for (const name of names) this.#owed.add(name);
    return true;
  }

  #give(owner: string): void {
    const { id } = this.order.key;
    const body = this.#body;
    this.#given.add(owner);
    this.#ask(owner, (by) => ({ kind: "store", id, body, whole: false, ...by }));
  }

  #ask(name: string, message: (by: ByRecord) => Message): void {
    const { key, deadlineAtMs } = this.order;
    const call = new OwnerCall(this.node, name, key, message, deadlineAtMs, (reply) => {
      this.#calls.delete(name);
      if (reply.kind === "moved") this.#moved(name);
      else this.#take(name, reply.kind === "stored" ? reply.status : "unreachable");
    });
    this.#calls.set(name, call);
    call.start();
  }

  /** One that goes by newer owners has told them: it is asked again if it is one of them. */
  #moved(name: string): void {
    this.#given.delete(name);
    if (this.#answered || !this.#follow()) return this.#take(name, "refused");
    this.#proceed();
  }

  /** The owners changed under way: a write is done when W have it in each set of those in force at its end (TRAPS 15). */
  #follow(): boolean {
    if (this.node.placement(this.order.key.partition).epoch === this.#epoch) return false;
    const now = this.order.plan();
    if (!now.ok) return false;
    this.#epoch = now.value.epoch;
    this.#owners = ownersOf(now.value.sets);
    this.#accumulator.follow(now.value.sets);
    for (const owner of this.#owners) if (owner !== this.node.self && !this.#given.has(owner)) this.#give(owner);
    return true;
  }

  /** Asks the next fallback to keep the state for an owner; false when there is none to ask. */
  #standInFor(owner: string): boolean {
    const [target] = this.node.hints.targetsOf([owner]);
    const fallback = target && this.#standIns.next();
    if (target === undefined || fallback === undefined) return false;
    // It was asked as an owner of before: that answer is none to what it is asked now.
    this.#calls.get(fallback)?.cancel();
    this.#accumulator.standIn(fallback, owner);
    const { id } = this.order.key;
    const body = this.#body;
    this.#ask(fallback, () => ({ kind: "store-hint", id, body, ...target }));
    return true;
  }

  #take(from: string, reply: PutReply): void {
    const isTwice = from === this.node.self && this.node.plants.has("quorum-counts-twice");
    if (isTwice) this.#accumulator.reply(this.#owners.find((other) => other !== from) ?? from, reply);
    this.#accumulator.reply(from, reply);
    if (!this.#answered && this.#started) this.#follow();
    if (!this.#answered && this.#started && reply !== "durable") this.#replace(from);
    if (!this.#answered) this.#proceed();
    if (this.#answered && this.#calls.size === 0 && this.#own !== undefined) this.#finish();
  }

  /** One who was asked will not have it: somebody else may. */
  #replace(name: string): void {
    const owner = this.#accumulator.ownerOf(name);
    if (owner !== undefined && this.#accumulator.isWanting(owner)) this.#standInFor(owner);
  }

  /** Whoever stays silent for a while is taken for gone, long before the deadline: a write need not fail because gossip is slower than it. */
  #waitForSilence(): void {
    if (!this.#standIns.isAllowed) return;
    const { clock, deadlines } = this.node;
    const now = clock.monotonicMs();
    const afterMs = Math.min(limits.standInAfterMs, (this.order.deadlineAtMs - now) / 4);
    if (afterMs <= 0) return;
    this.#patience = deadlines.at(now + afterMs, () => {
      const silent = [...this.#calls.keys()];
      for (const name of silent) this.#accumulator.doubt(name);
      for (const name of silent) this.#replace(name);
      if (!this.#answered) this.#waitForSilence();
    });
  }

  #proceed(): void {
    const { progress, needed, received } = this.#accumulator;
    const fallbacks = this.order.sloppy ? this.#accumulator.fallbacks : 0;
    if (progress === "done") this.#answer(ok({ value: this.#value as T, needed, received, fallbacks }));
    else if (progress === "impossible") this.#refuseSoon();
  }

  /** What is under way may still say "durable": the answer tells how many did. */
  #refuseSoon(): void {
    const atMs = this.node.clock.monotonicMs() + limits.failureGraceMs;
    if (this.#accumulator.outstanding === 0) return this.#refuse();
    if (this.#isLost || atMs >= this.order.deadlineAtMs) return;
    this.#isLost = true;
    this.#deadline.cancel();
    this.#deadline = this.node.deadlines.at(atMs, () => this.#expire());
  }

  /** Not enough members have it on disk, and no more will say so: some may have it all the same (TRAPS 13). */
  #refuse(): void {
    const { needed, received } = this.#accumulator;
    const effect: Effect = this.#started ? "unknown" : "none";
    const full = this.#accumulator.count("full");
    if (full > this.#owners.length - needed) {
      const detail = `${full} of the key's ${this.#owners.length} replicas have no space; make room on them, then try again`;
      this.#answer(fail("storage-full", detail, effect, { needed, received }));
      return;
    }
    const detail = `a write needs ${needed} of ${this.#owners.length} replicas and ${received} have it on disk; try again with the same Idempotency-Key, or ask for fewer with w`;
    this.#answer(fail("quorum-not-met", detail, effect, { needed, received }));
  }

  /** The time is up: for the answer, or behind it for those who have not said anything. */
  #expire(): void {
    for (const call of this.#calls.values()) call.cancel();
    this.#calls.clear();
    if (!this.#answered) this.#refuse();
    else this.#finish();
  }

  #answer(outcome: Outcome<WriteResult<T>>): undefined {
    this.#answered = true;
    this.#patience?.cancel();
    this.#deadline.cancel();
    // Nobody is asked any more.
    this.#body = NOTHING;
    this.node.tides.leave(this.#tide);
    this.done(outcome);
    this.#waitForTheRest();
  }

  /** The client has its answer. What the others still say decides who is owed a hint, and that waits neither long nor at any price. */
  #waitForTheRest(): void {
    const { clock, deadlines, hints, settings } = this.node;
    const isOver = !this.#started || !settings.hints || (this.#calls.size === 0 && this.#own !== undefined);
    this.#leaveWait = isOver ? undefined : hints.waits.enter(0);
    if (this.#leaveWait === undefined) return this.#expire();
    this.#deadline = deadlines.at(clock.monotonicMs() + limits.hintWaitMs, () => this.#expire());
  }

  /** Owners that neither have the state nor have somebody who keeps it for them are owed it by this node, which has it on its disk. */
  #finish(): void {
    this.#deadline.cancel();
    this.#leaveWait?.();
    this.#leaveWait = undefined;
    // A disk that is slower than all others has not spoken yet; when it does, this is asked again.
    if (this.#isFinished || this.#own === undefined) return;
    this.#isFinished = true;
    if (this.#own !== "durable") return;
    const missed = this.#owners.filter(
      (owner) => owner !== this.node.self && !this.#owed.has(owner) && !this.#accumulator.isKeptFor(owner),
    );
    this.node.hints.owe(this.order.key, missed);
  }
}

function ownersOf(sets: readonly WriteSet[]): readonly string[] {
  return [...new Set(sets.flatMap((set) => set.members))];
}

const NOTHING = new Uint8Array();

const NO_ROOM = fail(
  "overloaded",
  "none of the key's owners can be reached and this node keeps no more hints for others; try another node",
  "none",
  { retryAfterMs: 1_000 },
);
