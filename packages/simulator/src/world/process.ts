/** One life of a process: everything that happens inside goes through it, so that a dead one does nothing and a paused one does it later. */
import type { Clock } from "@kvorum/core";
import type { Timeline } from "./timeline.js";
import type { WallClock } from "./wall-clock.js";

type Task = () => void;

export class Process {
  #alive = true;
  #paused = false;
  #waiting: Task[] = [];
  #cancelResume: Task = () => {};
  readonly clock: Clock;

  constructor(
    readonly timeline: Timeline,
    wall: WallClock,
    /** An exception left the code that ran inside. */
    readonly onThrown: (error: unknown) => void,
  ) {
    const startMs = timeline.nowMs;
    this.clock = {
      // A machine's monotonic clock begins anywhere, and never where another's does.
      monotonicMs: () => timeline.nowMs - startMs + 1,
      wallMs: () => wall.nowMs,
      after: (delayMs, run) => this.#after(delayMs, run),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Runs `task` now, or when the process goes on; never in a dead one. */
  run(task: Task): void {
    if (!this.#alive) return;
    if (this.#paused) {
      this.#waiting.push(task);
      return;
    }
    try {
      task();
    } catch (error) {
      this.onThrown(error);
    }
  }

  /** Stands still, as under SIGSTOP or a long collection of garbage. A longer pause that is under way stays. */
  pause(forMs: number): void {
    if (!this.#alive || this.#paused) return;
    this.#paused = true;
    this.#cancelResume = this.timeline.after(forMs, () => this.resume());
  }

  resume(): void {
    if (!this.#paused) return;
    this.#cancelResume();
    this.#paused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const task of waiting) this.run(task);
  }

  end(): void {
    this.#alive = false;
    this.#cancelResume();
    this.#waiting = [];
  }

  #after(delayMs: number, run: Task): Task {
    let isOff = false;
    const once = (): void => {
      if (!isOff) run();
    };
    const cancel = this.timeline.after(delayMs, () => this.run(once));
    return () => {
      // Both: its time may have come while the process was paused.
      isOff = true;
      cancel();
    };
  }
}
