/** What a client shares with the others of its run: the world, the history that they write together, and who listens. */
import type { GetCommand, Message, PutCommand } from "@kvorum/core";
import type { History, Operation } from "../history.js";
import type { Lens } from "../lens.js";
import type { Sometimes } from "../sometimes.js";
import type { World } from "../world/world.js";
import type { Workload } from "./workload.js";

/** One request of an operation, with its answer. */
export interface Attempt {
  readonly operation: Operation;
  readonly node: string;
  /** From 1. */
  readonly number: number;
  readonly startMs: number;
  readonly command: GetCommand | PutCommand;
  /** Undefined: the connection broke, or nothing came in time. */
  readonly reply: Message | undefined;
}

export type AttemptListener = (attempt: Attempt) => void;

export interface Company {
  readonly world: World;
  readonly workload: Workload;
  readonly record: History;
  readonly lens: Lens;
  readonly taken: Sometimes;
  /** The member at a place in the list, or the next one that is up; undefined while none is. */
  nodeAt(place: number): string | undefined;
  /** An attempt is over. */
  heard(attempt: Attempt): void;
}
