/** Taking a new member in, at the member it asked: an explicit act, written into the log and known to the cluster through gossip (Dynamo §4.8.1). */
import { fail, type FailureCode } from "../base/failure.js";
import { memberProblem } from "../base/names.js";
import type { Member } from "../ring/members.js";
import type { MembershipEvent } from "../ring/membership-log.js";
import { warnTooFewReplicas } from "../ring/too-few-replicas.js";
import type { Join, Message } from "../wire/messages.js";
import type { NodeContext } from "./context.js";
import { encodeRecords } from "./hearing.js";

type Answer = (message: Message) => void;

const ZONE_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;
const WEIGHT_MAX = 1_000_000;

export class Admission {
  /** Joins that are being written to disk, by name and instance, with everybody who asked: a joiner asks again when it hears nothing. */
  readonly #underWay = new Map<string, Answer[]>();

  constructor(readonly node: NodeContext) {}

  admit(join: Join, answer: Answer): void {
    const applicant = `${join.name}/${join.instance}`;
    const waiting = this.#underWay.get(applicant);
    if (waiting !== undefined) {
      waiting.push(answer);
      return;
    }
    const answers = [answer];
    this.#underWay.set(applicant, answers);
    admitOnce(this.node, join, (message) => {
      this.#underWay.delete(applicant);
      for (const each of answers) each(message);
    });
  }
}

function admitOnce(node: NodeContext, join: Join, answer: Answer): void {
  const { membership } = node;
  const problem = memberProblem(join.name) ?? placingProblem(join);
  if (problem !== undefined) return refuse(answer, problem);
  const known = membership.roster.members().find((member) => member.name === join.name);
  // The welcome was lost on its way, and the joiner asks again.
  if (known?.instance === join.instance) return welcome(node, answer);
  if (known !== undefined && membership.seemsOf(join.name) !== "down") {
    const why = `a member named ${join.name} is ${membership.seemsOf(join.name)}; choose another name, or stop that one and wait until it is seen to be down`;
    return refuse(answer, why);
  }
  // Above every event there is: stamped before the one that it amends, it would amend nothing, and the joiner be nobody.
  const stamp = node.stamp(node.ring.events.at(-1)?.stamp);
  if (stamp === undefined)
    return passOn(answer, "clock-skew", "this member's clock is too far from the cluster's; mend it");
  const event = eventFor(known, join, { stamp, by: node.identity.instance });
  membership.roster.record(event, (kept) => {
    if (!kept) return passOn(answer, "storage-failed", "this member could not write the join to its disk; ask another");
    node.log("info", known === undefined ? "member joined" : "member replaced", { member: join.name, zone: join.zone });
    warnWhenTooMany(node);
    welcome(node, answer);
  });
}

function placingProblem(join: Join): string | undefined {
  if (!ZONE_PATTERN.test(join.zone))
    return `a zone's name is 1-64 of A-Z a-z 0-9 . _ -, not ${JSON.stringify(join.zone)}`;
  if (join.weight < 1 || join.weight > WEIGHT_MAX) return `a weight is from 1 to ${WEIGHT_MAX}, not ${join.weight}`;
  return undefined;
}

function eventFor(
  known: Member | undefined,
  join: Join,
  authored: Pick<MembershipEvent, "stamp" | "by">,
): MembershipEvent {
  const { name, instance, zone, weight } = join;
  if (known !== undefined) return { kind: "replaced", ...authored, name, instance };
  return { kind: "joined", ...authored, name, instance, zone, weight };
}

function welcome(node: NodeContext, answer: Answer): void {
  const { clusterId, secret, partitions, replicas } = node.identity;
  const owners = encodeRecords(node, node.owners.all());
  answer({ kind: "welcome", clusterId, secret, partitions, replicas, gossip: node.membership.encodeKnown(), owners });
}

/** This member can't take anybody in; another may. */
function passOn(answer: Answer, code: FailureCode, why: string): void {
  answer({ kind: "failed", failure: fail(code, why).failure });
}

/** No member would take this one in. */
function refuse(answer: Answer, why: string): void {
  answer({ kind: "failed", failure: fail("join-refused", why).failure });
}

function warnWhenTooMany(node: NodeContext): void {
  const { partitions, replicas } = node.identity;
  const warning = warnTooFewReplicas(node.membership.roster.members(), partitions, replicas);
  if (warning !== undefined)
    node.log("warn", "members hold few replicas each; the next cluster wants more partitions", { ...warning });
}
