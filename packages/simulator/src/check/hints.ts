/** Hints drain when everybody is back, and what fallbacks kept goes home and leaves nothing behind (TRAPS 18, 19). */
import { namesOf } from "@kvorum/core";
import type { Bench, Checker } from "./checker.js";
import type { FinalKey } from "./finals.js";

export function hints(bench: Bench): Checker {
  const { world } = bench;
  /** A member that owned a key before a change of the ring may hold it still. */
  let hasRingChanged = false;
  let hasBegun = false;
  return {
    attempt: ({ reply, operation }) => {
      hasBegun = true;
      if (reply?.kind !== "got" && reply?.kind !== "put-done") return;
      if (reply.fallbacks === 0) return;
      bench.mark("a fallback counted");
      if (!operation.sloppy)
        bench.report("strict-counts-no-fallback", `an answer to ${operation.kind} of ${operation.key}`);
    },
    event: (event) => {
      if (event.kind === "ring" && hasBegun) hasRingChanged = true;
    },
    end: ({ keys }) => {
      for (const name of world.standing) {
        const stats = world.node(name)?.stats();
        if (world.node(name)?.settings.hints !== true || stats === undefined) continue;
        if (stats.hintsReplayed > 0) bench.mark("a hint was handed over");
        for (const what of kept(bench, name)) bench.report("hints-drain", `${name} still owes ${what}`);
        if (stats.hintsPending === 0 && !hasRingChanged) checkLeftovers(bench, name, keys);
      }
    },
  };
}

/** What a member could hand over and has not. A record that is damaged waits for its healing, and its hint with it. */
function kept({ world, lens }: Bench, name: string): string[] {
  const node = world.node(name);
  if (node === undefined) return [];
  const { queue } = node.hints;
  const hinted = queue.targets.flatMap((target) => [...queue.for(target.instance)]);
  return hinted.flatMap(({ id, target }) => {
    const { bucket, key } = namesOf(world.primitives, id);
    return lens.stored(name, bucket, key) === undefined ? [] : [`${bucket}/${key} to ${target.name}`];
  });
}

function checkLeftovers(bench: Bench, name: string, keys: readonly FinalKey[]): void {
  for (const { bucket, key, name: keyName } of keys) {
    if (bench.lens.owners(bucket, key).includes(name)) continue;
    if (bench.world.stored(name, bucket, key) === undefined) continue;
    bench.report("nothing-is-left-on-fallbacks", `${name} holds ${keyName}, which it neither owns nor owes to anybody`);
  }
}
