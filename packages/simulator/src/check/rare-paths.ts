/** No invariant: looks which rare paths a run took (sometimes.ts). */
import { formatDot, type KeyState } from "@kvorum/core";
import { tagOf } from "../workload/values.js";
import type { Bench, Checker } from "./checker.js";

export function rarePathsTaken(bench: Bench): Checker {
  const acknowledged = new Map<string, number>();
  return {
    attempt: ({ operation, number, reply }) => {
      if (operation.kind !== "get" && reply?.kind === "put-done") acknowledged.set(operation.tag, number);
    },
    event: (event) => {
      if (event.kind === "fatal" && event.cause === "damage") bench.mark("a damaged folder was refused and refilled");
      if (event.kind === "fatal" && event.cause === "copy") bench.mark("an old copy of a folder was refused");
      if (event.kind === "log" && event.text === "damaged record") bench.mark("a damaged record was seen");
      if (event.kind !== "acknowledged" || event.message.value === undefined) return;
      const tag = tagOf(bench.world.primitives, event.message.value);
      if (tag !== undefined && !acknowledged.has(tag)) acknowledged.set(tag, 0);
    },
    end: ({ keys }) => {
      markOutcomes(bench, acknowledged);
      for (const { union, holdings } of keys) {
        if (union.some(({ deleted }) => deleted)) bench.mark("a tombstone stood at the end");
        if (union.length > 1) bench.mark("siblings stood at the end");
        for (const { state } of holdings.values()) if (hasTwins(bench, state)) bench.mark("one write was minted twice");
      }
      for (const name of bench.world.names) {
        const stats = bench.world.node(name)?.stats();
        if (stats !== undefined && stats.readRepairs > 0) bench.mark("read repair mended");
        if (stats !== undefined && stats.antiEntropyKeysRepaired > 0) bench.mark("anti-entropy mended");
        if (stats !== undefined && stats.healedRecords > 0) bench.mark("a damaged record was healed");
        if (stats !== undefined && stats.transferKeys > 0) bench.mark("a member was refilled");
      }
    },
  };
}

/** `acknowledged`: by tag, the attempt whose client heard of it; 0 where only the coordinator said so. */
function markOutcomes(bench: Bench, acknowledged: ReadonlyMap<string, number>): void {
  for (const [tag, attempt] of acknowledged) {
    if (attempt === 0 && bench.history.writerOf(tag)?.outcome === "unknown") {
      bench.mark("a coordinator's word was lost on its way");
    }
  }
  for (const { kind, returned, isBlindDelete, outcome, version } of bench.history.operations) {
    if (isBlindDelete && outcome === "done" && version === undefined) bench.mark("a delete found nothing");
    if (kind !== "get") continue;
    const appeared = returned.some(({ tag }) => bench.history.writerOf(tag)?.outcome === "unknown");
    if (appeared) bench.mark("a write of unknown outcome appeared");
  }
}

function hasTwins(bench: Bench, { siblings }: KeyState): boolean {
  const dots = new Map<string, string>();
  return siblings.some(({ deleted, value, dot }) => {
    const tag = deleted ? undefined : tagOf(bench.world.primitives, value);
    if (tag === undefined) return false;
    const before = dots.get(tag);
    dots.set(tag, formatDot(dot));
    return before !== undefined && before !== formatDot(dot);
  });
}
