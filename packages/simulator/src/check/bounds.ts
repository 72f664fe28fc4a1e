/** Every queue and message stays within its limit (DESIGN §9). */
import { limits } from "@kvorum/core";
import type { Bench, Checker } from "./checker.js";

export function bounds(bench: Bench): Checker {
  const { world } = bench;
  return {
    attempt: ({ node }) => {
      const running = world.node(node);
      if (running === undefined) return;
      // Not its statistics: those count all that it holds.
      const { requestsInFlight, settings } = running;
      if (requestsInFlight > settings.requestsInFlightMax)
        bench.report("queues-are-bounded", `${node}: ${requestsInFlight} requests in flight`);
    },
    end: () => {
      const { queueBytes, frameBytes } = world.peaks;
      if (frameBytes > limits.frameBytesMax) bench.report("messages-are-bounded", `a frame of ${frameBytes} bytes`);
      if (queueBytes > limits.peerQueueBytesMax) bench.report("queues-are-bounded", `${queueBytes} bytes to one peer`);
    },
  };
}
