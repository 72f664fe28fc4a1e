/**
 * What an operator does to the membership (Dynamo §4.8.1, "explicit"; CONTRACT §3): looks at a change before it is made, asks a member to leave, and
 * removes one that is dead.
 */
import { fail, ok, type Outcome } from "../base/failure.js";
import { limits } from "../base/limits.js";
import { memberProblem } from "../base/names.js";
import { majority } from "../quorum/needed.js";
import type { MembershipEvent } from "../ring/membership-log.js";
import { movesTo, type PartitionWeight } from "../ring/moves.js";
import { foldRing, type Ring } from "../ring/ring.js";
import type { Message } from "../wire/messages.js";
import type { ChangeView, MemberChange, RemovalView, Reply } from "./api.js";
import type { NodeContext } from "./context.js";
import { gather } from "./gather.js";
import { weighPartitions } from "./weights.js";

/** How long members may take to say how much they hold. */
const WEIGH_MS = 10_000;
/** A change without any data takes its phases' time. */
const PHASES_MS = 1_000;

type Weights = ReadonlyMap<number, PartitionWeight>;

export class MemberDesk {
  constructor(readonly node: NodeContext) {}

  /** What the change would move; nothing is changed. */
  plan(change: MemberChange, reply: Reply<ChangeView>): void {
    const problem = this.#problemOf(change);
    if (problem !== undefined) return reply(problem);
    this.#weigh(change, (weights, unknown) => reply(ok(this.#view(change, weights, unknown))));
  }

