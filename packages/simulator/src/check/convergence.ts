/** C7: once everything has healed and every key was read through all of its replicas, they hold the same bytes, and each of them answers. */
import { equalBytes } from "@kvorum/core";
import type { Bench, Checker } from "./checker.js";

export function convergence(bench: Bench): Checker {
  return {
    end: ({ keys, silent }) => {
      if (!bench.heals) return;
      for (const { owner, key, why } of silent) {
        // Known gap: a damaged record of which no other owner holds anything is mended by the next write only.
        const others = keys.find(({ name }) => name === key)?.holdings;
        const isAlone = others !== undefined && [...others.values()].every(({ body }) => body.length === 0);
        if (!isAlone) bench.report("everybody-answers", `${owner} on ${key}: ${why}`);
      }
      for (const { name, holdings } of keys) {
        const [first, ...others] = holdings;
        for (const [owner, { body }] of others) {
          if (first === undefined || equalBytes(first[1].body, body)) continue;
          bench.report("replicas-become-equal", `${name}: ${owner} holds another state than ${first[0]}`);
        }
      }
    },
  };
}
