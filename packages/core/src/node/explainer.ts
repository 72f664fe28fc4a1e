/** `explain`: what each replica of a key holds, side by side. Everybody is asked, and nothing is repaired by asking. */
import { ok } from "../base/failure.js";
import { stampMs } from "../base/hlc.js";
import { digestOf } from "../replication/record.js";
import { formatDot } from "../versions/actor.js";
import { standing } from "../versions/key-state.js";
import type { Message } from "../wire/messages.js";
import type { Explanation, ReplicaView, Reply } from "./api.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";
import { gather } from "./gather.js";
import { placedBy } from "./placement.js";
import type { ReplicaDoor } from "./replica-door.js";

export function explain(
  node: NodeContext,
  door: ReplicaDoor,
  id: Uint8Array,
  timeoutMs: number,
  reply: Reply<Explanation>,
): void {
  const key = node.keyOfId(id);
  const preferenceList = node.placement(key.partition).all;
  const message = { kind: "fetch", id, ...placedBy(node, key.partition) } as const;
  const self = (answer: (held: Message) => void): void => door.handle(message, answer);
  gather(node, preferenceList, message, node.clock.monotonicMs() + timeoutMs, self, (replies) => {
    const replicas = preferenceList.map((name) => viewOf(node, key.hash, name, replies.get(name) ?? { kind: "lost" }));
    const digests = new Set(replicas.map((replica) => replica.digest));
    const answered = replicas.every(({ reply: said }) => said === "ok" || said === "not-found");
    const owner = preferenceList.includes(node.self) ? node.self : preferenceList.find((name) => node.seemsAlive(name));
    const coordinator = owner ?? node.self;
    const agree = answered && digests.size === 1;
    reply(ok({ partition: key.partition, preferenceList, coordinator, replicas, agree }));
  });
}

function viewOf(node: NodeContext, keyHash: bigint, name: string, reply: Message | NoReply): ReplicaView {
  const about = { node: name, role: "primary", status: node.membership.status(name) } as const;
  if (reply.kind !== "fetched") return { ...about, reply: "timeout", digest: null, siblings: [] };
  if (reply.body === undefined) {
    return { ...about, reply: reply.status === "absent" ? "not-found" : "error", digest: null, siblings: [] };
  }
  const parsed = node.states.receive(reply.body);
  if (parsed === undefined) return { ...about, reply: "error", digest: null, siblings: [] };
  const siblings = standing(parsed.state).map(({ dot, stamp, deleted }) => ({
    dot: formatDot(dot),
    timestamp: stampMs(stamp),
    deleted,
  }));
  const digest = digestOf(node.primitives, keyHash, reply.body).toString(16).padStart(16, "0");
  return { ...about, reply: reply.status === "state" ? "ok" : "error", digest, siblings };
}
