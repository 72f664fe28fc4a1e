/**
 * What a run is made of besides its world: clients that act out a workload, and a judge who looks on and says at the end what was violated.
 * The runner knows them by these shapes alone; workload/ and check/ bring the real ones.
 */
import type { Operation } from "../history.js";
import type { Violation } from "./result.js";

/** `workload/clients.ts`: `new Clients(world, config, workload)`; acts only through {@link World.after} and {@link World.request}. */
export interface Clients {
  /** Begins to ask; returns at once. */
  start(): void;
  /** Every operation has ended, one way or another. */
  readonly finished: boolean;
  readonly history: readonly Operation[];
  /** Rare paths that clients took, by name. */
  readonly sometimes: ReadonlyMap<string, number>;
}

/** `check/judge.ts`: `new Judge(world, config, clients)`; may listen to {@link World.on} from the beginning. */
export interface Judge {
  /** After faults ended and the ring settled: lets the healers that are on mend what they can. Returns at once. */
  converge(): void;
  /** What `converge` does is done. */
  readonly converged: boolean;
  /** Called once, last: what the history and the members' disks show to be wrong. */
  verdict(): readonly Violation[];
  readonly sometimes: ReadonlyMap<string, number>;
}
