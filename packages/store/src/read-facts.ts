/** The facts of a store that is not opened: whose it is, without a change to it. */
import type { Primitives } from "@kvorum/core";
import type { Disk } from "./disk.js";
import { recover } from "./recovery/recover.js";
import { wait, type Task } from "./task.js";

/** Undefined as a value: it can't be read. */
export function* readFacts(
  disk: Disk,
  primitives: Primitives,
): Task<ReadonlyMap<string, Uint8Array | undefined> | "failed"> {
  const state = yield* recover({ disk, primitives });
  if (typeof state === "string") return state === "new" ? new Map() : state;
  const facts = new Map([...state.index.facts].map(([name, { value }]) => [name, value]));
  for (const segment of state.segments.all) yield* wait<void>((done) => segment.release(done));
  return facts;
}
