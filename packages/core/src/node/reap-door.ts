/** What an owner answers when another one asks about dead records, and what any member says of its own past (replication/reaping.ts, fence.ts). */
import type { ReapStep, ReapWord } from "../base/reap-words.js";
import type { LocalRecord } from "../replication/record.js";
import { reapableFromMs } from "../versions/reapable.js";
import type { Message } from "../wire/messages.js";
import type { Reap, ReapRequest } from "../wire/reap-messages.js";
import type { NodeContext } from "./context.js";
import type { Decided, Held } from "./replica.js";

type Answer = (message: Message) => void;

/** A record as one step names it. */
export interface NamedRecord {
  readonly id: Uint8Array;
  readonly digest: bigint;
}

export class ReapDoor {
  /** Records that went from this replica, each by proof. */
  removed = 0;

  constructor(
    readonly node: NodeContext,
    /** Partitions of others of which something may lie here that nobody has cleared away yet. */
    readonly partitionsToSweep: () => number,
  ) {}

  handle(request: ReapRequest, answer: Answer): void {
    if (request.kind === "fence") return answer(this.#fenceSaid(request));
    if (!this.#isAtRest(request)) return answer({ kind: "reaped", words: [] });
    this.words(request.step, request.records, (words) => answer({ kind: "reaped", words }));
  }

  /** A word for each record, in their order, when all that they speak of is on disk. */
  words(step: ReapStep, records: readonly NamedRecord[], done: (words: readonly ReapWord[]) => void): void {
    const words: ReapWord[] = records.map(() => "unsure");
    let waiting = records.length;
    // What was read may be on its way to the disk: the empty batch comes behind it.
    const finish = (): void =>
      this.node.storage.apply({}, (error) => done(error === undefined ? words : words.map(() => "unsure")));
    if (waiting === 0) return finish();
    for (const [at, record] of records.entries()) {
      this.#word(step, record, (word) => {
        words[at] = word;
        if (--waiting === 0) finish();
      });
    }
  }

  #word(step: ReapStep, { id, digest }: NamedRecord, done: (word: ReapWord) => void): void {
    const { replica } = this.node;
    const key = this.node.keyOfId(id);
    if (step === "ask") return replica.look(key, (held) => done(this.#judge(held, digest).word));
    const decide = (held: Held): Decided => {
      const { word, record } = this.#judge(held, digest);
      if (step === "mark" && word === "same" && record !== undefined) return { ...record, reaped: true };
      if (step === "remove" && word === "marked") return { remove: true };
      done(step === "remove" && word === "same" ? "differs" : word);
      return undefined;
    };
    replica.modify(key, decide, (status) => {
      if (status !== "durable") return done("unsure");
      if (step === "remove") this.removed++;
      done(step === "remove" ? "gone" : "marked");
    });
  }

  #judge(held: Held, digest: bigint): { readonly word: ReapWord; readonly record?: LocalRecord } {
    if (held.kind === "absent") return { word: "gone" };
    if (held.kind === "unknown") return { word: "unsure" };
    const { record } = held;
    if (record.digest !== digest) return { word: "differs" };
    if (record.reaped === true) return { word: "marked", record };
    const { states, clock } = this.node;
    const isDue = reapableFromMs(states.decode(record.body)) <= clock.wallMs();
    return isDue ? { word: "same", record } : { word: "unsure" };
  }

  /** The asker and this node must agree on who the owners are, and that none is coming or going. */
  #isAtRest({ partition, epoch }: Reap): boolean {
    if (partition >= this.node.identity.partitions) return false;
    const placement = this.node.placement(partition);
    return placement.phase === 3 && placement.epoch === epoch && placement.all.includes(this.node.self);
  }

  #fenceSaid({ boot, tide }: { readonly boot: number; readonly tide: number }): Message {
    const { tides, actors, clock } = this.node;
    const own = actors.boot;
    if (boot !== own) {
      return { kind: "fence-said", boot: own, tide: tides.turn(), isOut: false, waitsFor: "was only asked just now" };
    }
    const sweeps = this.partitionsToSweep() > 0 ? "has copies of partitions that it owns no more" : "";
    const waitsFor = tideWords[tides.stateOf(tide, clock.monotonicMs())] || sweeps;
    return { kind: "fence-said", boot, tide, isOut: waitsFor === "", waitsFor };
  }
}

const tideWords = {
  out: "",
  open: "has hints, requests or repairs of before under way",
  "given-up": "gave up messages that may still arrive",
} as const;
