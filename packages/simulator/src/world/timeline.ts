/** Virtual time: a heap of events, run in the order of their time and, at one time, of their making. Nothing else in a world moves by itself. */
import type { RunDigest } from "../digest.js";

interface Event {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was called off: it stays in the heap until its time. */
  run: (() => void) | undefined;
}

export class Timeline {
  nowMs: number;
  /** Events run. */
  steps = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  constructor(
    readonly digest: RunDigest,
    startMs = 0,
  ) {
    this.nowMs = startMs;
  }

  /** Calls `run` after `delayMs`, never before this returns. The returned function cancels. */
  after(delayMs: number, run: () => void): () => void {
    const event: Event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  /** Runs all events of the next `forMs`. */
  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    while (this.#step(untilMs));
    this.nowMs = untilMs;
  }

  /** Runs until `condition` holds, which is looked at every `everyMs`; false when it did not within `limitMs`. */
  until(condition: () => boolean, limitMs: number, everyMs = 1): boolean {
    const endMs = this.nowMs + limitMs;
    let lookAtMs = this.nowMs;
    for (;;) {
      if (this.nowMs >= lookAtMs) {
        if (condition()) return true;
        lookAtMs = this.nowMs + everyMs;
      }
      if (!this.#step(endMs)) break;
    }
    this.nowMs = endMs;
    return condition();
  }

  /** Runs the next event, if its time comes before `untilMs` ends. */
  #step(untilMs: number): boolean {
    const first = this.#heap[0];
    if (first === undefined || first.atMs > untilMs) return false;
    this.#pop();
    const { run } = first;
    if (run === undefined) return true;
    this.nowMs = first.atMs;
    this.steps++;
    this.digest.number(first.atMs);
    first.run = undefined;
    run();
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Event;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
