/**
 * How a member that was asked to leave ends (Dynamo §4.9; CONTRACT §2, `leave`): once it owns nothing, keeps nothing for others and all members know it,
 * it writes its own removal into the log, sees that the others have heard of it, and is gone. One whose process ended in between, before anybody
 * heard, says it at its next start: else the others would wait for it for ever.
 */
import { NO_STAMP, stampAfter } from "../base/hlc.js";
import type { Handover } from "./handover.js";
import type { Handoff } from "./handoff.js";
import type { NodeContext } from "./context.js";

const LOOK_MS = 100;
/** How long all others may take to hear of the removal. After that one of them is enough: it tells those that come back. */
const FAREWELL_MS = 5_000;

export interface DepartureOptions {
  readonly node: NodeContext;
  readonly handover: Handover;
  readonly handoff: Handoff;
  /** Everything is done: the process may end. */
  readonly onDeparted: () => void;
  /** The folder is of a member that had left before this start, and the others know. */
  readonly onLeftBefore: () => void;
}

export class Departure {
  readonly #options: DepartureOptions;
  #cancel: (() => void) | undefined;
  #state: "staying" | "leaving" | "removed" | "gone" = "staying";
  /** The removal is in the log here. */
  #isWritten = false;
  #goneAtMs = Infinity;
  /** The removal was written before this start. */
  #isResumed = false;
  /** Somebody refused this node for having left. */
  #wasRefused = false;
  #stopped = false;

  constructor(options: DepartureOptions) {
    this.#options = options;
  }

  /** It has removed itself: no refusal is news to it. */
  get isRemoved(): boolean {
    return this.#state === "removed" || this.#state === "gone";
  }

  /** To be told whenever the log is another. */
  ringChanged(): void {
    const { node, handoff } = this.#options;
    const isLeaving = node.membership.roster.members().some(({ name, leaving }) => name === node.self && leaving);
    if (!isLeaving || this.#state !== "staying") return;
    node.log("info", "leaving: what this member holds is moved to the others first");
    this.#state = "leaving";
    // Whom a hint is meant for is not waited for: any owner of today takes it.
    handoff.isUrgent = true;
    this.#look();
  }

  /** At a start whose log says that this member removed itself: whoever can be reached is told, once more if need be. */
  resume(): void {
    const { node, handoff } = this.#options;
    this.#state = "removed";
    this.#isWritten = true;
    this.#isResumed = true;
    this.#goneAtMs = node.clock.monotonicMs();
    handoff.hints.isClosed = true;
    this.#look();
  }

  /** A member has refused this node for having left: so it knows. */
  refused(): void {
    this.#wasRefused = true;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #look(): void {
    if (this.#stopped) return;
    if (this.#state === "leaving" && this.#isEmpty()) this.#remove();
    if (this.#state === "removed" && this.#isWritten && this.#isKnown()) return this.#depart();
    this.#cancel = this.#options.node.clock.after(LOOK_MS, () => this.#look());
  }

  #isEmpty(): boolean {
    const { node, handover, handoff } = this.#options;
    return handover.isEmpty && node.membership.settled() && handoff.stats().hintsPending === 0;
  }

  #remove(): void {
    const { node, handoff } = this.#options;
    const { hints } = handoff;
    const last = node.ring.events.at(-1)?.stamp ?? NO_STAMP;
    // Its own end follows what it knows, and nobody else's word competes with it: a clock that is off need not keep it here.
    const stamp = node.stamp(last) ?? stampAfter(last);
    const { instance } = node.identity;
    // At once: the ring that comes back says that this node is no member, and that is as it should be.
    this.#state = "removed";
    this.#goneAtMs = node.clock.monotonicMs() + FAREWELL_MS;
    hints.isClosed = true;
    const event = { kind: "removed", stamp, by: instance, name: node.self, instance } as const;
    node.membership.roster.record(event, (kept) => {
      if (kept) {
        this.#isWritten = true;
        return;
      }
      this.#state = "leaving";
      hints.isClosed = false;
    });
  }

  #isKnown(): boolean {
    const { membership, clock } = this.#options.node;
    membership.spread();
    const isLate = clock.monotonicMs() >= this.#goneAtMs;
    return isLate ? this.#wasRefused || membership.someKnowRing() : membership.allKnowRing();
  }

  #depart(): void {
    this.#state = "gone";
    if (this.#isResumed) return this.#options.onLeftBefore();
    this.#options.node.log("info", "left the cluster");
    this.#options.onDeparted();
  }
}
