/**
 * Reaps tombstones and expired values (DESIGN §4): takes those that this node holds as an owner through the steps of replication/reaping.ts
 * and the proof of replication/fence.ts. Its queue is the store: what is dead lies in the index, what is proven carries its mark, so that a
 * restart goes on where it stopped. What an earlier owner of the partition holds is for that one to reap; what only later ones hold those
 * find themselves, more seldom.
 */
import type { ReapStep, ReapWord } from "../base/reap-words.js";
import { limits } from "../base/limits.js";
import { Fence } from "../replication/fence.js";
import { ReapBatch, type DeadRecord, type ReapWait } from "../replication/reaping.js";
import type { TombstonesView } from "./api.js";
import type { NodeContext } from "./context.js";
import { DeadFinder } from "./dead-finder.js";
import { gather } from "./gather.js";
import type { ReapDoor } from "./reap-door.js";
import { ReapReport } from "./reap-report.js";

/** Later owners look at what they hold every so many rounds. */
const LATER_EVERY = 6;
/** Partitions with nothing dead cost no pause; after so many others get their turn all the same. */
const LOOKS_AT_ONCE = 64;
/** Members are asked again whether what they had under way is over: at once, then after ever longer pauses. */
const FENCE_PAUSE_MIN_MS = 10;
const FENCE_PAUSE_MAX_MS = 2_000;
/** When a look did not come to the end of a partition. */
const AGAIN_MS = 100;

const waitWords: Readonly<Record<ReapWait["reason"], (owner: string) => string>> = {
  "owner-away": (owner) => `${owner}, an owner, does not answer`,
  "owner-differs": (owner) => `${owner} holds another state of it`,
  "owner-unsure": (owner) =>
    `${owner} can't tell: it is being filled, has a damaged record, or its clock says that it is too early`,
  "earlier-owner": (owner) => `${owner} is to reap it`,
};

