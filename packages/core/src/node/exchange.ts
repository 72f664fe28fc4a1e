/**
 * One exchange with another owner, from the side that begins it (Dynamo §4.7): one sum over all that both own, then down to the keys that differ, a
 * second look at those after a pause (TRAPS 25), and their mending. The way down is merkle/descent.ts.
 */
import { limits } from "../base/limits.js";
import { Descent, differencesOf, LISTED_KEYS_MAX } from "../merkle/descent.js";
import type { Difference, DifferingLeaf } from "../merkle/descent.js";
import { PartitionSet } from "../merkle/partition-set.js";
import { partitionsUnder, ROOT } from "../merkle/prefix.js";
import { HASH_MAX } from "../ports/storage.js";
import type { Tide } from "../replication/tides.js";
import type { Compared } from "../wire/exchange-messages.js";
import type { Message } from "../wire/messages.js";
import { askWithin } from "./asking.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";
import { digestsOf, keysUnder } from "./index-reader.js";
import { Mending } from "./mending.js";
import { sharedWith } from "./shared-partitions.js";

/** `same`: nothing differed, or nothing that was not only under way. `busy`: the other is in another exchange; try again soon. */
export interface ExchangeResult {
  readonly outcome: "same" | "mended" | "busy" | "failed";
  /** Keys that differed both times. */
  readonly differing: number;
  /** Those among them whose state changed here. */
  readonly repairedHere: number;
  readonly why: string;
}

export interface ExchangeOptions {
  readonly node: NodeContext;
  readonly peer: string;
  /** A message is about to leave: its bytes are counted. */
  readonly onSend: (message: Message) => void;
  readonly onRepaired: () => void;
  readonly done: (result: ExchangeResult) => void;
}

/** Rings differ for moments only. */
const SET_TRIES_MAX = 2;

