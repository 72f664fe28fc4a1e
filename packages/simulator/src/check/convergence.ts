/** C7: once everything has healed and every key was read through all of its replicas, they hold the same bytes, and each of them answers. */
import { equalBytes } from "@kvorum/core";
import type { Bench, Checker } from "./checker.js";

export function convergence(bench: Bench): Checker {
  return {
    end: ({ keys, silent }) => {
      if (!bench.heals) return;
      for (const { owner, key, why } of silent) {
        // Where nobody else owns the key, nothing can say what a damaged record was.
        const [bucket = "", ...rest] = key.split("/");
        if (bench.lens.owners(bucket, rest.join("/")).length > 1) {
          bench.report("everybody-answers", `${owner} on ${key}: ${why}`);
        }
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
