/** Anti-entropy on demand, for the whole cluster: told to every member, and asked of every member (CONTRACT §3, `/v1/repair`). */
import { ok } from "../base/failure.js";
import type { RepairStatus } from "../wire/exchange-messages.js";
import type { Message } from "../wire/messages.js";
import type { RepairMemberView, RepairView, Reply } from "./api.js";
import type { AntiEntropy } from "./anti-entropy.js";
import type { NodeContext } from "./context.js";
import { gather } from "./gather.js";

/** How long members may take to say how far they are. */
const ANSWER_MS = 2_000;

export class RepairDesk {
  constructor(
    readonly node: NodeContext,
    readonly antiEntropy: AntiEntropy,
  ) {}

  /** A member's word to this one. */
  handle(start: boolean, answer: (message: Message) => void): void {
    if (start) this.antiEntropy.repairNow();
    answer(this.antiEntropy.status);
  }

  /** Members that can't be reached are not waited for: they compare by themselves when they are back. */
  ask(start: boolean, reply: Reply<RepairView>): void {
    const { node } = this;
    const names = node.membership.roster.members().map(({ name }) => name);
    const message = { kind: "repair", start } as const;
    const self = (answer: (said: Message) => void): void => this.handle(start, answer);
    gather(node, names, message, node.clock.monotonicMs() + ANSWER_MS, self, (replies) => {
      const members = names.map((name) => {
        const said = replies.get(name);
        return memberView(name, said?.kind === "repair-status" ? said : undefined);
      });
      reply(ok(repairView(members)));
    });
  }
}

function memberView(node: string, said: RepairStatus | undefined): RepairMemberView {
  if (said === undefined) {
    return {
      ...{ node, reached: false, running: false, exchanges: 0, keysRepaired: 0, bytesSent: 0 },
      ...{ finishedAt: null, done: 0, total: 0 },
    };
  }
  const { running, exchanges, keysRepaired, bytesSent, finishedAt, done, total } = said;
  return {
    ...{ node, reached: true, running, exchanges, keysRepaired, bytesSent },
    ...{ finishedAt: finishedAt === 0 ? null : finishedAt, done, total },
  };
}

/** Sums over the members that answered; finished when the last of them was. */
function repairView(members: readonly RepairMemberView[]): RepairView {
  const sum = (of: (member: RepairMemberView) => number): number =>
    members.reduce((total, member) => total + of(member), 0);
  const running = members.some((member) => member.running);
  const finishes = members.map(({ finishedAt }) => finishedAt).filter((at) => at !== null);
  return {
    running,
    exchanges: sum((member) => member.exchanges),
    keysRepaired: sum((member) => member.keysRepaired),
    bytesSent: sum((member) => member.bytesSent),
    finishedAt: running || finishes.length === 0 ? null : Math.max(...finishes),
    done: sum((member) => member.done),
    total: sum((member) => member.total),
    members,
  };
}
