/** What happens in a world: told to whoever listens, counted where it was a fault, and part of the run's digest. */
import type { RunDigest } from "../digest.js";
import type { WorldEvent, WorldListener } from "./world.js";

export class Chronicle {
  /** By kind, how often a fault had an effect. */
  readonly faults = new Map<string, number>();
  readonly #listeners = new Set<WorldListener>();

  constructor(readonly digest: RunDigest) {}

  on(listener: WorldListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(event: WorldEvent): void {
    this.digest.text(event.kind);
    for (const listener of this.#listeners) listener(event);
  }

  /** Somebody does harm, or ends it. */
  fault(fault: string, node: string, about = ""): void {
    this.digest.text(fault + node + about);
    this.tell({ kind: "fault", fault, node, about });
  }

  /** A fault had an effect. */
  bit(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }
}
