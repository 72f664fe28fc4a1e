/** The batches that go to the disk in one piece: their bytes, who waits for them, and how to undo them in the index. */
import type { StorageError } from "@kvorum/core";
import type { Predecessor } from "./format/predecessor.js";
import type { KeyIndex } from "./index/key-index.js";
import type { Segment } from "./segment.js";
import type { Slab } from "./slab.js";
import type { UndoLog } from "./undo-log.js";

export type Settle = (error: StorageError | undefined) => void;

export class Group {
  readonly settles: Settle[] = [];
  /** The segment that its first record names as the one before. */
  opens: Predecessor | undefined;
  /** It brings values, for which there must be room beside what merging needs. */
  hasValues = false;
  readonly #pinned: readonly [number, number];
  readonly #listed: readonly [number, number];

  constructor(
    readonly segment: Segment,
    readonly slab: Slab,
    readonly undo: UndoLog,
    /** The store's counts before the group. */
    readonly before: { readonly sequence: number; readonly facts: number },
  ) {
    this.base = segment.end;
    this.#pinned = [segment.pinnedRecords, segment.pinnedUnits];
    this.#listed = [segment.entries?.length ?? 0, segment.entries?.facts.length ?? 0];
  }

  /** Where in the segment its bytes begin. */
  readonly base: number;

  /** The bytes of a record that is not on the disk yet. */
  bytesAt(segment: Segment, offset: number, length: number): Uint8Array | undefined {
    if (segment !== this.segment || offset < this.base || offset >= this.base + this.slab.used) return undefined;
    return this.slab.bytes.subarray(offset - this.base, offset - this.base + length);
  }

  /** As if it had never been. Groups are undone from the last to the first. */
  revert(index: KeyIndex): void {
    this.undo.revert(index);
    const { segment } = this;
    [segment.pinnedRecords, segment.pinnedUnits] = this.#pinned;
    segment.entries?.cut(...this.#listed);
    segment.end = this.base;
  }

  settle(error: StorageError | undefined): void {
    for (const done of this.settles) done(error);
  }
}
