/**
 * Work in several steps of which each waits for the disk, written as one straight text: a generator yields what it waits for and is resumed with
 * the answer. Promises would do that too, but not in the simulator's one synchronous thread of virtual time.
 */

/** Begins something and calls `resume` once, within the call or later. */
type Step = (resume: (answer: unknown) => void) => void;

export type Task<T> = Generator<Step, T, unknown>;

/** Inside a task: `const bytes = yield* wait((done) => file.read(0, 16, done))`. */
export function* wait<T>(begin: (done: (answer: T) => void) => void): Task<T> {
  return (yield begin as Step) as T;
}

/** Runs a task to its end. Answers that come within the call are taken in a loop, so that a long row of them does not fill the stack. */
export function run<T>(task: Task<T>, done: (result: T) => void): void {
  const advance = (first: unknown): void => {
    let answer = first;
    for (;;) {
      const next = task.next(answer);
      if (next.done === true) return done(next.value);
      let isWithinCall = true;
      let isAnswered = false;
      next.value((given) => {
        if (!isWithinCall) return advance(given);
        isAnswered = true;
        answer = given;
      });
      isWithinCall = false;
      if (!isAnswered) return;
    }
  };
  advance(undefined);
}

/** Tasks that must not run at the same time, one after the other. */
export class TaskQueue {
  readonly #waiting: (() => void)[] = [];
  #isBusy = false;

  run<T>(task: () => Task<T>, done: (result: T) => void): void {
    const begin = (): void => {
      this.#isBusy = true;
      run(task(), (result) => {
        this.#isBusy = false;
        done(result);
        if (!this.#isBusy) this.#waiting.shift()?.();
      });
    };
    if (this.#isBusy) this.#waiting.push(begin);
    else begin();
  }
}
