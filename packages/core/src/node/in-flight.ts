/** How much a node works on at once for its clients: what is beyond the bound is shed early (Dynamo §6.5 on admission; DESIGN §5). */
import { fail } from "../base/failure.js";
import type { Reply } from "./api.js";

const RETRY_AFTER_MS = 1_000;

export class InFlight {
  #count = 0;

  constructor(readonly max: number) {}

  get count(): number {
    return this.#count;
  }

  /** Counts a request in, or sheds it: then it has its answer. The returned reply counts it out again. */
  enter<T>(reply: Reply<T>): Reply<T> | undefined {
    if (this.#count >= this.max) {
      const detail = `this node works on ${this.#count} requests already; try again shortly, or ask another node`;
      reply(fail("overloaded", detail, "none", { retryAfterMs: RETRY_AFTER_MS }));
      return undefined;
    }
    this.#count++;
    return (outcome) => {
      this.#count--;
      reply(outcome);
    };
  }
}
