/** Gives each message that comes over the wire to the part it is for. Members are believed, clients are checked. */
import { unreachable } from "../base/assert.js";
import { fail, type Outcome } from "../base/failure.js";
import type { Link } from "../ports/network.js";
import type { Envelope, GetCommand, Hello, Join, Message, PutCommand } from "../wire/messages.js";
import type { Admission } from "./admission.js";
import type { NodeApi } from "./api.js";
import type { Calls } from "./calls.js";
import { askForClient } from "./client-door.js";
import { commandProblem } from "./command-check.js";
import type { NodeContext } from "./context.js";
import type { RepairDesk } from "./repair-desk.js";
import type { RiskDesk } from "./risk-desk.js";
import type { ReapDoor } from "./reap-door.js";
import type { ReplicaDoor } from "./replica-door.js";
import type { RingDoor } from "./ring-door.js";
import { ringTable } from "./views.js";

type Answer = (message: Message) => void;

export interface InboxOptions {
  readonly node: NodeContext;
  readonly api: NodeApi;
  readonly door: ReplicaDoor;
  /** For what members say to each other while partitions change hands. */
  readonly ring: RingDoor;
  readonly reapDoor: ReapDoor;
  readonly riskDesk: RiskDesk;
  readonly calls: Calls;
  readonly admission: Admission;
  readonly repairDesk: RepairDesk;
  /** Why this node takes no requests (it is stopping, its store has failed); undefined when it does. */
  readonly refusal: () => Outcome<never> | undefined;
}

export class Inbox {
  readonly #options: InboxOptions;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  receive(envelope: Envelope, link: Link): void {
    const { requestId, deadlineMs, message } = envelope;
    const answer: Answer = (reply) => {
      if (requestId !== 0) link.reply(requestId, reply);
    };
    const { node, door, calls, repairDesk } = this.#options;
    const isMember = link.hello.role === "member" && !this.#isRemoved(link.hello, message);
    switch (message.kind) {
      case "fetch":
      case "digest":
      case "store":
      case "list":
      case "inventory":
      case "conflicts":
      case "store-hint":
      case "peek":
        if (isMember) door.handle(message, answer);
        return;
      case "compare":
      case "branch":
      case "recheck":
      case "mend":
        if (isMember) repairDesk.antiEntropy.handle(message, link.hello.name, answer);
        return;
      case "repair":
        if (isMember) repairDesk.handle(message.start, answer);
        return;
      case "owners":
      case "owners-sync":
      case "index":
      case "pull":
      case "weigh":
        if (isMember) this.#options.ring.handle(message, answer);
        return;
      case "owners-seen":
        if (!isMember) return;
        if (requestId === 0) this.#options.ring.heard(link.hello.instance, message);
        else calls.answer(requestId, message, link.hello);
        return;
      case "start":
        if (isMember) answer({ kind: "start-said", word: node.membership.roster.judgeStart(message) });
        return;
      case "risk":
        if (isMember) answer(this.#options.riskDesk.own());
        return;
      case "reap":
      case "fence":
        if (isMember) this.#options.reapDoor.handle(message, answer);
        return;
      case "get":
      case "put":
        return this.#command(message, link.hello, deadlineMs, answer);
      case "client-list":
      case "client-conflicts":
      case "client-bucket":
      case "client-set-bucket":
        return askForClient(this.#options.api, message, deadlineMs, (outcome) => answer(messageOf(outcome)));
      case "gossip":
        if (isMember) node.membership.receive(message.payload, link);
        return;
      case "join":
        return this.#join(message, answer);
      case "ring":
        return answer(ringTable(node));
      case "fetched":
      case "digested":
      case "stored":
      case "got":
      case "put-done":
      case "failed":
      case "listed":
      case "inventoried":
      case "conflicts-listed":
      case "pulled":
      case "compared":
      case "branched":
      case "rechecked":
      case "mended":
      case "repair-status":
      case "fenced":
      case "owners-synced":
      case "indexed":
      case "weighed":
      case "ring-table":
      case "reaped":
      case "fence-said":
      case "risk-said":
      case "start-said":
        // Only members are asked, so only they answer: a client must not be able to say "durable".
        if (isMember) calls.answer(requestId, message, link.hello);
        return;
      case "hello":
      case "refused":
      case "welcome":
      case "client-listed":
      case "client-conflicts-listed":
      case "client-bucket-said":
        return;
      default:
        unreachable(message);
    }
  }

  /** A connection may be older than the removal of whoever is at its other end (TRAPS 21). Gossip is how that one hears of it. */
  #isRemoved({ name, instance }: Hello, message: Message): boolean {
    const { membership, plants } = this.#options.node;
    if (
      message.kind === "gossip" ||
      plants.has("stale-ring-accepted") ||
      membership.roster.nameOf(instance) !== undefined
    )
      return false;
    return membership.roster.refusalOf(name, instance) !== undefined;
  }

  /** A member has checked what it passes on. */
  #command(command: GetCommand | PutCommand, from: Hello, deadlineMs: number, answer: Answer): void {
    const { node, api } = this.#options;
    const problem = from.role === "member" ? undefined : commandProblem(node.primitives, command);
    if (problem !== undefined) return answer(messageOf(fail("bad-parameter", problem)));
    if (command.kind === "get") api.get(command, deadlineMs, (outcome) => answer(messageOf(outcome)));
    else api.put(command, deadlineMs, (outcome) => answer(messageOf(outcome)));
  }

  #join(join: Join, answer: Answer): void {
    const refusal = this.#options.refusal();
    if (refusal !== undefined) return answer(messageOf(refusal));
    this.#options.admission.admit(join, answer);
  }
}

function messageOf(outcome: Outcome<Message>): Message {
  return outcome.ok ? outcome.value : { kind: "failed", failure: outcome.failure };
}
