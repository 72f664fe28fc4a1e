/**
 * What this node answers another owner that compares hash trees with it. It is in one exchange at a time, whichever side began it: two that mend the
 * same keys with a third at once would only send them twice.
 */
import { equalBytes } from "../base/bytes.js";
import { limits } from "../base/limits.js";
import { answerTo, type NodeAnswer } from "../merkle/descent.js";
import { PartitionSet } from "../merkle/partition-set.js";
import { isPrefix, ROOT } from "../merkle/prefix.js";
import type { BranchedNode, ExchangeRequest } from "../wire/exchange-messages.js";
import type { Message, MessageOf } from "../wire/messages.js";
import type { NodeContext } from "./context.js";
import { digestsOf, keysUnder, statesAt } from "./index-reader.js";
import { sharedWith } from "./shared-partitions.js";
import { keepStates } from "./state-keeper.js";

type Answer = (message: Message) => void;

export type ExchangeQuestion = Exclude<ExchangeRequest, { readonly kind: "repair" }>;

export interface ExchangeDoorOptions {
  readonly node: NodeContext;
  /** With whom this node is in an exchange that it began, and whether that still only compares. */
  readonly own: () => { readonly peer: string; readonly isComparing: boolean } | undefined;
  readonly onRepaired: () => void;
}

/** An exchange that another member began. */
interface Guest {
  readonly peer: string;
  readonly partitions: PartitionSet;
  untilMs: number;
}

const NO_SET = new Uint8Array();

export class ExchangeDoor {
  readonly #options: ExchangeDoorOptions;
  #guest: Guest | undefined;

  constructor(options: ExchangeDoorOptions) {
    this.#options = options;
  }

  /** Somebody is in an exchange with this node that he began; one that was silent for long has gone. */
  get isTaken(): boolean {
    const { node } = this.#options;
    if (this.#guest !== undefined && this.#guest.untilMs < node.clock.monotonicMs()) this.#guest = undefined;
    return this.#guest !== undefined;
  }

  handle(request: ExchangeQuestion, from: string, answer: Answer): void {
    switch (request.kind) {
      case "compare":
        return answer(this.#compare(request, from));
      case "branch":
        return this.#branch(request, from, answer);
      case "recheck":
        this.#touch(from);
        return digestsOf(this.#options.node, request.hashes, (digests) => answer({ kind: "rechecked", digests }));
      case "mend":
        this.#touch(from);
        return this.#mend(request, answer);
    }
  }

  #compare({ set, setHash, sum }: MessageOf<"compare">, from: string): Message {
    const { node } = this.#options;
    const shared = sharedWith(node, from);
    const asked = set === undefined ? undefined : PartitionSet.from(node.identity.partitions, set);
    const partitions = asked === undefined ? shared : asked.and(shared);
    if (node.primitives.hash64(partitions.bytes) !== setHash) {
      return { kind: "compared", verdict: "other-set", set: partitions.bytes };
    }
    if (node.forest.sum(partitions, ROOT) === sum) return { kind: "compared", verdict: "same", set: NO_SET };
    if (!this.#admits(from)) return { kind: "compared", verdict: "busy", set: NO_SET };
    this.#guest = { peer: from, partitions, untilMs: 0 };
    this.#touch(from);
    return { kind: "compared", verdict: "differs", set: NO_SET };
  }

  /** Of two that begin with each other in the same moment the one with the smaller name goes on. */
  #admits(from: string): boolean {
    const { node, own } = this.#options;
    const mine = own();
    if (mine !== undefined && (mine.peer !== from || !mine.isComparing || node.self < from)) return false;
    return !this.isTaken || this.#guest?.peer === from;
  }

  #touch(from: string): void {
    const { clock } = this.#options.node;
    if (this.#guest?.peer === from) this.#guest.untilMs = clock.monotonicMs() + limits.exchangeSilenceMs;
  }

  #branch({ nodes }: MessageOf<"branch">, from: string, answer: Answer): void {
    const { node } = this.#options;
    const guest = this.isTaken && this.#guest?.peer === from ? this.#guest : undefined;
    if (nodes.length === 0 && guest !== undefined) this.#guest = undefined;
    if (nodes.length === 0 || guest === undefined) return answer({ kind: "branched", nodes: [] });
    this.#touch(from);
    const given: (NodeAnswer | "list" | undefined)[] = nodes.map((asked) =>
      isPrefix(asked) ? answerTo(node.forest, guest.partitions, asked) : undefined,
    );
    if (given.includes(undefined)) return answer({ kind: "branched", nodes: [] });
    const answers: BranchedNode[] = [];
    let waiting = 1;
    const one = (): void => {
      if (--waiting === 0) answer({ kind: "branched", nodes: answers });
    };
    for (const [index, asked] of nodes.entries()) {
      const said = given[index];
      if (said !== "list") {
        answers[index] = said as NodeAnswer;
        continue;
      }
      waiting++;
      keysUnder(node, asked, (keys) => {
        answers[index] = { kind: "keys", keys };
        one();
      });
    }
    one();
  }

  #mend({ states, wanted }: MessageOf<"mend">, answer: Answer): void {
    const { node, onRepaired } = this.#options;
    keepStates(node, states, (outcomes) => {
      for (const { changed } of outcomes) if (changed) onRepaired();
      const kept = outcomes.filter(({ status }) => status === "durable");
      const more = kept
        .filter(({ given, body }) => !equalBytes(body, given.body))
        .map(({ given: { id }, body }) => ({ id, body }));
      statesAt(node, wanted, limits.mendBytesAtOnce, (found, complete) => {
        answer({ kind: "mended", kept: kept.length, states: [...more, ...found], complete });
      });
    });
  }
}
