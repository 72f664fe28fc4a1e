/** Looks after the segments: keeps the next one ready, writes index files, merges, and sees to it that a full disk leaves room for that. */
import { Brake } from "./brake.js";
import type { Disk, DiskError } from "./disk.js";
import type { Hash64 } from "./format/hash.js";
import type { KeyIndex } from "./index/key-index.js";
import type { Counts } from "./batch-writer.js";
import type { LogWriter } from "./log-writer.js";
import { Merge } from "./merge.js";
import type { Pace } from "./merge-output.js";
import { hasteAt, planMerge, spaceBounds, type SegmentStats, type SpaceBounds } from "./merge-plan.js";
import type { Segment, SegmentSet } from "./segment.js";
import type { SegmentFiles } from "./segment-files.js";
import { run, wait, type Task } from "./task.js";

export interface HouseOptions {
  readonly disk: Disk;
  readonly hash64: Hash64;
  readonly encodeName: (name: string) => Uint8Array;
  readonly index: KeyIndex;
  readonly segments: SegmentSet;
  readonly files: SegmentFiles;
  readonly segmentBytes: number;
  readonly spaceTarget: number;
  /** Writes are refused when no more than so much is free. */
  readonly reserveBytes: number;
  readonly pace: Pace;
}

const INPUTS_MAX = 8;
/** The next segment is made when the active one is filled so far. */
const SPARE_AT = 0.5;
/** Whether to merge is asked again after so many bytes, as a share of a segment. */
const LOOK_SHARE = 1 / 64;
/** For what can't wait, as a share of a segment. */
const MARGIN_SHARE = 1 / 8;
/** Bytes written for each that is copied, however little room there is: writes go on. */
const WRITES_LEAST = 1 / 4;

export class House {
  readonly #options: HouseOptions;
  #writer: LogWriter | undefined;
  #spare: Segment | undefined;
  #isMaking = false;
  #isMerging = false;
  #isAsking = false;
  /** A merge that found no room. */
  #unfinished: Merge | undefined;
  /** Of the merge that is under way, and whether it copies just now. */
  #inputs: readonly Segment[] = [];
  #isCopying = false;
  /** Merges that wait for what was applied. */
  #barriers = 0;
  readonly #brake = new Brake((bytes) => this.#perCopied(bytes));
  #closings = 0;
  #isClosing = false;
  /** The active segment shall be left at the next chance. */
  #mustTurn = false;
  #lookedAtBytes = 0;
  #freeBytes = Number.POSITIVE_INFINITY;
  #onQuiet: (() => void) | undefined;
  mergedBytes = 0;
  merges = 0;
  damagedRecords = 0;

  constructor(options: HouseOptions) {
    this.#options = options;
  }

  /** The writer, once there is one. */
  start(writer: LogWriter): void {
    this.#writer = writer;
    this.#ask();
    this.look();
  }

  /** No room but for merging. */
  get isTight(): boolean {
    return this.#freeBytes <= this.#options.reserveBytes;
  }

