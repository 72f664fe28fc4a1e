/** C7: once everything has healed and every key was read through all of its replicas, they hold the same bytes, and each of them answers. */
import { equalBytes } from "@kvorum/core";
import type { Bench, Checker } from "./checker.js";
import type { Holding } from "./finals.js";

export function convergence(bench: Bench): Checker {
  return {
    end: ({ keys, silent }) => {
      if (!bench.heals) return;
      for (const { owner, bucket, key, why } of silent) {
        if (!bench.lens.hasOneOwner(bucket, key))
          bench.report("everybody-answers", `${owner} on ${bucket}/${key}: ${why}`);
      }
      for (const { name, holdings } of keys) {
        const [first, ...others] = holdings;
        for (const [owner, holding] of others) {
          if (first === undefined || isSame(first[1], holding)) continue;
          // A tombstone on its way out: one owner has marked or removed it already, the next one will.
          if (isGoing(first[1], holding)) continue;
          bench.report("replicas-become-equal", `${name}: ${owner} holds another state than ${first[0]}`);
        }
      }
    },
  };
}

/** Two owners may show another part of the same, when a value ends between two looks. */
function isSame(a: Holding, b: Holding): boolean {
  if (equalBytes(a.body, b.body)) return true;
  return a.stored !== undefined && b.stored !== undefined && equalBytes(a.stored, b.stored);
}

/** The one holds nothing, the other nothing that is alive. */
function isGoing(a: Holding, b: Holding): boolean {
  const isNothing = a.body.length === 0 || b.body.length === 0;
  return isNothing && [...a.versions, ...b.versions].every(({ deleted }) => deleted);
}
