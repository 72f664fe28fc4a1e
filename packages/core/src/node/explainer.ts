/**
 * `explain`: what each replica of a key holds, side by side, and the fallbacks that keep something of it for them. Everybody is asked, and nothing
 * is repaired by asking. Whether replicas agree is the owners' matter: what a fallback keeps is on its way to them.
 */
import { ok } from "../base/failure.js";
import { stampMs } from "../base/hlc.js";
import { digestOf } from "../replication/record.js";
import { formatDot } from "../versions/actor.js";
import { standing } from "../versions/key-state.js";
import type { Message } from "../wire/messages.js";
import type { Explanation, ReplicaView, Reply } from "./api.js";
import type { NoReply } from "./calls.js";
import type { NodeContext } from "./context.js";
import { gather, type Gathered } from "./gather.js";
import { placedBy } from "./placement.js";
import type { ReplicaDoor, ReplicaRequest } from "./replica-door.js";
import { healthyFallbacks } from "./stand-ins.js";

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
  const fallbacks = healthyFallbacks(node, key.partition);
  if (!preferenceList.includes(node.self)) fallbacks.unshift(node.self);
  const peek = { kind: "peek", id } as const;
  const deadlineAtMs = node.clock.monotonicMs() + timeoutMs;
  let held: Gathered | undefined;
  let kept: Gathered | undefined;
  const done = (): void => {
    if (held === undefined || kept === undefined) return;
    const replicas = viewsOf(node, key.hash, "primary", held);
    const guests = viewsOf(node, key.hash, "fallback", kept).filter(({ digest }) => digest !== null);
    const digests = new Set(replicas.map((replica) => replica.digest));
    const answered = replicas.every(({ reply: said }) => said === "ok" || said === "not-found");
    const owner = preferenceList.includes(node.self) ? node.self : preferenceList.find((name) => node.seemsAlive(name));
    const coordinator = owner ?? node.self;
    const agree = answered && digests.size === 1;
    const partition = key.partition;
    reply(ok({ partition, preferenceList, coordinator, replicas: [...replicas, ...guests], agree }));
  };
  const ask = (names: readonly string[], about: ReplicaRequest, take: (replies: Gathered) => void): void => {
    const self = (answer: (held: Message) => void): void => door.handle(about, answer);
    gather(node, names, about, deadlineAtMs, self, (replies) => {
      take(new Map(names.map((name) => [name, replies.get(name) ?? { kind: "lost" }])));
      done();
    });
  };
  ask(preferenceList, message, (replies) => (held = replies));
  ask(fallbacks, peek, (replies) => (kept = replies));
}

function viewsOf(node: NodeContext, keyHash: bigint, role: ReplicaView["role"], said: Gathered): ReplicaView[] {
  return [...said].map(([name, reply]) => viewOf(node, keyHash, { node: name, role }, reply));
}

function viewOf(
  node: NodeContext,
  keyHash: bigint,
  who: Pick<ReplicaView, "node" | "role">,
  reply: Message | NoReply,
): ReplicaView {
  const about = { ...who, status: node.membership.status(who.node) };
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