  /** Durable here when it answers: the member moves what it holds, and then ends. */
  leave(name: string, reply: Reply<ChangeView>): void {
    const change = { change: "leave", name } as const;
    const problem = this.#problemOf(change);
    if (problem !== undefined) return reply(problem);
    this.#weigh(change, (weights, unknown) => {
      const view = this.#view(change, weights, unknown);
      const isLeaving = this.node.membership.roster.members().some((member) => member.name === name && member.leaving);
      if (isLeaving) return reply(ok(view));
      this.#record({ kind: "leaving", name }, (kept) => reply(kept.ok ? ok(view) : kept));
    });
  }

  /** Durable here when it answers. `force`: also one that seems to live. */
  remove(name: string, force: boolean, reply: Reply<RemovalView>): void {
    const { membership } = this.node;
    const change = { change: "remove", name } as const;
    const problem = this.#problemOf(change);
    if (problem !== undefined) return reply(problem);
    const status = membership.seemsOf(name);
    if (!force && status !== "down") {
      const detail = `${name} is ${status}: ask it to leave, so that what it holds is moved first; or stop it and wait until it is seen to be down; or force its removal, and what it alone holds is lost`;
      return reply(fail("member-alive", detail));
    }
    this.#weigh(change, (weights, unknown) => {
      const view = this.#removal(name, weights, unknown);
      const instance = membership.roster.instanceOf(name) ?? 0;
      this.#record({ kind: "removed", name, instance }, (kept) => reply(kept.ok ? ok(view) : kept));
    });
  }

  #problemOf({ change, name }: MemberChange): Outcome<never> | undefined {
    const problem = memberProblem(name);
    if (problem !== undefined) return fail("bad-parameter", problem);
    const members = this.node.membership.roster.members();
    const isMember = members.some((member) => member.name === name);
    if (change === "join") {
      return isMember ? fail("bad-parameter", `${name} is a member already; choose another name`) : undefined;
    }
    if (!isMember) return fail("not-found", `${name} is no member; see the members with GET /v1/cluster`);
    const others = members.filter((member) => member.name !== name && (change === "remove" || !member.leaving));
    if (others.length > 0) return undefined;
    return fail("bad-parameter", `nobody would be left to take what ${name} holds; let another member join first`);
  }

  #view(change: MemberChange, weights: Weights, unknown: readonly string[]): ChangeView {
    const { node } = this;
    const lost = change.change === "remove" ? change.name : undefined;
    const moves = movesTo(this.#ringAfter(change), (partition) => node.placement(partition).reads, weights, lost);
    const most = Math.max(0, ...moves.arrivals.map(({ bytes }) => bytes));
    const expectedMs = PHASES_MS + Math.ceil((most / limits.backgroundBytesPerSecondMax) * 1_000);
    return { ...change, ...moves, expectedMs, unreached: unknown };
  }

  #removal(name: string, weights: Weights, unknown: readonly string[]): RemovalView {
    const { node } = this;
    const view = this.#view({ change: "remove", name }, weights, unknown);
    let keysBelowN = 0;
    let partitionsAtRisk = 0;
    for (let partition = 0; partition < node.identity.partitions; partition++) {
      const { reads } = node.placement(partition);
      if (!reads.includes(name)) continue;
      keysBelowN += weights.get(partition)?.keys ?? 0;
      // W of these owners made a quorum. Those who are left and in reach need not meet each of them any more.
      const left = reads.filter((owner) => owner !== name && node.seemsAlive(owner)).length;
      if (left < majority(reads.length)) partitionsAtRisk++;
    }
    return { ...view, keysBelowN, partitionsAtRisk };
  }

  #ringAfter(change: MemberChange): Ring {
    const { ring, identity } = this.node;
    const authored = { stamp: (ring.events.at(-1)?.stamp ?? 0) + 1, by: identity.instance, name: change.name };
    return foldRing([...ring.events, eventOf(change, authored, this.node)], ring.config, ring);
  }

  #record(
    event: { kind: "leaving"; name: string } | { kind: "removed"; name: string; instance: number },
    done: Reply<true>,
  ): void {
    const { node } = this;
    const stamp = node.stamp(node.ring.events.at(-1)?.stamp);
    if (stamp === undefined) {
      return done(
        fail("clock-skew", "this member's clock is too far from the cluster's; mend it, or ask another member"),
      );
    }
    node.log("info", event.kind === "leaving" ? "member leaves" : "member removed", { member: event.name });
    node.membership.roster.record({ ...event, stamp, by: node.identity.instance }, (kept) => {
      if (kept) return done(ok(true));
      done(fail("storage-failed", "this member could not write the change to its disk; ask another"));
    });
  }

  /** How much there is of each partition, by the member that holds most of it; with those who could not be asked. */
  #weigh(change: MemberChange, done: (weights: Weights, unknown: readonly string[]) => void): void {
    const { node } = this;
    const members = node.membership.roster.members().map(({ name }) => name);
    // One that is to be removed is not waited for: what it holds goes with it.
    const names = members.filter((name) => change.change !== "remove" || name !== change.name);
    const alive = names.filter((name) => name === node.self || node.seemsAlive(name));
    const self = (answer: (reply: Message) => void): void =>
      weighPartitions(node, (partitions) => answer({ kind: "weighed", partitions }));
    gather(node, alive, { kind: "weigh" }, node.clock.monotonicMs() + WEIGH_MS, self, (replies) => {
      const weights = new Map<number, PartitionWeight>();
      const unreached = names.filter((name) => replies.get(name)?.kind !== "weighed");
      for (const said of replies.values()) {
        if (said.kind !== "weighed") continue;
        for (const { partition, keys, bytes } of said.partitions) {
          const known = weights.get(partition);
          if (known === undefined || keys > known.keys) weights.set(partition, { keys, bytes });
        }
      }
      done(weights, unreached);
    });
  }
}

function eventOf(
  change: MemberChange,
  authored: { readonly stamp: number; readonly by: number; readonly name: string },
  node: NodeContext,
): MembershipEvent {
  const named = authored as Pick<MembershipEvent, "stamp" | "by" | "name">;
  switch (change.change) {
    case "join":
      return { kind: "joined", ...named, instance: 0, zone: change.zone, weight: change.weight };
    case "leave":
      return { kind: "leaving", ...named };
    case "remove":
      return { kind: "removed", ...named, instance: node.membership.roster.instanceOf(change.name) ?? 0 };
  }
}
