/** What was violated in a run. One bug breaks much: the first few of each kind tell the story. */
import type { Violation } from "./result.js";

const EACH_MAX = 3;

export class Violations {
  readonly list: Violation[] = [];
  readonly #counts = new Map<string, number>();

  report(invariant: string, what: string): void {
    const count = (this.#counts.get(invariant) ?? 0) + 1;
    this.#counts.set(invariant, count);
    if (count <= EACH_MAX) this.list.push({ invariant, what });
  }
}
