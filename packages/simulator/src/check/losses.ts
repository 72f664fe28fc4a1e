/**
 * Disks that were emptied and records that were damaged, and when: a write that its client wanted on one disk only may go with that disk. All
 * others must survive every loss that the atlas allows.
 */
import { nameOf, type Operation } from "../history.js";
import type { WorldEvent } from "../world/world.js";

interface Loss {
  readonly node: string;
  /** `bucket/key` of the record; empty for a whole disk. */
  readonly record: string;
  readonly atMs: number;
}

export class Losses {
  readonly #losses: Loss[] = [];

  event(event: WorldEvent, nowMs: number): void {
    if (event.kind !== "fault") return;
    const { node, about } = event;
    if (event.fault === "wipe") this.#losses.push({ node, record: "", atMs: nowMs });
    if (event.fault === "damage") this.#losses.push({ node, record: about, atMs: nowMs });
  }

  /** The member lost the key's record since then. */
  happened(node: string, key: string, sinceMs: number): boolean {
    return this.#losses.some(
      (loss) => loss.node === node && loss.atMs >= sinceMs && (loss.record === "" || loss.record === key),
    );
  }

  mayHaveTaken(write: Operation): boolean {
    if (write.needed > 1) return false;
    const name = nameOf(write);
    return this.#losses.some(({ atMs, record }) => atMs >= write.startMs && (record === "" || record === name));
  }
}
