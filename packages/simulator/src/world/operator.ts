/**
 * The operator of a cluster: asks a member to let another one leave, or to remove it, waits for the word, and sees whether it has come about. Who was
 * asked may die over it, before or after it was written down.
 */
import type { Node } from "@kvorum/core";
import type { Chronicle } from "./chronicle.js";
import type { Process } from "./process.js";
import type { Roster } from "./roster.js";
import type { Timeline } from "./timeline.js";

type RingMember = ReturnType<Node["membership"]["roster"]["members"]>[number];

/** How often it looks. */
const LOOK_MS = 3_000;

export class Operator {
  constructor(
    readonly roster: Roster,
    readonly timeline: Timeline,
    readonly chronicle: Chronicle,
  ) {}

  leave(name: string, by: string): void {
    this.chronicle.fault("leave", name, `asked of ${by}`);
    this.roster.expectLeave(name);
    const isOver = this.#ask(by, (node, answered) =>
      node.leave(name, (outcome) => {
        if (outcome.ok) this.chronicle.bit("leave");
        answered();
      }),
    );
    const instance = this.roster.member(name).node?.membership.roster.instanceOf(name);
    let hasBegun = false;
    this.#look(isOver, () => {
      if (!this.roster.isLeaving(name)) return true;
      const views = this.#views(name);
      // Whoever was asked may have written it down before it died; while it is down, or nobody is up, nobody can say.
      const canTell = views.length > 0 && (this.roster.isUp(by) || !this.roster.standing.includes(by));
      if (!canTell) return false;
      const isGoing = views.some((member) => member === undefined || member.leaving);
      // Its disk may be lost on the way: then it comes back as another instance, which nobody asked to leave. What was once begun does not end otherwise.
      const isAnother = views.some((member) => member !== undefined && member.instance !== instance);
      const isOff = !isGoing && (!hasBegun || isAnother);
      if (isOff) this.roster.expectLeave(name, false);
      hasBegun ||= isGoing;
      return isOff;
    });
  }

  remove(name: string, by: string): void {
    this.chronicle.fault("remove", name, `by ${by}`);
    this.roster.depart(name);
    this.#askToRemove(name, by);
  }

  /** An operator does not give up: whoever was asked may die before it is written down. */
  #askToRemove(name: string, by: string | undefined): void {
    const isOver = this.#ask(by, (node, answered) =>
      node.remove(name, true, (outcome) => {
        if (outcome.ok) this.chronicle.bit("remove");
        answered();
      }),
    );
    this.#look(isOver, () => {
      const isDone = this.#views(name).some((member) => member === undefined);
      const other = this.roster.standing.find((each) => this.roster.isUp(each));
      if (!isDone) this.#askToRemove(name, other);
      return true;
    });
  }

  /** Says whether it was answered, or never will be. */
  #ask(by: string | undefined, question: (node: Node, answered: () => void) => void): () => boolean {
    const { node, process } = by === undefined ? NOBODY : this.roster.member(by);
    let isAnswered = false;
    process?.run(() => node && question(node, () => (isAnswered = true)));
    return () => isAnswered || node === undefined || process?.alive !== true;
  }

  #look(isOver: () => boolean, conclude: () => boolean): void {
    this.timeline.after(LOOK_MS, () => {
      if (!isOver() || !conclude()) this.#look(isOver, conclude);
    });
  }

  /** How the members that are up see one: undefined where it is none. */
  #views(name: string): (RingMember | undefined)[] {
    return this.roster.standing.flatMap((other) => {
      const node = other === name ? undefined : this.roster.member(other).node;
      return node === undefined ? [] : [node.membership.roster.members().find((member) => member.name === name)];
    });
  }
}

const NOBODY: { readonly node: Node | undefined; readonly process: Process | undefined } = {
  node: undefined,
  process: undefined,
};
