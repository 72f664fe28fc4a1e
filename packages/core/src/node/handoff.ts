/**
 * Hands hints over (Dynamo §4.6): to the member that each is meant for, once it seems up again; and when that one is no owner any more, or a
 * hint has waited for longer than its lifetime, to any of today's owners (DESIGN §5). Only an owner's word that the state is on its disk ends a
 * hint, and with the last hint of a key a copy that is nobody's goes too.
 */
import type { KeyId } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import { Backoff } from "../replication/backoff.js";
import type { HintTarget } from "../replication/hint.js";
import type { QueuedHint } from "../replication/hint-queue.js";
import type { LocalRecord } from "../replication/record.js";
import type { Message } from "../wire/messages.js";
import type { NodeStats } from "./api.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";
import type { Hints } from "./hints.js";
import { recordOf, type Decided, type Held } from "./replica.js";

/** How often a stop looks whether what is under way has ended. */
const LOOK_MS = 5;

const LOOKED_AT_ONCE = 1_000;

/** One walk through what is kept for a target. */
interface Walk {
  readonly target: HintTarget;
  readonly rest: Iterator<QueuedHint>;
  underWay: number;
  /** A delivery failed: the rest waits for the next walk. */
  broken: boolean;
}

export class Handoff {
  /** Hints that an owner confirmed. */
  replayed = 0;
  /** Hints whose state was lost here, by damage: there is nothing left to hand over. */
  lost = 0;
  /** Nobody is waited for: this node is leaving, and any owner will do. */
  isUrgent = false;
  readonly #walks = new Map<number, Walk>();
  readonly #backoff: Backoff;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(
    readonly node: NodeContext,
    readonly hints: Hints,
  ) {
    this.#backoff = new Backoff(node.settings.handoffIntervalMs);
  }

  stats(): Pick<
    NodeStats,
    "hintsPending" | "hintBytes" | "oldestHintAgeMs" | "hintsReplayed" | "hintsRefused" | "hintsLost"
  > {
    const { count, bytes, oldestSinceMs } = this.hints.queue;
    return {
      hintsPending: count,
      hintBytes: bytes,
      oldestHintAgeMs: oldestSinceMs === undefined ? 0 : Math.max(0, this.node.clock.wallMs() - oldestSinceMs),
      hintsReplayed: this.replayed,
      hintsRefused: this.hints.refused,
      hintsLost: this.lost,
    };
  }

  /**
   * With hints switched off too: those on disk from before are owed all the same, and so is what a coordinator kept that owned the key no more
   * when it came to write.
   */
  begin(): void {
    this.#round();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** A last try at all that can be had now, before the process ends; `done` comes when nothing is under way, or when the time is up. */
  finish(withinMs: number, done: () => void): void {
    const { clock } = this.node;
    const until = clock.monotonicMs() + withinMs;
    const look = (): void => {
      if (this.#walks.size === 0 || clock.monotonicMs() >= until) return done();
      clock.after(LOOK_MS, look);
    };
    if (!this.#stopped) this.#walkAll();
    look();
  }

  #round(): void {
    if (this.#stopped) return;
    this.#walkAll();
    this.#cancel = this.node.clock.after(this.node.settings.handoffIntervalMs, () => this.#round());
  }

  #walkAll(): void {
    const now = this.node.clock.monotonicMs();
    for (const target of this.hints.queue.targets) {
      if (this.#walks.has(target.instance) || !this.#backoff.isDue(target.instance, now)) continue;
      const rest = this.hints.queue.for(target.instance)[Symbol.iterator]();
      const walk: Walk = { target, rest, underWay: 0, broken: false };
      this.#walks.set(target.instance, walk);
      this.#advance(walk);
    }
  }

  /** Keeps a few deliveries under way until the walk is through or broken. */
  #advance(walk: Walk): void {
    for (let looked = 1; !walk.broken && !this.#stopped && walk.underWay < limits.handoffsAtOnce; looked++) {
      const next = walk.rest.next();
      if (next.done === true) break;
      this.#begin(walk, next.value);
      if (looked % LOOKED_AT_ONCE === 0) return this.#pause(walk);
    }
    if (walk.underWay > 0) return;
    this.#walks.delete(walk.target.instance);
    this.#backoff.ended(walk.target.instance, !walk.broken, this.node.clock.monotonicMs());
  }

  /** Nobody may be there for a million hints in a row: others get their turn in between. */
  #pause(walk: Walk): void {
    walk.underWay++;
    this.node.clock.after(1, () => {
      walk.underWay--;
      this.#advance(walk);
    });
  }

  #begin(walk: Walk, hint: QueuedHint): void {
    const key = this.node.keyOfId(hint.id);
    const to =
      this.node.plants.has("hint-dropped-for-age") && this.#isOld(hint) ? this.node.self : this.#destination(hint);
    if (to === undefined) return;
    walk.underWay++;
    const end = (ok: boolean): void => {
      walk.underWay--;
      if (!ok) walk.broken = true;
      this.#advance(walk);
    };
    this.node.budget.spend("hints", hint.bytes, () => {
      if (!this.hints.queue.stands(hint)) return end(true);
      this.node.replica.load(key, (held) => this.#deliver(key, hint, held, to, end));
    });
  }

  /** Whom to give it to now; undefined while there is nobody who would take it. This node itself where its own word is an owner's. */
  #destination(hint: QueuedHint): string | undefined {
    const { target, partition } = hint;
    const { node } = this;
    const { all, reads, phase } = node.placement(partition);
    // While a partition changes hands, what one owner takes need not reach those that come after it: a hint waits until it is at rest.
    if (phase !== 3) return undefined;
    const isOld = this.#isOld(hint) || this.isUrgent;
    // By its instance: the name of a hint that was damaged is not known.
    const name = node.membership.roster.nameOf(target.instance);
    if (name !== undefined && all.includes(name) && !isOld) return node.seemsAlive(name) ? name : undefined;
    const alive = reads.filter((owner) => (owner === node.self ? !this.isUrgent : node.seemsAlive(owner)));
    // The new instance under that name lacks it most, and the target itself where it is back after all.
    const itself = alive.find((owner) => owner === (name ?? target.name));
    return itself ?? (this.hints.mayBeCounted(hint) ? undefined : alive[0]);
  }

  /** It has waited for its target for as long as it may. */
  #isOld({ sinceMs }: QueuedHint): boolean {
    return this.node.clock.wallMs() - sinceMs > this.node.settings.hintTtlMs;
  }

  #deliver(key: KeyId, hint: QueuedHint, held: Held, to: string, end: (ok: boolean) => void): void {
    const record = recordOf(held);
    if (record === undefined) return this.#nothingLeft(key, hint, end);
    // It has been an owner's all along, and for whom it was kept is none any more, or was waited for long enough.
    if (to === this.node.self) return this.#fulfilled(key, hint, record, end);
    const { epoch, phase } = this.node.placement(key.partition);
    const message: Message = { kind: "store", id: hint.id, body: record.body, whole: false, epoch, phase };
    this.#ask(to, message, (reply) => {
      // An owner's word counts for owners to come as long as the hand-over to them has not begun here: it begins with all members.
      const isAtRest = this.node.placement(key.partition).epoch === epoch;
      const isKept = reply.kind === "stored" && reply.status === "durable" && isAtRest;
      if (isKept || this.node.plants.has("hint-dropped-early")) this.#fulfilled(key, hint, record, end);
      else end(false);
    });
  }

  #ask(to: string, message: Message, done: (reply: Message | NoReply) => void): void {
    const { node } = this;
    let requestId = 0;
    const deadline = node.deadlines.at(node.clock.monotonicMs() + limits.handoffTimeoutMs, () => {
      node.abandon(requestId);
      done({ kind: "lost" });
    });
    requestId = node.ask(to, message, limits.handoffTimeoutMs, (reply) => {
      deadline.cancel();
      done(reply);
    });
  }

  /** An owner has `delivered` on its disk. What came here meanwhile is not covered by that word: such a hint stands. */
  #fulfilled(key: KeyId, hint: QueuedHint, delivered: LocalRecord, end: (ok: boolean) => void): void {
    const { queue } = this.hints;
    /** As it is, for the next walk. */
    const leave = (): undefined => {
      end(true);
      return undefined;
    };
    const decide = (held: Held): Decided => {
      const record = recordOf(held);
      const meta = [{ name: hint.name, value: undefined }];
      if (!queue.stands(hint) || record === undefined) return leave();
      const isOwner = !hint.isGuest || this.node.ownsPartition(key.partition);
      const isNeeded = isOwner || queue.isKeptForOthers(key.hash, hint);
      // Nobody's copy, but something came that no hint speaks of: it is handed over too, before it goes.
      if (!isNeeded && record.digest !== delivered.digest) return leave();
      queue.drop(hint);
      return isNeeded ? { ...record, meta } : { remove: true, meta };
    };
    this.node.replica.modify(key, decide, (status) => {
      if (status === "durable") {
        this.replayed++;
        queue.over(hint);
      } else queue.putBack(hint);
      end(status === "durable");
    });
  }

  /** The state is gone or cannot be read. An owner is healed by the others, and hands over what it then has; anybody else has lost a copy. */
  #nothingLeft(key: KeyId, hint: QueuedHint, end: (ok: boolean) => void): void {
    const decide = (held: Held): Decided => {
      const mayBeHealed = held.kind === "unknown" && this.node.ownsPartition(key.partition);
      if (recordOf(held) !== undefined || mayBeHealed || !this.hints.queue.stands(hint)) {
        end(true);
        return undefined;
      }
      if (held.kind === "unknown") {
        this.lost++;
        this.node.log("error", "a state that was kept for another member is damaged and lost", { target: hint.target });
      }
      this.hints.queue.drop(hint);
      return { remove: true, meta: [{ name: hint.name, value: undefined }] };
    };
    this.node.replica.modify(key, decide, (status) => {
      if (status === "durable") this.hints.queue.over(hint);
      else this.hints.queue.putBack(hint);
      end(status === "durable");
    });
  }
}