  get #bounds(): SpaceBounds {
    const { segmentBytes, spaceTarget, segments } = this.#options;
    return spaceBounds(segments.liveBytes, { segmentBytes, spaceTarget, isTight: this.isTight });
  }

  get #haste(): number {
    return this.isTight ? 1 : hasteAt(this.#options.segments.totalBytes, this.#bounds);
  }

  /** How many bytes may be written for each that is copied, for the brake: nothing waits unless what goes on will leave room. */
  #perCopied(bytes: number): number {
    if ((!this.#isMerging && this.#closings === 0) || this.#barriers > 0) return Number.POSITIVE_INFINITY;
    const { segmentBytes, segments } = this.#options;
    const room = this.#bounds.mostBytes - segments.totalBytes - segmentBytes * MARGIN_SHARE;
    const left = this.#inputs.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
    if (!this.#isCopying || left === 0) return room >= bytes ? Number.POSITIVE_INFINITY : 0;
    return Math.max(WRITES_LEAST, (room - left) / left);
  }

  get isBusy(): boolean {
    return this.#isMaking || this.#isMerging || this.#closings > 0;
  }

  /** Where the next group shall go. */
  nextSegment(current: Segment): Segment {
    const spare = this.#spare;
    if (spare === undefined || (current.end < this.#options.segmentBytes && !this.#mustTurn)) return current;
    this.#spare = undefined;
    this.#mustTurn = false;
    return spare;
  }

  /** Everything that was written to the segment is flushed, and nothing more comes. */
  left(segment: Segment, counts: Counts): void {
    const { files, index } = this.#options;
    this.#closings++;
    // An index file that could not be written is missed at the next start only, which then reads the segment.
    const close = files.alone(() => files.close(segment, counts, index));
    run(close, () => {
      this.#closings--;
      this.#brake.release();
      this.#tellQuiet();
      this.mergeIfDue();
    });
  }

  /** A group has settled: there may be something to do. */
  look(): void {
    const writer = this.#writer;
    if (writer === undefined || writer.hasFailed || this.#isClosing) return;
    const { segmentBytes, segments } = this.#options;
    if (this.#spare === undefined && !this.#isMaking && writer.active.end > segmentBytes * SPARE_AT) this.#makeSpare();
    const total = segments.totalBytes;
    const isDue = Math.abs(total - this.#lookedAtBytes) > segmentBytes * LOOK_SHARE || this.isTight;
    if (!isDue) return;
    this.#lookedAtBytes = total;
    this.#ask();
    this.mergeIfDue();
  }

  mergeIfDue(): void {
    if (this.#isMerging || this.#isClosing) return;
    if (this.#unfinished === undefined && this.#plan().length === 0) return;
    this.#isMerging = true;
    run(this.#merge(), (error) => {
      this.#isMerging = false;
      this.#isCopying = false;
      this.#brake.release();
      this.#tellQuiet();
      if (error === undefined) this.mergeIfDue();
    });
  }

  /** `done` when nothing is under way any more; nothing new is begun. */
  close(done: () => void): void {
    this.#isClosing = true;
    this.#onQuiet = done;
    this.#tellQuiet();
  }

  #tellQuiet(): void {
    if (!this.#isClosing || this.isBusy) return;
    const done = this.#onQuiet;
    this.#onQuiet = undefined;
    done?.();
  }

  /** Whether there is room for more values, once merging has left some. Where the disk had none, it is asked anew. */
  hasRoom(bytes: number, done: (hasRoom: boolean) => void): void {
    if (!this.isTight) return this.#brake.pass(bytes, () => done(true));
    this.#options.disk.freeBytes((bytes) => {
      this.#freeBytes = bytes ?? Number.POSITIVE_INFINITY;
      done(!this.isTight);
    });
  }

  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#options.disk.freeBytes((bytes) => {
      this.#isAsking = false;
      this.#freeBytes = bytes ?? Number.POSITIVE_INFINITY;
    });
  }

  #makeSpare(): void {
    this.#isMaking = true;
    run(this.#create(), (made) => {
      this.#isMaking = false;
      if (typeof made !== "string") this.#spare = made;
      this.#tellQuiet();
    });
  }

  #create(): Task<Segment | DiskError> {
    const { files } = this.#options;
    return files.alone(() => files.create());
  }

  #closed(): readonly Segment[] {
    return this.#options.segments.all.filter(({ isClosed }) => isClosed);
  }

  #plan(): readonly number[] {
    const { segmentBytes, spaceTarget, segments } = this.#options;
    const stats: SegmentStats[] = [];
    const active = { bytes: 0, liveBytes: 0 };
    for (const { id, bytes, liveBytes, pinnedBytes, isClosed } of segments.all) {
      if (isClosed) stats.push({ id, bytes, liveBytes, pinnedBytes });
      else [active.bytes, active.liveBytes] = [active.bytes + bytes, active.liveBytes + liveBytes];
    }
    const { isTight } = this;
    return planMerge(stats, active, { segmentBytes, spaceTarget, isTight, inputsMax: INPUTS_MAX });
  }

  *#merge(): Task<DiskError | undefined> {
    const { files } = this.#options;
    if (this.#unfinished !== undefined) {
      const unfinished = yield* this.#unfinished.finish();
      if (unfinished !== undefined) return unfinished;
      this.#unfinished = undefined;
    }
    const isEmpty = ({ liveRecords, pinnedRecords }: Segment): boolean => liveRecords === 0 && pinnedRecords === 0;
    const empty = this.#closed().filter(isEmpty);
    if (empty.length > 0) {
      // What replaced their records must be on the disk before they go; of those that are empty only since, that is not known.
      if (!(yield* wait<boolean>((done) => this.#barrier(done)))) return "failed";
      return yield* files.alone(() => files.discard(empty.filter(isEmpty)));
    }
    const plan = this.#plan();
    const inputs = this.#closed().filter(({ id }) => plan.includes(id));
    const output = yield* this.#turn();
    if (typeof output === "string") return output;
    const barrier = (done: (isWhole: boolean) => void): void => this.#barrier(done);
    const shared = {
      ...{ ...this.#options, barrier, counts: () => this.#counts(), haste: () => this.#haste },
      onStep: (bytes: number) => this.#stepped(bytes),
    };
    const merge = new Merge(shared, inputs, output);
    this.#inputs = inputs;
    const error = yield* merge.run();
    if (error !== undefined && !output.isClosed) this.#unfinished = merge;
    this.mergedBytes += merge.copiedBytes;
    this.merges++;
    this.damagedRecords += merge.damagedRecords;
    return error;
  }

  #stepped(copiedBytes: number): void {
    this.#isCopying = copiedBytes > 0;
    if (this.#isCopying) this.#brake.copied(copiedBytes);
    else this.#brake.look();
  }

  /** A segment for copies, behind all that is closed, with the log going on behind it. */
  *#turn(): Task<Segment | DiskError> {
    const output = this.#spare ?? (yield* this.#create());
    this.#spare = undefined;
    if (typeof output === "string") return output;
    const next = yield* this.#create();
    if (typeof next === "string") {
      // Nothing was written to it: it serves as the next one after all.
      this.#spare = output;
      return next;
    }
    this.#spare = next;
    this.#mustTurn = true;
    while (this.#mustTurn) if (!(yield* wait<boolean>((done) => this.#barrier(done)))) return "failed";
    return output;
  }

  #barrier(done: (isWhole: boolean) => void): void {
    this.#barriers++;
    // What is held lies before it.
    this.#brake.release();
    this.#writer?.apply({}, (error) => {
      this.#barriers--;
      done(error === undefined);
    });
  }

  #counts(): Counts {
    return this.#writer?.counts ?? { sequence: 0, facts: 0 };
  }
}
