/** The segments of a store as they are known in memory: their files, what of them is live, and the slots by which the index names them. */
import { assert } from "@kvorum/core";
import type { DiskFile } from "./disk.js";
import { EntryList, LISTED_BYTES } from "./format/entry-list.js";
import { UNIT_BYTES } from "./format/record.js";

export class Segment {
  /** Bytes that are on their way or on the disk; appends go on here. */
  end: number;
  /** Records that the index names, facts included, and their size in units. */
  liveRecords = 0;
  liveUnits = 0;
  /** Removals and the like: dead weight that must stay while an older segment may hold what they remove. */
  pinnedRecords = 0;
  pinnedUnits = 0;
  /** Damage was found in it. */
  isDamaged = false;
  /** Nothing is appended any more, and its index file is on the disk. */
  isClosed = false;
  /** Of the list in its index file, once there is one. */
  indexBytes = 0;
  /** What its index file will say; dropped once that is written. */
  entries: EntryList | undefined;
  /** Undefined: the file is gone, and all that the index knows of it is damaged. */
  readonly file: DiskFile | undefined;
  #readers = 0;
  #onIdle: (() => void) | undefined;

  constructor(
    readonly id: number,
    readonly slot: number,
    file: DiskFile | undefined,
    end: number,
  ) {
    this.file = file;
    this.end = end;
  }

  /** On the disk, with the index file that it has or will have. */
  get bytes(): number {
    return this.end + (this.entries === undefined ? this.indexBytes : this.entries.bytes);
  }

  /** Records with what index files say of them: what would be left if nothing were dead. */
  get liveBytes(): number {
    return this.liveUnits * UNIT_BYTES + this.liveRecords * LISTED_BYTES;
  }

  get pinnedBytes(): number {
    return this.pinnedUnits * UNIT_BYTES + this.pinnedRecords * LISTED_BYTES;
  }

  gain(units: number): void {
    this.liveRecords++;
    this.liveUnits += units;
  }

  lose(units: number): void {
    this.liveRecords--;
    this.liveUnits -= units;
    assert(this.liveRecords >= 0, "a segment has no fewer than no live records");
  }

  pin(units: number): void {
    this.pinnedRecords++;
    this.pinnedUnits += units;
  }

  read(at: number, length: number, done: (bytes: Uint8Array | undefined) => void): void {
    if (this.file === undefined) return done(undefined);
    this.#readers++;
    this.file.read(at, length, (bytes) => {
      this.#readers--;
      done(bytes);
      if (this.#readers === 0) this.#onIdle?.();
    });
  }

  /** Closes the file once nobody reads it any more. */
  release(done: () => void): void {
    const close = (): void => {
      this.#onIdle = undefined;
      if (this.file === undefined) done();
      else this.file.close(done);
    };
    if (this.#readers > 0) this.#onIdle = close;
    else close();
  }
}

const SLOTS_MAX = 0xffff;

export class SegmentSet {
  readonly #bySlot: (Segment | undefined)[] = [undefined];
  /** In the order of their ids: later is newer. */
  #ordered: Segment[] = [];
  /** Bytes of files that are still there though no segment of the store any more. */
  #leavingBytes = 0;

  get all(): readonly Segment[] {
    return this.#ordered;
  }

  /** All that is on the disk. */
  get totalBytes(): number {
    return this.#ordered.reduce((sum, { bytes }) => sum + bytes, this.#leavingBytes);
  }

  get liveBytes(): number {
    return this.#ordered.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
  }

  at(slot: number): Segment {
    const segment = this.#bySlot[slot];
    assert(segment !== undefined, "the index names segments that are there");
    return segment;
  }

  add(id: number, file: DiskFile | undefined, end: number): Segment {
    let slot = 1;
    while (this.#bySlot[slot] !== undefined) slot++;
    assert(slot <= SLOTS_MAX, "a store has at most 65,535 segments");
    const segment = new Segment(id, slot, file, end);
    segment.entries = new EntryList();
    this.#bySlot[slot] = segment;
    this.#ordered.push(segment);
    this.#ordered.sort((a, b) => a.id - b.id);
    return segment;
  }

  remove(segment: Segment): void {
    assert(segment.liveRecords === 0, "a segment that goes holds nothing that is live");
    this.#bySlot[segment.slot] = undefined;
    this.#ordered = this.#ordered.filter((other) => other !== segment);
    this.#leavingBytes += segment.bytes;
  }

  /** The files of one that was removed are gone too. */
  gone(segment: Segment): void {
    this.#leavingBytes -= segment.bytes;
  }
}
