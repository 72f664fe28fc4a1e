/** One question to one member, with one deadline: `done` gets the reply, or the word that none came in time. */
import type { Message } from "../wire/messages.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";

/** Returns what stops the wait: `done` is not called then. */
export function askWithin(
  node: NodeContext,
  name: string,
  message: Message,
  timeoutMs: number,
  done: (reply: Message | NoReply) => void,
): () => void {
  let requestId = 0;
  const deadline = node.deadlines.at(node.clock.monotonicMs() + timeoutMs, () => {
    node.abandon(requestId);
    done({ kind: "lost" });
  });
  requestId = node.ask(name, message, timeoutMs, (reply) => {
    deadline.cancel();
    done(reply);
  });
  return () => {
    deadline.cancel();
    node.abandon(requestId);
  };
}
