/**
 * Drives one GET (Dynamo §4.5, §4.6): asks every owner, one of them for the whole state and the others for digests, answers at R, and mends
 * afterwards what it saw to differ (read repair, "opportunistic", after the answer). A sloppy read asks fallbacks too, where the owners that
 * can be had are not enough. The counting is quorum/get-accumulator.ts.
 */
import { fail, ok, type Outcome } from "../base/failure.js";
import type { KeyId } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import type { QuorumArg } from "../base/quorum-arg.js";
import { GetAccumulator } from "../quorum/get-accumulator.js";
import type { Tide } from "../replication/tides.js";
import type { Message } from "../wire/messages.js";
import type { ByRecord } from "../wire/ring-messages.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";
import type { Deadline } from "./deadlines.js";
import { OwnerCall } from "./owner-call.js";
import { readPlan, type ReadPlan } from "./quorum-plan.js";
import { recordOf, type Held } from "./replica.js";
import { StandIns } from "./stand-ins.js";
import type { Copy } from "./states.js";

export interface ReadOrder {
  readonly key: KeyId;
  readonly r: QuorumArg;
  /** Fallbacks count. */
  readonly sloppy: boolean;
  /** Fallbacks alone may say that there is nothing: for one who looks, and goes on in any case. */
  readonly isUnprovenFine?: boolean;
  readonly deadlineAtMs: number;
}

/** What a read found. `merged` undefined: nothing, and an owner has proved it; in a sloppy read one of R members. */
export interface ReadResult {
  readonly merged: Copy | undefined;
  readonly needed: number;
  readonly received: number;
  readonly fallbacks: number;
}

export type ReadDone = (outcome: Outcome<ReadResult>) => void;

/** Asks the owners in force; should they be others by the time a replica says so, asks those (DESIGN §3). */
export function readKey(node: NodeContext, order: ReadOrder, done: ReadDone): void {
  const plan = readPlan(node, order.key.partition, order.r);
  if (!plan.ok) return done(plan);
  new GetDriver(node, order, plan.value, done, () => readKey(node, order, done)).start();
}

export class GetDriver {
  readonly #accumulator: GetAccumulator<Copy>;
  readonly #standIns: StandIns;
  /** Requests without a reply, with whom they asked. */
  readonly #calls = new Map<OwnerCall, string>();
  /** What it has read it may yet write, when it repairs. */
  readonly #tide: Tide;
  /** Members whose state was asked for after their digest. */
  readonly #fetched = new Set<string>();
  #deadlineAtMs: number;
  #deadline: Deadline;
  #patience: Deadline | undefined;
  #leaveWait: (() => void) | undefined;
  #answered = false;
  #finished = false;

