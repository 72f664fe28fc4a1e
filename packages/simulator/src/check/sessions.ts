/**
 * C9: a session reads its own writes, and never less than it was shown before (Terry et al. 1994), whatever its quorums, and whatever members it
 * asks. By clients' history alone: what a session knows of vectors is not asked.
 */
import type { Operation } from "../history.js";
import { describe, mayBeTwice, mayHaveDeleted, shown, type Bench, type Checker } from "./checker.js";
import { Losses } from "./losses.js";
import { stands } from "./lost-writes.js";

/** Faults that may take away what nobody called durable: a read may have shown that all the same. */
const TAKING: ReadonlySet<string> = new Set([
  "power",
  "kill",
  "wipe",
  "damage",
  "damage-fact",
  "fail-flush",
  "disk-full",
]);

export function sessions(bench: Bench): Checker {
  const losses = new Losses();
  const takenAtMs: number[] = [];
  return {
    event: (event) => {
      losses.event(event, bench.world.nowMs);
      const isTaking = event.kind === "fault" && TAKING.has(event.fault);
      if (isTaking || event.kind === "fatal" || event.kind === "thrown") takenAtMs.push(bench.world.nowMs);
    },
    end: () => {
      for (const operations of bench.history.keys.values()) {
        const reads = operations.filter(
          ({ kind, session, outcome }) => session && kind === "get" && outcome === "done",
        );
        for (const read of reads) new Reading(bench, losses, takenAtMs, operations, read).check();
      }
    },
  };
}

/** One read of a session, held against what the session did before. */
class Reading {
  constructor(
    readonly bench: Bench,
    readonly losses: Losses,
    readonly takenAtMs: readonly number[],
    readonly operations: readonly Operation[],
    readonly read: Operation,
  ) {}

  check(): void {
    const { operations, read } = this;
    for (const earlier of operations) {
      const isMine = earlier.client === read.client && earlier.outcome === "done" && earlier.endMs < read.startMs;
      if (!isMine) continue;
      if (earlier.kind === "get") this.#checkShown(earlier);
      else this.#checkWrite(earlier, "read-your-writes");
    }
  }

  #checkShown(earlier: Operation): void {
    for (const { tag, stamp } of earlier.returned) {
      const writer = this.bench.history.writerOf(tag);
      if (writer !== undefined) this.#checkWrite(writer, "monotonic-reads", stamp);
    }
  }

  /** The session knows of the write: it made it, or was shown it. */
  #checkWrite(write: Operation, invariant: string, stamp = write.version?.stamp): void {
    const { bench, read, losses } = this;
    if (losses.mayHaveTaken(write) || !this.#isKept(write)) return;
    if (write.kind === "put" && !this.#isSeen(write, stamp)) {
      bench.report(invariant, `${describe(read)} returned ${shown(read)} and misses ${describe(write)}`);
    }
    for (const { tag, deleted } of read.returned) {
      const replaced = deleted ? undefined : bench.history.writerOf(tag);
      if (replaced === undefined || replaced === write || !bench.past.has(write, replaced)) continue;
      if (mayBeTwice(bench, replaced)) continue;
      bench.report(invariant, `${describe(read)} shows ${tag}, which ${describe(write)} had replaced`);
    }
  }

  /** It was called durable before the read began, or nothing has happened that takes away what was not: a full disk does so as long as it is full. */
  #isKept(write: Operation): boolean {
    const { read, takenAtMs } = this;
    if (write.outcome === "done" && write.endMs < read.startMs) return true;
    return !takenAtMs.some((atMs) => atMs <= read.endMs);
  }

  #isSeen(write: Operation, stamp: number | undefined): boolean {
    const { bench, operations, read } = this;
    if (stands(bench, write, read.returned, stamp)) return true;
    return operations.some((each) => each.startMs <= read.endMs && mayHaveDeleted(bench, each, write));
  }
}