export class Reaper {
  readonly #report = new ReapReport();
  readonly #finder: DeadFinder;
  #round = 0;
  /** A look found more than it takes at once. */
  #more = false;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(
    readonly node: NodeContext,
    readonly door: ReapDoor,
  ) {
    this.#finder = new DeadFinder(node);
  }

  start(): void {
    this.#later(this.node.settings.reapIntervalMs, () => this.#begin());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  view(): TombstonesView {
    const { node } = this;
    const nowMs = node.clock.wallMs();
    let count = 0;
    for (let partition = 0; partition < node.identity.partitions; partition++) {
      if (node.ownsPartition(partition)) count += node.holdings.deadIn(partition, nowMs);
    }
    return { count, reaped: this.door.removed, oldest: count === 0 ? null : this.#report.oldest(node.primitives) };
  }

  // ── Which records ──

  #begin(): void {
    this.#round++;
    this.#more = false;
    const batches: ReapBatch[] = [];
    this.#collect(0, batches, () => {
      if (batches.length === 0) return this.#end();
      const away = this.#memberAway();
      if (away !== undefined)
        return this.#endWaiting(batches, `${away} is away: every member must say that it holds nothing older`);
      this.#step("ask", batches, () => this.#prove(batches, this.#newFence(), FENCE_PAUSE_MIN_MS));
    });
  }

  /** From that partition on. Most have nothing for this node to reap: a loop passes over those. */
  #collect(from: number, batches: ReapBatch[], done: () => void): void {
    const { partitions } = this.node.identity;
    for (let partition = from; partition < partitions; partition++) {
      if (this.#hasWork(partition)) return this.#lookAt(partition, batches, () => this.#goOn(partition, batches, done));
      if (isPause(partition)) return this.#goOn(partition, batches, done);
    }
    done();
  }

  #goOn(behind: number, batches: ReapBatch[], done: () => void): void {
    const next = (): void => this.#collect(behind + 1, batches, done);
    if (isPause(behind)) this.#later(0, next);
    else next();
  }

  #hasWork(partition: number): boolean {
    const { node } = this;
    const { all } = node.placement(partition);
    const place = all.indexOf(node.self);
    const isEmpty = place < 0 || node.holdings.deadIn(partition, node.clock.wallMs()) === 0;
    const isMine = !isEmpty && this.#isMine(all, place);
    if (isMine || isEmpty) this.#report.begin(partition);
    return isMine;
  }

  /** Where no earlier owner is there to do it, this one does, or at least says why nothing goes. */
  #isMine(owners: readonly string[], place: number): boolean {
    if (place > 0 && this.#round % LATER_EVERY === 0) return true;
    return owners.slice(0, place).every((owner) => !this.node.seemsAlive(owner));
  }

  #lookAt(partition: number, batches: ReapBatch[], done: () => void): void {
    const { node } = this;
    const { all, epoch, phase } = node.placement(partition);
    const place = all.indexOf(node.self);
    this.#finder.find(partition, ({ due, notYet, more }) => {
      // Many values that expire, and none that has: the next round goes on behind them, in its own time.
      this.#more ||= more && due.length > 0;
      if (notYet !== undefined)
        this.#report.waits(partition, notYet.record, tooEarly(notYet.dueMs - node.clock.wallMs()));
      if (phase !== 3) this.#wait(partition, due, "the partition's owners are changing");
      else if (due.length > 0) batches.push(new ReapBatch(partition, epoch, all, new Set(all.slice(0, place)), due));
      done();
    });
  }

  // ── The steps ──

  /** Asks all owners of each batch in turn. What one of them stops is reported, and left out from now on. */
  #step(step: ReapStep, batches: readonly ReapBatch[], done: () => void, at = 0): void {
    const batch = batches[at];
    if (this.#stopped) return;
    if (batch === undefined) return done();
    const next = (): void => this.#step(step, batches, done, at + 1);
    if (batch.records.length === 0) return next();
    const bytes = batch.records.reduce((sum, { id }) => sum + id.length, 0) * batch.owners.length;
    this.node.budget.spend("reaping", bytes, () => this.#ask(step, batch, next));
  }

  #ask(step: ReapStep, batch: ReapBatch, done: () => void): void {
    const { node } = this;
    const { partition, epoch, owners, records } = batch;
    // The asker removes its own copy last: as long as it has it, it asks again.
    const asked = step === "remove" ? owners.filter((owner) => owner !== node.self) : owners;
    const named = records.map(({ id, digest }) => ({ id, digest }));
    const message = { kind: "reap", step, partition, epoch, records: named } as const;
    const deadlineAtMs = node.clock.monotonicMs() + limits.reapStepMs;
    gather(
      node,
      asked,
      message,
      deadlineAtMs,
      (answer) => this.door.handle(message, answer),
      (replies) => {
        const said = new Map<string, readonly ReapWord[] | undefined>();
        for (const [owner, reply] of replies) said.set(owner, reply.kind === "reaped" ? reply.words : undefined);
        if (node.plants.has("reaped-early"))
          for (const owner of asked) said.set(owner, said.get(owner) ?? allGone(records));
        if (step === "remove") said.set(node.self, allGone(records));
        for (const { record, wait } of batch.take(step, said)) {
          this.#report.waits(partition, record, waitWords[wait.reason](wait.owner));
        }
        if (step !== "remove" || batch.records.length === 0) return done();
        this.door.words("remove", batch.records, done);
      },
    );
  }

  // ── The proof ──

  #newFence(): Fence {
    const members = this.node.plants.has("reaped-early") ? [] : this.node.membership.roster.members();
    return new Fence(new Map(members.map(({ name, instance }) => [name, instance])));
  }

  /** Asks the members until all have said it in every round. */
  #prove(batches: readonly ReapBatch[], fence: Fence, pauseMs: number): void {
    if (this.#stopped) return;
    if (batches.every(({ records }) => records.length === 0)) return this.#end();
    const isEarly = this.node.plants.has("reaped-early");
    if (fence.isPassed || isEarly) {
      return this.#step("mark", batches, () => this.#step("remove", batches, () => this.#end()));
    }
    const away = this.#memberAway();
    if (away !== undefined)
      return this.#endWaiting(batches, `${away} is away: every member must say that it holds nothing older`);
    if (!fence.isOf(this.#members())) return this.#endWaiting(batches, "the members have changed: they are asked anew");
    const round = fence.round;
    this.#askFence(fence, () => {
      if (!fence.isPassed) for (const batch of batches) this.#wait(batch.partition, batch.records, fence.why);
      const isMoving = fence.round > round || fence.isPassed;
      const nextMs = isMoving ? FENCE_PAUSE_MIN_MS : Math.min(pauseMs * 2, FENCE_PAUSE_MAX_MS);
      this.#later(isMoving ? 0 : pauseMs, () => this.#prove(batches, fence, nextMs));
    });
  }

  #askFence(fence: Fence, done: () => void): void {
    const { node } = this;
    let waiting = fence.waitingFor.length;
    for (const name of fence.waitingFor) {
      const message = { kind: "fence", ...fence.markOf(name) } as const;
      const self = (answer: Parameters<ReapDoor["handle"]>[1]): void => this.door.handle(message, answer);
      const deadlineAtMs = node.clock.monotonicMs() + limits.reapStepMs;
      gather(node, [name], message, deadlineAtMs, self, (replies) => {
        const reply = replies.get(name);
        fence.take(name, reply?.kind === "fence-said" ? reply : undefined);
        if (--waiting === 0) done();
      });
    }
  }

  #members(): ReadonlyMap<string, number> {
    return new Map(this.node.membership.roster.members().map(({ name, instance }) => [name, instance]));
  }

  #memberAway(): string | undefined {
    const { node } = this;
    if (node.plants.has("reaped-early")) return undefined;
    return node.membership.roster.members().find(({ name }) => name !== node.self && !node.seemsAlive(name))?.name;
  }

  // ── The end of a round ──

  #wait(partition: number, records: readonly DeadRecord[], why: string): void {
    for (const record of records) this.#report.waits(partition, record, why);
  }

  #endWaiting(batches: readonly ReapBatch[], why: string): void {
    for (const { partition, records } of batches) this.#wait(partition, records, why);
    this.#end();
  }

  #end(): void {
    this.#later(this.#more ? AGAIN_MS : this.node.settings.reapIntervalMs, () => this.#begin());
  }

  #later(delayMs: number, run: () => void): void {
    if (!this.#stopped) this.#cancel = this.node.clock.after(delayMs, run);
  }
}

/** After a partition that ends a stretch of them others get their turn. */
function isPause(behind: number): boolean {
  return behind % LOOKS_AT_ONCE === LOOKS_AT_ONCE - 1;
}

function allGone(records: readonly DeadRecord[]): readonly ReapWord[] {
  return records.map(() => "gone");
}

function tooEarly(leftMs: number): string {
  const seconds = Math.ceil(leftMs / 1_000);
  return `it may go in ${seconds} s at the earliest: until then clients may retry a write of it, or clocks may differ`;
}