  constructor(
    readonly node: NodeContext,
    readonly order: ReadOrder,
    readonly plan: ReadPlan,
    readonly done: ReadDone,
    /** The owners that were asked are not those to ask any more: somebody has to start anew. */
    readonly onMoved: () => void,
  ) {
    const { key, deadlineAtMs } = order;
    const { needed, owners } = plan;
    const mode = node.modeOf(key.id);
    this.#accumulator = new GetAccumulator<Copy>(needed, owners, {
      merge: (a, b) => node.states.joinCopies(key, a, b, mode),
      digest: (copy) => copy.digest,
    });
    this.#standIns = new StandIns(node, key.partition, order.sloppy);
    this.#tide = node.tides.enter();
    this.#deadlineAtMs = deadlineAtMs;
    this.#deadline = node.deadlines.at(deadlineAtMs, () => this.#expire());
  }

  /** Where this node is an owner, its own state is the whole one and the others need only hash theirs; where it is none, it is a fallback. */
  start(): void {
    if (!this.#isOwner() && !this.#standIns.isAllowed) return this.#startWith(undefined);
    this.node.replica.load(this.order.key, (held) => {
      if (!this.#isOwner()) this.#accumulator.standIn(this.node.self);
      this.#startWith(held);
    });
  }

  #startWith(own: Held | undefined): void {
    if (own !== undefined) this.#takeOwn(own);
    // Where nothing is held here, a digest could match nothing: the first that seems alive is asked for all of it.
    const isKnown = own !== undefined && own.kind !== "unknown" && this.#isOwner();
    let wholeFrom = isKnown ? undefined : this.#firstAlive();
    for (const owner of this.plan.owners) {
      if (owner === this.node.self) continue;
      if (owner === wholeFrom) {
        wholeFrom = undefined;
        this.#fetch(owner);
      } else {
        this.#ask(owner, "digest");
      }
    }
    for (const owner of this.plan.owners) {
      if (owner !== this.node.self && !this.node.seemsAlive(owner)) this.#accumulator.doubt(owner);
    }
    this.#fillUp();
    this.#waitForSilence();
    this.#proceed();
  }

  #isOwner(): boolean {
    return this.plan.owners.includes(this.node.self);
  }

  /** Asks fallbacks while those who answered and those who may be counted on are not enough. */
  #fillUp(): void {
    while (!this.#answered && this.#accumulator.isWanting) {
      const fallback = this.#standIns.next();
      if (fallback === undefined) return;
      this.#accumulator.standIn(fallback);
      this.#ask(fallback, "peek");
    }
  }

  /** Whoever stays silent for a while is taken for gone, long before the deadline. */
  #waitForSilence(): void {
    if (!this.#standIns.isAllowed || this.#answered) return;
    const now = this.node.clock.monotonicMs();
    const afterMs = Math.min(limits.standInAfterMs, (this.order.deadlineAtMs - now) / 4);
    if (afterMs <= 0) return;
    this.#patience = this.node.deadlines.at(now + afterMs, () => {
      for (const name of this.#calls.values()) this.#accumulator.doubt(name);
      this.#fillUp();
      this.#waitForSilence();
    });
  }

  #firstAlive(): string | undefined {
    const others = this.plan.owners.filter((owner) => owner !== this.node.self);
    return others.find((owner) => this.node.seemsAlive(owner)) ?? others[0];
  }

  #takeOwn(held: Held): void {
    const self = this.node.self;
    const copy = recordOf(held);
    // The ring may have changed while the store was asked.
    const now = this.node.owners.record(this.order.key.partition);
    const isNear = this.node.ownsPartition(this.order.key.partition) && Math.abs(now.epoch - this.plan.epoch) <= 1;
    const isOwner = isNear || !this.#isOwner();
    if (held.kind === "absent" && isOwner) this.#accumulator.absent(self);
    else if (held.kind !== "state" || !isOwner) this.#accumulator.unknown(self, copy, copy?.digest ?? 0n);
    else this.#accumulator.state(self, held.record, held.record.digest);
  }

  #fetch(owner: string): void {
    this.#fetched.add(owner);
    this.#ask(owner, "fetch");
  }

  #ask(owner: string, kind: "fetch" | "digest" | "peek"): void {
    let isSync = true;
    const { key, deadlineAtMs } = this.order;
    // Whoever stands in owns nothing here, so no record of owners says whether it may.
    const message = (by: ByRecord): Message => (kind === "peek" ? { kind, id: key.id } : { kind, id: key.id, ...by });
    const call = new OwnerCall(this.node, owner, key, message, deadlineAtMs, (reply) => {
      this.#calls.delete(call);
      if (reply.kind === "moved") return this.#moved(owner);
      this.#takeReply(owner, reply);
      if (!isSync) this.#proceed();
    });
    this.#calls.set(call, owner);
    call.start();
    isSync = false;
  }

  /** An owner goes by newer owners, and now this node does too: what the others say by the old ones need not be all there is. */
  #moved(owner: string): void {
    if (this.#finished) return;
    if (this.#answered || this.node.placement(this.order.key.partition).epoch === this.plan.epoch) {
      this.#accumulator.unreachable(owner);
      return this.#proceed();
    }
    this.#answered = true;
    this.#finished = true;
    this.#deadline.cancel();
    this.#patience?.cancel();
    for (const call of this.#calls.keys()) call.cancel();
    this.onMoved();
  }

  #takeReply(owner: string, reply: Message | NoReply): void {
    const accumulator = this.#accumulator;
    if (reply.kind === "digested") {
      if (reply.status === "state") accumulator.digest(owner, reply.digest);
      else if (reply.status === "absent") accumulator.absent(owner);
      else accumulator.unknown(owner, undefined, reply.digest);
    } else if (reply.kind === "fetched") {
      const copy = reply.body === undefined ? undefined : this.#copyOf(reply.body);
      if (reply.status === "absent") accumulator.absent(owner);
      else if (reply.status === "state" && copy !== undefined) accumulator.state(owner, copy, copy.digest);
      else accumulator.unknown(owner, copy, copy?.digest ?? 0n);
    } else {
      accumulator.unreachable(owner);
    }
  }

  /** What came, if it is a state: a peer's mistake must not become this node's. */
  #copyOf(body: Uint8Array): Copy | undefined {
    const { states } = this.node;
    return states.receive(body) && states.copyOf(this.order.key, body);
  }

  /** After every reply: fetch what digests showed to differ, answer when it is enough, mend when all have spoken. */
  #proceed(): void {
    if (this.#finished) return;
    for (const owner of this.#accumulator.toFetch()) {
      if (this.#fetched.has(owner)) continue;
      if (owner === this.node.self) continue;
      this.#fetch(owner);
    }
    this.#fillUp();
    if (!this.#answered) this.#answerWhenDecided();
    if (this.#calls.size === 0) this.#finish();
  }

  #answerWhenDecided(): void {
    const { progress, needed, received, fallbacks, isUnproven, merged } = this.#accumulator;
    if (progress === "waiting") return;
    if (progress === "impossible" && this.#calls.size > 0) return this.#waitUntil(limits.failureGraceMs);
    this.#answered = true;
    this.#patience?.cancel();
    this.#waitForTheRest(merged?.body.length ?? 0);
    if (progress === "answer") {
      this.done(ok({ merged, needed, received, fallbacks }));
      return;
    }
    if (isUnproven && this.order.isUnprovenFine === true) {
      return this.done(ok({ merged, needed, received, fallbacks }));
    }
    if (isUnproven) {
      const detail = `only fallbacks could be asked and they hold nothing, which proves nothing: none of the key's ${this.plan.owners.length} replicas answered in time; try again`;
      return this.done(fail("quorum-not-met", detail, "none", { needed, received: 0 }));
    }
    const detail = `a read needs ${needed} of ${this.plan.owners.length} replicas and ${received} answered in time; try again, or ask for fewer with r`;
    this.done(fail("quorum-not-met", detail, "none", { needed, received }));
  }

  /** The client has its answer; what the others still say is for read repair, and that waits neither long nor at any price. */
  #waitForTheRest(stateBytes: number): void {
    const { settings, repairWaits } = this.node;
    if (this.#calls.size === 0) return;
    this.#leaveWait = settings.readRepair ? repairWaits.enter(stateBytes) : undefined;
    if (this.#leaveWait === undefined) this.#expire();
    else this.#waitUntil(limits.readRepairWaitMs);
  }

  /** Brings the deadline forward. */
  #waitUntil(fromNowMs: number): void {
    const atMs = this.node.clock.monotonicMs() + fromNowMs;
    if (atMs >= this.#deadlineAtMs) return;
    this.#deadlineAtMs = atMs;
    this.#deadline.cancel();
    this.#deadline = this.node.deadlines.at(atMs, () => this.#expire());
  }

  #expire(): void {
    for (const [call, name] of this.#calls) {
      call.cancel();
      this.#accumulator.unreachable(name);
    }
    this.#calls.clear();
    for (const owner of this.plan.owners) this.#accumulator.unreachable(owner);
    if (!this.#answered) this.#answerWhenDecided();
    this.#finish();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#deadline.cancel();
    this.#leaveWait?.();
    if (this.node.settings.readRepair) this.#repair();
    this.node.tides.leave(this.#tide);
  }

  #repair(): void {
    const { state, targets } = this.#accumulator.repairPlan();
    if (state === undefined) return;
    for (const { member, whole } of targets) this.node.repair(member, this.order.key, state.body, whole);
  }
}
