/** What a write had seen when it was made: the transitive closure of the reads and writes that its context came from. */
import type { History, Operation } from "../history.js";

export class Past {
  readonly #known = new Map<Operation, ReadonlySet<Operation>>();

  constructor(readonly history: History) {}

  has(operation: Operation, earlier: Operation): boolean {
    return this.#of(operation).has(earlier);
  }

  /** `operation` is `earlier`, or had seen it. */
  covers(operation: Operation, earlier: Operation): boolean {
    return operation === earlier || this.has(operation, earlier);
  }

  /** A context is older than the write it goes into, so this ends. */
  #of(operation: Operation): ReadonlySet<Operation> {
    const known = this.#known.get(operation);
    if (known !== undefined) return known;
    const past = new Set<Operation>();
    this.#known.set(operation, past);
    for (const tag of operation.sawTags) {
      const seen = this.history.writerOf(tag);
      if (seen === undefined || seen === operation) continue;
      past.add(seen);
      for (const earlier of this.#of(seen)) past.add(earlier);
    }
    return past;
  }
}
