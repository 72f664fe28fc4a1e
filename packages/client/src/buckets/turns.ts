/** One after another under each name: two updates of a key by one process would only conflict with each other. */

export class Turns {
  /** The last of each queue. */
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `work` when all that came before it under this name has ended, however it ended. */
  take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name);
    const mine = before === undefined ? work() : before.then(work);
    const tail = mine.then(nothing, nothing);
    this.#tails.set(name, tail);
    void tail.then(() => {
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    });
    return mine;
  }

  /** Names that somebody has or waits for. */
  get size(): number {
    return this.#tails.size;
  }
}

/** Ends the wait with the signal's reason, while `work` goes on; what becomes of it then is nobody's concern. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    const over =
      <A>(settle: (argument: A) => void) =>
      (argument: A): void => {
        signal.removeEventListener("abort", abort);
        settle(argument);
      };
    work.then(over(resolve), over(reject));
  });
}

function nothing(): void {}
