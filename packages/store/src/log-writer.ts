/**
 * Writes batches to the log: everything that came while the last flush ran goes with the next, as one piece and one flush (group commit). A batch is in
 * the index, and readable, before it is on the disk.
 */
import { assert, type Batch, type StorageError } from "@kvorum/core";
import { BatchWriter, type BatchWriterOptions, type Counts } from "./batch-writer.js";
import type { DiskFile } from "./disk.js";
import type { Predecessor } from "./format/predecessor.js";
import { Group, type Settle } from "./group.js";
import type { Segment } from "./segment.js";
import { Slab } from "./slab.js";
import { UndoLog } from "./undo-log.js";

export interface WriterOptions extends BatchWriterOptions {
  /** Calls `run` when this turn's other batches have come too; never before it returns. */
  readonly defer: (run: () => void) => void;
  /** Whether there is room for so many bytes with values in them: at once, or when merging has made some. */
  readonly hasRoom: (bytes: number, done: (hasRoom: boolean) => void) => void;
  /** A group has settled: time to look after the house. */
  readonly onSettled: () => void;
  /** The segment that a group shall go to now: the one before, or the next. */
  readonly nextSegment: (current: Segment) => Segment;
  /** All that was written to a segment is flushed, and nothing more comes. */
  readonly onLeft: (segment: Segment, counts: Counts) => void;
}

/** A segment that nothing more is written to, and the numbers at its end. */
interface Left {
  readonly segment: Segment;
  readonly counts: Counts;
}

interface Room {
  readonly slab: Slab;
  readonly undo: UndoLog;
}

function newRoom(): Room {
  return { slab: new Slab(), undo: new UndoLog() };
}

export class LogWriter {
  readonly #options: WriterOptions;
  readonly #batches: BatchWriter;
  #active: Segment;
  #left: Left | undefined;
  #pending: Group | undefined;
  #flushing: Group | undefined;
  #isScheduled = false;
  /** What a group needs while it lives: one is gathered while one is flushed. */
  readonly #rooms: Room[] = [newRoom(), newRoom()];
  #onIdle: (() => void) | undefined;
  /** A flush failed: the groups in doubt. Nothing is taken any more. */
  #doubtful: readonly UndoLog[] | undefined;
  flushes = 0;

  constructor(options: WriterOptions, active: Segment, before: Predecessor | undefined, counts: Counts) {
    this.#options = options;
    this.#active = active;
    this.#batches = new BatchWriter(options, before, counts);
  }

  get active(): Segment {
    return this.#active;
  }

  get hasFailed(): boolean {
    return this.#doubtful !== undefined;
  }

  /** What a failed flush left in doubt. */
  get doubtful(): readonly UndoLog[] {
    return this.#doubtful ?? [];
  }

  get counts(): Counts {
    return this.#batches.counts;
  }

  /** The record is in memory only, so far. */
  unflushed(segment: Segment, offset: number, length: number): Uint8Array | undefined {
    return this.#flushing?.bytesAt(segment, offset, length) ?? this.#pending?.bytesAt(segment, offset, length);
  }

  apply(batch: Batch, done: Settle): void {
    if (this.#doubtful !== undefined) return done("failed");
    const group = this.#groupFor();
    this.#batches.write(group, batch);
    group.settles.push(done);
    this.#schedule();
  }

  /** Writes a batch again that was found where it may not last, under the number that it had. */
  replay(batch: Batch, sequence: number): void {
    const group = this.#groupFor();
    this.#batches.rewrite(group, batch, sequence);
    group.settles.push(() => {});
    this.#schedule();
  }

  /** `done` when all that was applied has settled. */
  whenIdle(done: () => void): void {
    assert(this.#onIdle === undefined, "one waits for the end of the log");
    this.#onIdle = done;
    this.#tellIdle();
  }

  #groupFor(): Group {
    if (this.#pending !== undefined) return this.#pending;
    const next = this.#options.nextSegment(this.#active);
    if (next !== this.#active) {
      // One that nothing was written to has no successor: whoever came before it has.
      this.#batches.opening ??= this.#active;
      this.#left = { segment: this.#active, counts: this.counts };
      this.#active = next;
    }
    const room = this.#rooms.pop();
    assert(room !== undefined, "one group is flushed and one is gathered");
    const group = new Group(this.#active, room.slab, room.undo, this.counts);
    this.#pending = group;
    return group;
  }

  #schedule(): void {
    if (this.#flushing !== undefined || this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.defer(() => {
      this.#isScheduled = false;
      if (this.#flushing === undefined) this.#flush();
    });
  }

  #flush(): void {
    const group = this.#pending;
    if (group === undefined || this.#doubtful !== undefined) return;
    this.#pending = undefined;
    this.#flushing = group;
    const { file } = group.segment;
    assert(file !== undefined, "a segment that is written to has its file");
    // All that went to the segment before has settled.
    if (this.#left !== undefined) this.#tellLeft();
    if (group.slab.used === 0) return this.#settled(group);
    if (!group.hasValues) return this.#write(group, file);
    this.#options.hasRoom(group.slab.used, (hasRoom) => (hasRoom ? this.#write(group, file) : this.#undo("full")));
  }

  #write(group: Group, file: DiskFile): void {
    file.append(group.slab.written, (error) => {
      if (error === "full") return this.#full();
      if (error === "failed") return this.#fail();
      file.flush((flushError) => (flushError === undefined ? this.#settled(group) : this.#fail()));
    });
  }

  #settled(group: Group): void {
    this.flushes++;
    this.#flushing = undefined;
    this.#giveBack(group);
    group.settle(undefined);
    this.#goOn();
  }

  /**
   * No room: the group did not happen, nor did what was applied since, which may have been computed from what it saw. What lies there of it is cut
   * off, durably, before anybody is told.
   */
  #full(): void {
    const group = this.#flushing as Group;
    const file = group.segment.file as NonNullable<Segment["file"]>;
    file.truncate(group.base, (error) => {
      if (error !== undefined) return this.#fail();
      file.flush((flushError) => (flushError === undefined ? this.#undo("full") : this.#fail()));
    });
  }

  /** A second flush may say "done" and prove nothing: there is none. */
  #fail(): void {
    this.#undo("failed");
  }

  #undo(error: StorageError): void {
    const groups = [this.#flushing, this.#pending].filter((group) => group !== undefined);
    if (error === "failed") this.#doubtful = groups.map((group) => group.undo);
    for (const group of groups.toReversed()) {
      // What opened its segment is undone: the next group opens it.
      this.#batches.opening = group.opens ?? this.#batches.opening;
      group.revert(this.#options.index);
      // What is in doubt is remembered, and nothing comes after it.
      if (error !== "failed") this.#giveBack(group);
    }
    const first = groups[0];
    if (first !== undefined) this.#batches.goBackTo(first.before);
    this.#options.cache.clear();
    this.#flushing = undefined;
    this.#pending = undefined;
    for (const group of groups) group.settle(error);
    this.#goOn();
  }

  #giveBack({ slab, undo }: Group): void {
    slab.reset();
    undo.reset();
    this.#rooms.push({ slab, undo });
  }

  #tellLeft(): void {
    const { segment, counts } = this.#left as Left;
    this.#left = undefined;
    this.#options.onLeft(segment, counts);
  }

  #goOn(): void {
    // A batch that a callback applied has asked for a flush of its own already.
    if (this.#pending !== undefined && !this.#isScheduled && this.#flushing === undefined) this.#flush();
    this.#options.onSettled();
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.#pending !== undefined || this.#flushing !== undefined) return;
    const done = this.#onIdle;
    this.#onIdle = undefined;
    done?.();
  }
}
