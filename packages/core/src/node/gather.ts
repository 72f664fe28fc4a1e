/** Asking several members the same thing and waiting for all of them, or for the deadline. */
import type { Message } from "../wire/messages.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";

/** What each member said; one that said nothing in time is `lost`. */
export type Gathered = ReadonlyMap<string, Message | NoReply>;

/** `self`: how this node answers the same message when it is among `names`. `done` comes once. */
export function gather(
  node: NodeContext,
  names: readonly string[],
  message: Message,
  deadlineAtMs: number,
  self: (answer: (reply: Message) => void) => void,
  done: (replies: Gathered) => void,
): void {
  const replies = new Map<string, Message | NoReply>();
  const requestIds: number[] = [];
  let finished = false;
  const finish = (): void => {
    if (finished) return;
    finished = true;
    deadline.cancel();
    for (const name of names) if (!replies.has(name)) replies.set(name, { kind: "lost" });
    done(replies);
  };
  const deadline = node.deadlines.at(deadlineAtMs, () => {
    for (const requestId of requestIds) node.abandon(requestId);
    finish();
  });
  const take = (name: string, reply: Message | NoReply): void => {
    if (finished) return;
    replies.set(name, reply);
    if (replies.size === names.length) finish();
  };
  if (names.length === 0) return finish();
  for (const name of names) {
    const leftMs = deadlineAtMs - node.clock.monotonicMs();
    if (name === node.self) self((reply) => take(name, reply));
    else requestIds.push(node.ask(name, message, leftMs, (reply) => take(name, reply)));
  }
}
