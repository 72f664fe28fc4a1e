/** Worker threads that run seeds: each is given the next one when it has finished the last, and results are handed on in the order of the seeds. */
import { Worker } from "node:worker_threads";
import type { RunResult } from "@kvorum/simulator";
import type { WorkerSetup } from "./worker.js";

export interface PoolOptions extends WorkerSetup {
  readonly workers: number;
  readonly first: number;
  /** Whether one more seed is wanted, so many having been given out. */
  readonly wants: (given: number) => boolean;
  /** Takes the results in order; false ends it all: what runs beyond is thrown away. */
  readonly take: (result: RunResult) => boolean;
}

export function runSeeds(options: PoolOptions): Promise<void> {
  return new Promise((resolve, reject) => new Pool(options, resolve, reject));
}

class Pool {
  readonly #early = new Map<number, RunResult>();
  readonly #workers: Worker[];
  #given = 0;
  #taken = 0;
  #ended = false;

  constructor(
    readonly options: PoolOptions,
    readonly resolve: () => void,
    readonly reject: (error: unknown) => void,
  ) {
    const { workers, plants, given } = options;
    const url = new URL("worker.js", import.meta.url);
    this.#workers = Array.from(
      { length: workers },
      () => new Worker(url, { workerData: { plants, given } satisfies WorkerSetup }),
    );
    for (const worker of this.#workers) {
      worker.on("error", (error) => this.#end(() => reject(error)));
      worker.on("message", (result: RunResult) => {
        this.#early.set(result.seed, result);
        this.#give(worker);
        this.#handOn();
      });
      this.#give(worker);
    }
  }

  #give(worker: Worker): void {
    if (this.#ended || !this.options.wants(this.#given)) return;
    worker.postMessage(this.options.first + this.#given++);
  }

  #handOn(): void {
    while (!this.#ended) {
      const seed = this.options.first + this.#taken;
      const result = this.#early.get(seed);
      if (result === undefined) break;
      this.#early.delete(seed);
      this.#taken++;
      if (!this.options.take(result)) return this.#end(this.resolve);
    }
    if (this.#taken === this.#given) this.#end(this.resolve);
  }

  #end(then: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    void Promise.all(this.#workers.map((worker) => worker.terminate())).then(then, this.reject);
  }
}
