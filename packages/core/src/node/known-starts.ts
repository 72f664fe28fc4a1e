/**
 * What this member has heard of the starts of the others' folders, and so which of them contradict each other: two starts that are counted alike
 * and drew different bits are of two copies of one folder (decision 25).
 */
import type { StartMark, StartWord } from "../wire/reap-messages.js";

export class KnownStarts {
  /** Of each instance, the start that spoke last, after those before it that nobody had proven. */
  readonly #said = new Map<number, readonly StartMark[]>();
  /** Instances whose starts contradict each other: whichever of them asks, there is another. */
  readonly #disputed = new Set<number>();
  readonly #bootOf: (instance: number) => number | undefined;

  /** `bootOf`: how often the instance was started, as far as gossip knows. */
  constructor(bootOf: (instance: number) => number | undefined) {
    this.#bootOf = bootOf;
  }

  /** An instance says which start it is in. What it replaces is compared with it now: nobody keeps it. */
  heard(instance: number, starts: readonly StartMark[]): void {
    const last = this.#said.get(instance)?.at(-1);
    if (last !== undefined && contradict(last, starts)) this.#disputed.add(instance);
    this.#said.set(instance, starts);
  }

  /** `later` when another start is known that is not before the first of these; `unknown` when none at all is. */
  judge(instance: number, starts: readonly StartMark[]): StartWord {
    const known = this.#bootOf(instance);
    if (known === undefined) return "unknown";
    const last = this.#said.get(instance)?.at(-1);
    const isOther = this.#disputed.has(instance) || (last !== undefined && contradict(last, starts));
    return isOther || known > (starts.at(-1)?.boot ?? 0) ? "later" : "fine";
  }
}

/** The known start is as far as one of these, and is not that one. */
function contradict(known: StartMark, starts: readonly StartMark[]): boolean {
  return starts.some(({ boot, start }) => boot === known.boot && start !== known.start);
}
