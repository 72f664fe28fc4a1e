/** Nobody is removed whom no operator removed, and who was removed never comes back as the one it was (Dynamo §4.8.1; TRAPS 21). */
import type { Bench, Checker } from "./checker.js";

/** What one process has seen of the members. */
interface Seen {
  /** By name, the instance that had it last. */
  readonly members: Map<string, number>;
  /** Instances that were members here and are none any more. */
  readonly gone: Set<number>;
}

export function members(bench: Bench): Checker {
  const { world } = bench;
  /** By process: what a start has forgotten (a damaged fact) gossip brings again. */
  const seen = new Map<string, Seen>();
  /** Asked to leave, or removed. */
  const asked = new Set<string>();
  const removed = new Map<string, number>();
  const look = (by: string): void => {
    const node = world.node(by);
    if (node === undefined) return;
    const before = seen.get(by) ?? { members: new Map<string, number>(), gone: new Set<number>() };
    seen.set(by, before);
    const now = new Map(node.ring.members.map(({ name, instance }) => [name, instance]));
    for (const [name, instance] of before.members) {
      if (now.get(name) === instance) continue;
      before.gone.add(instance);
      if (!now.has(name) && !asked.has(name)) {
        bench.report("nobody-is-removed-unasked", `${by} no longer knows ${name}, whom no operator removed`);
      }
      if (!now.has(name)) before.members.delete(name);
    }
    for (const [name, instance] of now) {
      if (before.gone.has(instance)) bench.report("the-removed-stay-removed", `${by} takes ${name} for a member again`);
      before.members.set(name, instance);
    }
  };
  return {
    event: (event) => {
      if (event.kind === "ring") look(event.node);
      if (event.kind === "down") seen.delete(event.node);
      if (event.kind !== "fault" || (event.fault !== "remove" && event.fault !== "leave")) return;
      asked.add(event.node);
      const instance = event.fault === "remove" ? instanceOf(bench, event.node) : undefined;
      if (instance !== undefined) removed.set(event.node, instance);
    },
    end: () => {
      for (const by of world.standing) {
        for (const [name, instance] of removed) {
          if (world.node(by)?.membership.roster.instanceOf(name) !== instance) continue;
          bench.report("the-removed-stay-removed", `${by} takes ${name} for a member at the end`);
        }
      }
    },
  };
}

function instanceOf({ world }: Bench, name: string): number | undefined {
  for (const by of world.standing) {
    const instance = world.node(by)?.membership.roster.instanceOf(name);
    if (instance !== undefined) return instance;
  }
  return undefined;
}
