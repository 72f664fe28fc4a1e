/**
 * Mends what an exchange found to differ, in batches: this side sends the states that it has and names those it wants, the other merges and answers with
 * what they became where that is more; so both merge and nobody copies (TRAPS 25). Every state was read through its checksum (TRAPS 24).
 */
import { limits } from "../base/limits.js";
import type { Difference } from "../merkle/descent.js";
import { NO_DIGEST } from "../merkle/sum.js";
import type { Message } from "../wire/messages.js";
import type { Mended, NamedState } from "../wire/exchange-messages.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";
import { statesAt } from "./index-reader.js";
import { keepStates } from "./state-keeper.js";

export interface MendingOptions {
  readonly node: NodeContext;
  readonly ask: (message: Message, done: (reply: Message | NoReply) => void) => void;
  /** A key's state here became another one. */
  readonly onRepaired: () => void;
  /** Undefined when all is mended that can be; else why it went no further. */
  readonly done: (failure: string | undefined) => void;
}

export class Mending {
  readonly #options: MendingOptions;
  readonly #left: Difference[];

  constructor(differences: readonly Difference[], options: MendingOptions) {
    this.#left = [...differences];
    this.#options = options;
  }

  /** The next batch, and so on to the end. */
  next(): void {
    const { node, done } = this.#options;
    const batch = this.#left.splice(0, limits.mendKeysAtOnce);
    if (batch.length === 0) return done(undefined);
    const mine = batch.filter((difference) => difference.mine !== NO_DIGEST).map(({ hash }) => hash);
    statesAt(node, mine, limits.mendBytesAtOnce, (states) => {
      const sent = new Set(states.map(({ id }) => node.keyOfId(id).hash));
      // What did not fit goes with the next batch; what can't be read here any more is wanted like what never was here.
      const unread = batch.filter((difference) => difference.mine !== NO_DIGEST && !sent.has(difference.hash));
      const isFull = bytesOf(states) >= limits.mendBytesAtOnce;
      if (isFull) this.#left.push(...unread);
      const wanted = batch
        .filter(
          ({ hash, mine: digest, theirs }) =>
            theirs !== NO_DIGEST && !sent.has(hash) && (!isFull || digest === NO_DIGEST),
        )
        .map(({ hash }) => hash);
      this.#send(states, wanted);
    });
  }

  #send(states: readonly NamedState[], wanted: readonly bigint[]): void {
    const { node, ask, done } = this.#options;
    if (states.length === 0 && wanted.length === 0) return this.next();
    const message = { kind: "mend", states, wanted } as const;
    node.budget.spend("repair", bytesOf(states), () => {
      ask(message, (reply) => {
        if (reply.kind === "mended") this.#take(reply, states.length, wanted);
        else done(`no answer to ${states.length} states`);
      });
    });
  }

  #take(reply: Mended, given: number, wanted: readonly bigint[]): void {
    const { node, onRepaired, done } = this.#options;
    keepStates(node, reply.states, (outcomes) => {
      for (const { changed } of outcomes) if (changed) onRepaired();
      if (outcomes.some(({ status }) => status !== "durable")) return done("this store took not all that came");
      if (reply.kept < given) return done("the other side's store took not all that was sent");
      const came = new Set(reply.states.map(({ id }) => node.keyOfId(id).hash));
      const left = reply.complete || came.size === 0 ? [] : wanted.filter((hash) => !came.has(hash));
      this.#left.push(...left.map((hash) => ({ hash, mine: NO_DIGEST, theirs: 1n })));
      this.next();
    });
  }
}

function bytesOf(states: readonly NamedState[]): number {
  return states.reduce((sum, { id, body }) => sum + id.length + body.length, 0);
}
