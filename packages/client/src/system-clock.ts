/** The clock port on Node's own clocks. */
import type { Clock } from "@kvorum/core";

/** Its timers keep no process alive: what must not end yet holds a socket or a file. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
