/**
 * One request to a replica, made by the placement that this node goes by. A replica that goes by another record than an adjacent one says so with its
 * own (DESIGN §3): this node then learns the newer one, or teaches it and asks again. So nobody's request fails because the ring changes.
 */
import type { KeyId } from "../base/key-id.js";
import { compareRecords } from "../ring/owners-record.js";
import type { Message, MessageOf } from "../wire/messages.js";
import type { ByRecord } from "../wire/ring-messages.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";
import { decodeRecords, encodeRecords } from "./hearing.js";
import { placedBy } from "./placement.js";

/** The replica goes by a newer record than this node did, and now this node goes by it too: whom to ask may be another question now. */
export interface Moved {
  readonly kind: "moved";
}

/** A replica that was taught as often and still will not serve is as one that does not answer. */
const LESSONS_MAX = 5;

export class OwnerCall {
  #requestId = 0;
  #ended = false;
  #lessons = 0;

  constructor(
    readonly node: NodeContext,
    readonly owner: string,
    readonly key: KeyId,
    readonly message: (by: ByRecord) => Message,
    readonly deadlineAtMs: number,
    readonly done: (reply: Message | NoReply | Moved) => void,
  ) {}

  start(): void {
    this.#ask(this.message(placedBy(this.node, this.key.partition)), (reply) => {
      if (reply.kind === "fenced") this.#fenced(reply);
      else this.#end(reply);
    });
  }

  /** `done` is not called any more. */
  cancel(): void {
    this.#ended = true;
    this.node.abandon(this.#requestId);
  }

  #fenced(reply: MessageOf<"fenced">): void {
    const { partition } = this.key;
    const theirs = decodeRecords(this.node, reply.records).find((each) => each.partition === partition)?.record;
    const mine = this.node.owners.record(partition);
    if (theirs === undefined) return this.#end({ kind: "lost" });
    if (compareRecords(theirs, mine) > 0) {
      this.node.hearing.fenced(reply, () => this.#end({ kind: "moved" }));
      return;
    }
    // It goes by the same record, and this node learned it after having asked.
    if (compareRecords(theirs, mine) === 0) return this.#end({ kind: "moved" });
    if (++this.#lessons > LESSONS_MAX) return this.#end({ kind: "lost" });
    const records = encodeRecords(this.node, [{ partition, record: mine }]);
    this.#ask({ kind: "owners", ring: this.node.ring.version, records, begin: [] }, (answer) => {
      if (answer.kind === "owners-seen") this.start();
      else this.#end(answer);
    });
  }

  #ask(message: Message, done: (reply: Message | NoReply) => void): void {
    if (this.#ended) return;
    const leftMs = this.deadlineAtMs - this.node.clock.monotonicMs();
    if (leftMs <= 0) return this.#end({ kind: "lost" });
    this.#requestId = this.node.ask(this.owner, message, leftMs, (reply) => {
      if (!this.#ended) done(reply);
    });
  }

  #end(reply: Message | NoReply | Moved): void {
    if (this.#ended) return;
    this.#ended = true;
    this.done(reply);
  }
}