export class Exchange {
  readonly #options: ExchangeOptions;
  #partitions: PartitionSet;
  #descent: Descent | undefined;
  #cancel: () => void = () => {};
  #tries = 0;
  #differing = 0;
  #repairedHere = 0;
  #ended = false;
  /** From the first state that it reads on, it may bring that state to somebody. */
  #tide: Tide | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#partitions = sharedWith(options.node, options.peer);
  }

  get peer(): string {
    return this.#options.peer;
  }

  /** The other has not said yet that anything differs. */
  get isComparing(): boolean {
    return this.#descent === undefined;
  }

  start(): void {
    this.#compare(undefined);
  }

  /** Ends it without a word: the node stops. */
  stop(): void {
    this.#leave();
    this.#ended = true;
    this.#cancel();
  }

  #compare(set: Uint8Array | undefined): void {
    const { node } = this.#options;
    const partitions = this.#partitions;
    if (partitions.isEmpty) return this.#end("same");
    const sum = node.forest.sum(partitions, ROOT);
    const setHash = node.primitives.hash64(partitions.bytes);
    this.#ask({ kind: "compare", set, setHash, sum }, (reply) => {
      if (reply.kind === "compared") this.#compared(reply);
      else this.#end("failed", "no answer");
    });
  }

  #compared({ verdict, set }: Compared): void {
    const { node } = this.#options;
    switch (verdict) {
      case "same":
        return this.#end("same");
      case "busy":
        return this.#end("busy");
      case "other-set": {
        const theirs = PartitionSet.from(node.identity.partitions, set);
        if (theirs === undefined || ++this.#tries > SET_TRIES_MAX) {
          return this.#end("failed", "no agreement on what both own");
        }
        this.#partitions = this.#partitions.and(theirs);
        return this.#compare(this.#partitions.bytes);
      }
      case "differs":
        this.#descent = new Descent(node.forest, this.#partitions);
        return this.#descend([]);
    }
  }

  /** On with the way down until enough was found to be mended, or to its end. */
  #descend(found: readonly Difference[]): void {
    const { node } = this.#options;
    const questions = found.length >= limits.exchangeKeysAtOnce ? [] : (this.#descent?.next() ?? []);
    if (questions.length > 0) {
      const bytes = questions.length * limits.exchangeNodeBytes;
      node.budget.spend("repair", bytes, () => {
        this.#ask({ kind: "branch", nodes: questions }, (reply) => {
          const leaves = reply.kind === "branched" ? this.#descent?.answer(reply.nodes) : undefined;
          if (leaves === undefined) return this.#end("failed", "the other side gave up");
          this.#list(leaves, found);
        });
      });
    } else if (found.length > 0) {
      this.#confirm(found);
    } else if (this.#descent?.isIncomplete === true) {
      this.#end("failed", "a tree came into question on the way");
    } else {
      this.#end(this.#differing > 0 ? "mended" : "same");
    }
  }

  /** This side's keys below the leaves that differ. */
  #list(leaves: readonly DifferingLeaf[], found: readonly Difference[]): void {
    const { node } = this.#options;
    const all = [...found];
    let waiting = 1;
    const one = (): void => {
      if (--waiting === 0) this.#descend(all);
    };
    for (const { prefix, theirs } of leaves) {
      waiting++;
      keysUnder(node, prefix, (mine) => {
        const { from } = partitionsUnder(prefix, node.forest.partitionBits);
        const differences = this.#partitions.has(from) ? differencesOf(...comparable(mine, theirs)) : [];
        // Two sums that differ over the same keys: a write was under way, or a tree is not what its store holds.
        if (differences.length === 0) node.trees.check(from);
        all.push(...differences);
        one();
      });
    }
    one();
  }

  /** Writes fly while trees are compared: what differed must differ still after a pause, on both sides (TRAPS 25). */
  #confirm(found: readonly Difference[]): void {
    const { node } = this.#options;
    this.#cancel = node.clock.after(limits.exchangePauseMs, () => {
      const hashes = found.map(({ hash }) => hash);
      this.#ask({ kind: "recheck", hashes }, (reply) => {
        if (reply.kind !== "rechecked" || reply.digests.length !== hashes.length) {
          return this.#end("failed", "no answer to the second look");
        }
        digestsOf(node, hashes, (digests) => {
          const differences = hashes
            .map((hash, i) => ({ hash, mine: digests[i] as bigint, theirs: reply.digests[i] as bigint }))
            .filter(({ mine, theirs }) => mine !== theirs);
          this.#mend(differences);
        });
      });
    });
  }

  #mend(differences: readonly Difference[]): void {
    const { node, onRepaired } = this.#options;
    this.#differing += differences.length;
    this.#tide ??= node.tides.enter();
    const mending = new Mending(differences, {
      node,
      ask: (message, done) => this.#ask(message, done),
      onRepaired: () => {
        this.#repairedHere++;
        onRepaired();
      },
      done: (failure) => {
        if (failure === undefined) this.#descend([]);
        else this.#end("failed", failure);
      },
    });
    mending.next();
  }

  #ask(message: Message, done: (reply: Message | NoReply) => void): void {
    const { node, peer, onSend } = this.#options;
    if (this.#ended) return;
    onSend(message);
    this.#cancel = askWithin(node, peer, message, limits.exchangeSilenceMs, (reply) => {
      if (!this.#ended) done(reply);
    });
  }

  #end(outcome: ExchangeResult["outcome"], why = ""): void {
    const { node, peer, onSend, done } = this.#options;
    if (this.#ended) return;
    this.#ended = true;
    this.#leave();
    if (this.#descent !== undefined) {
      // The other need not wait for its patience to end.
      const farewell = { kind: "branch", nodes: [] } as const;
      onSend(farewell);
      node.tell(peer, farewell);
    }
    done({ outcome, differing: this.#differing, repairedHere: this.#repairedHere, why });
  }

  #leave(): void {
    if (this.#tide !== undefined) this.#options.node.tides.leave(this.#tide);
    this.#tide = undefined;
  }
}

/** Two lists of one place; of one that was cut off for its length, only what both reach. */
function comparable<T extends { readonly hash: bigint }>(mine: readonly T[], theirs: readonly T[]): [T[], T[]] {
  const end = [mine, theirs]
    .filter((list) => list.length >= LISTED_KEYS_MAX)
    .map((list) => (list.at(-1) as T).hash)
    .reduce((least, hash) => (hash < least ? hash : least), HASH_MAX);
  return [mine.filter(({ hash }) => hash <= end), theirs.filter(({ hash }) => hash <= end)];
}
