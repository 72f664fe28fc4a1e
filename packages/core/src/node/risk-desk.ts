/** Asks every member what it knows of what could be lost, and puts the answers together (replication/risk.ts; `GET /v1/risk`). */
import { ok } from "../base/failure.js";
import { limits } from "../base/limits.js";
import { assessRisk, type MemberRisk, type RiskView } from "../replication/risk.js";
import type { Message, MessageOf } from "../wire/messages.js";
import type { ConflictPage, Reply } from "./api.js";
import { gather, type Gathered } from "./gather.js";
import type { NodeParts } from "./parts.js";

type CountConflicts = (timeoutMs: number, done: Reply<ConflictPage>) => void;

export class RiskDesk {
  readonly #startedAtMs: number;

  constructor(
    readonly node: NodeParts,
    /** Answers with a page of the conflicts and their number over the whole cluster. */
    readonly countConflicts: CountConflicts,
  ) {
    this.#startedAtMs = node.clock.monotonicMs();
  }

  /** This member's own part, to whoever asks. */
  own(): MessageOf<"risk-said"> {
    const { node } = this;
    const { partitions } = node.identity;
    const { hintsPending, oldestHintAgeMs } = node.handoff.stats();
    const { count, oldest } = node.reaper.view();
    const nowMs = node.clock.monotonicMs();
    return {
      kind: "risk-said",
      upMs: whole(nowMs - this.#startedAtMs),
      filling: Array.from({ length: partitions }, (_, partition) => partition).filter((each) => node.isInDoubt(each)),
      damaged: node.healer.pending,
      hints: hintsPending,
      oldestHintAgeMs: whole(oldestHintAgeMs),
      tombstones: count,
      oldestTombstone: oldest ?? undefined,
      compared: [...node.antiEntropy.comparedAtMs].map(([name, atMs]) => ({ name, agoMs: whole(nowMs - atMs) })),
    };
  }

  ask(timeoutMs: number, reply: Reply<RiskView>): void {
    const { node } = this;
    const names = node.membership.roster.members().map(({ name }) => name);
    const reachable = names.filter((name) => name === node.self || node.seemsAlive(name));
    const deadlineAtMs = node.clock.monotonicMs() + timeoutMs;
    const self = (answer: (said: Message) => void): void => answer(this.own());
    gather(node, reachable, { kind: "risk" }, deadlineAtMs, self, (replies) => {
      const leftMs = Math.max(1, deadlineAtMs - node.clock.monotonicMs());
      this.countConflicts(leftMs, (page) => reply(ok(this.#assess(replies, page.ok ? page.value.total : undefined))));
    });
  }

  #assess(replies: Gathered, conflicts: number | undefined): RiskView {
    const { node } = this;
    const said = new Map<string, MemberRisk>();
    for (const [name, answer] of replies) if (answer.kind === "risk-said") said.set(name, answer);
    const { partitions, replicas } = node.identity;
    return assessRisk({
      replicas,
      members: node.membership.roster.members().map(({ name }) => ({ name, status: node.membership.status(name) })),
      owners: Array.from({ length: partitions }, (_, partition) => node.placement(partition).reads),
      ...{ said, conflicts, nowMs: node.clock.wallMs() },
      comparedStaleMs: node.settings.antiEntropyIntervalMs * limits.comparedStaleRounds,
      tombstoneOldMs: limits.tombstoneOldMs,
    });
  }
}

/** For the wire: a whole number, never below zero. */
function whole(ms: number): number {
  return Math.max(0, Math.round(ms));
}
