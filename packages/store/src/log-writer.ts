/**
 * Writes batches to the log: everything that came while the last flush ran goes with the next, as one piece and one flush (group commit). A batch is in
 * the index, and readable, before it is on the disk.
 */
import { assert, type Batch, type MetaWrite, type RecordWrite, type StorageError } from "@kvorum/core";
import type { DiskFile } from "./disk.js";
import type { Hash64 } from "./format/hash.js";
import { high32, low32 } from "./format/hash.js";
import { listRecord, type Said } from "./list-record.js";
import {
  encodeRecord,
  HEAD_BYTES,
  isFact,
  isPinned,
  kinds,
  recordBytes,
  UNIT_BYTES,
  type Head,
} from "./format/record.js";
import { Group, type Settle, type Undo } from "./group.js";
import { encodePredecessor, type Predecessor } from "./format/predecessor.js";
import type { KeyIndex, Name } from "./index/key-index.js";
import type { RecordCache } from "./record-cache.js";
import type { Segment } from "./segment.js";
import { Slab } from "./slab.js";

export interface WriterOptions {
  readonly hash64: Hash64;
  /** Another hash of a key, that nobody can choose. */
  readonly fingerprint: (key: Uint8Array) => number;
  readonly encodeName: (name: string) => Uint8Array;
  readonly index: KeyIndex;
  readonly cache: RecordCache;
  /** Calls `run` when this turn's other batches have come too; never before it returns. */
  readonly defer: (run: () => void) => void;
  /** Whether there is room for more values: at once where that is known. */
  readonly hasRoom: (done: (hasRoom: boolean) => void) => void;
  /** A group has settled: time to look after the house. */
  readonly onSettled: () => void;
  /** The segment that a group shall go to now: the one before, or the next. */
  readonly nextSegment: (current: Segment) => Segment;
  /** All that was written to a segment is flushed, and nothing more comes. */
  readonly onLeft: (segment: Segment, counts: Counts) => void;
}

/** The store's numbers of batches and of facts, so far. */
export interface Counts {
  readonly sequence: number;
  readonly facts: number;
}

/** A segment that nothing more is written to, and the numbers at its end. */
interface Left {
  readonly segment: Segment;
  readonly counts: Counts;
}

const NOTHING = new Uint8Array(0);
const NO_DIGEST = { digestHigh: 0, digestLow: 0, mark: 0, tag: 0 };

export class LogWriter {
  readonly #options: WriterOptions;
  #active: Segment;
  /** The active segment must begin with a record that says what came before it. */
  #opening: Predecessor | undefined;
  #left: Left | undefined;
  #pending: Group | undefined;
  #flushing: Group | undefined;
  #isScheduled = false;
  readonly #slabs: Slab[] = [new Slab(), new Slab()];
  #onIdle: (() => void) | undefined;
  /** A flush failed: the groups in doubt. Nothing is taken any more. */
  #doubtful: readonly Undo[] | undefined;
  #sequence: number;
  #facts: number;
  readonly #head: { -readonly [Field in keyof Head]: Head[Field] } = {
    ...{ kind: 0, isLast: false, isMoved: false, partition: 0, keyLength: 0, valueLength: 0, tag: 0, mark: 0 },
    ...{ facts: 0, sequence: 0, hashHigh: 0, hashLow: 0, digestHigh: 0, digestLow: 0, proven: 0 },
  };
  flushes = 0;

  constructor(options: WriterOptions, active: Segment, before: Predecessor | undefined, counts: Counts) {
    this.#options = options;
    this.#active = active;
    this.#opening = before;
    this.#sequence = counts.sequence;
    this.#facts = counts.facts;
  }

  get active(): Segment {
    return this.#active;
  }

  get hasFailed(): boolean {
    return this.#doubtful !== undefined;
  }

  /** What a failed flush left in doubt. */
  get doubtful(): readonly Undo[] {
    return this.#doubtful ?? [];
  }

  get counts(): Counts {
    return { sequence: this.#sequence, facts: this.#facts };
  }

  /** The record is in memory only, so far. */
  unflushed(segment: Segment, offset: number, length: number): Uint8Array | undefined {
    return this.#flushing?.bytesAt(segment, offset, length) ?? this.#pending?.bytesAt(segment, offset, length);
  }

  apply(batch: Batch, done: Settle): void {
    if (this.#doubtful !== undefined) return done("failed");
    const { drops = [], records = [], meta = [] } = batch;
    const group = this.#groupFor();
    let left = drops.length + records.length + meta.length + (batch.heard === true ? 1 : 0);
    if (left > 0) this.#sequence++;
    for (const partition of drops) this.#drop(group, partition, --left === 0);
    for (const record of records) this.#record(group, record, --left === 0);
    for (const fact of meta) this.#fact(group, fact, --left === 0);
    if (batch.heard === true) this.#heard(group, --left === 0);
    group.settles.push(done);
    this.#schedule();
  }

  /** Writes a batch again that was found where it may not last, under the number that it had. */
  replay(batch: Batch, sequence: number): void {
    const last = this.#sequence;
    this.#sequence = sequence - 1;
    this.apply(batch, () => {});
    this.#sequence = Math.max(last, sequence);
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
      if (this.#opening === undefined) this.#opening = this.#active;
      this.#left = { segment: this.#active, counts: this.counts };
      this.#active = next;
    }
    const slab = this.#slabs.pop();
    assert(slab !== undefined, "one group is flushed and one is gathered");
    const group = new Group(this.#active, slab, this.counts);
    this.#pending = group;
    return group;
  }

  #open(group: Group): void {
    const before = this.#opening;
    if (before === undefined) return;
    this.#opening = undefined;
    group.opens = before;
    const said = { ...NO_DIGEST, kind: kinds.opened, partition: 0, high: 0, low: 0 };
    this.#append(group, said, NOTHING, encodePredecessor(before), true);
  }

  #record(group: Group, write: RecordWrite, isLast: boolean): void {
    const { index, fingerprint } = this.#options;
    const { partition, key, value, hash, digest = 0n, mark = 0, tag = 0 } = write;
    const [high, low] = [high32(hash), low32(hash)];
    const name: Name = { high, low, fingerprint: fingerprint(key) };
    if (value === undefined) {
      const said = { ...NO_DIGEST, kind: kinds.remove, partition, high, low, digestLow: name.fingerprint };
      this.#append(group, said, key, NOTHING, isLast, name.fingerprint);
      const before = index.remove(partition, name);
      group.undo.push({ kind: "entry", partition, name, before });
      return;
    }
    const said = {
      kind: kinds.put,
      partition,
      high,
      low,
      digestHigh: high32(digest),
      digestLow: low32(digest),
      mark,
      tag,
    };
    const at = this.#append(group, said, key, value, isLast, name.fingerprint);
    group.hasValues = true;
    const before = index.put(partition, group.segment.entries?.words as Uint32Array, at);
    group.undo.push({ kind: "entry", partition, name, before });
  }

  #drop(group: Group, partition: number, isLast: boolean): void {
    const { segment } = group;
    this.#open(group);
    // The place itself is the boundary: a drop that is carried on later keeps it.
    const said = { ...NO_DIGEST, kind: kinds.drop, partition, high: segment.id, low: segment.end / UNIT_BYTES };
    this.#append(group, said, NOTHING, NOTHING, isLast);
    const before = this.#options.index.drop(partition);
    if (before !== undefined) group.undo.push({ kind: "table", partition, before });
  }

  #fact(group: Group, { name, value }: MetaWrite, isLast: boolean): void {
    const { index, encodeName } = this.#options;
    const { segment } = group;
    this.#open(group);
    const key = encodeName(name);
    const kind = value === undefined ? kinds.removeFact : kinds.putFact;
    const offset = segment.end / UNIT_BYTES;
    const units = recordBytes(key.length, value?.length ?? 0) / UNIT_BYTES;
    this.#facts = (this.#facts + 1) >>> 0;
    this.#append(group, { ...NO_DIGEST, kind, partition: 0, high: 0, low: 0 }, key, value ?? NOTHING, isLast);
    const copy = value?.slice();
    segment.entries?.facts.push({ name, value: copy, offset, units });
    const fact = copy === undefined ? undefined : { value: copy, slot: segment.slot, offset, units };
    group.undo.push({ kind: "fact", name, before: index.setFact(name, fact) });
  }

  #heard(group: Group, isLast: boolean): void {
    this.#append(group, { ...NO_DIGEST, kind: kinds.heard, partition: 0, high: 0, low: 0 }, NOTHING, NOTHING, isLast);
  }

  /** Writes a record into the group and lists it for the index file; gives where its words begin in that list. */
  #append(group: Group, said: Said, key: Uint8Array, value: Uint8Array, isLast: boolean, fingerprint = 0): number {
    this.#open(group);
    const { segment, slab } = group;
    const length = recordBytes(key.length, value.length);
    const offset = segment.end;
    const at = slab.take(length);
    slab.bytes.fill(0, at + HEAD_BYTES + key.length + value.length, at + length);
    const { kind } = said;
    const head = this.#headOf(said, key.length, value.length, isLast, group.base);
    encodeRecord(this.#options.hash64, slab.bytes, slab.view, at, segment.id, offset, head, key, value);
    segment.end += length;
    if (kind === kinds.put)
      this.#options.cache.add(segment.id, offset / UNIT_BYTES, slab.bytes.subarray(at, at + length));
    else if (isPinned(kind)) segment.pin(length / UNIT_BYTES);
    return isFact(kind) ? -1 : listRecord(segment, said, fingerprint, offset, length);
  }

  /** Always the same object: this is done for every record. */
  #headOf(said: Said, keyLength: number, valueLength: number, isLast: boolean, proven: number): Head {
    const head = this.#head;
    head.kind = said.kind;
    head.isLast = isLast;
    head.partition = said.partition;
    head.keyLength = keyLength;
    head.valueLength = valueLength;
    head.tag = said.tag;
    head.mark = said.mark;
    head.facts = this.#facts;
    head.sequence = this.#sequence;
    head.hashHigh = said.high;
    head.hashLow = said.low;
    head.digestHigh = said.digestHigh;
    head.digestLow = said.digestLow;
    head.proven = proven;
    return head;
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
    this.#options.hasRoom((hasRoom) => (hasRoom ? this.#write(group, file) : this.#undo("full")));
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
    if (error === "failed") this.#doubtful = groups.flatMap((group) => group.undo);
    for (const group of groups.toReversed()) {
      // What opened its segment is undone: the next group opens it.
      this.#opening = group.opens ?? this.#opening;
      group.revert(this.#options.index);
      this.#giveBack(group);
    }
    const first = groups[0];
    if (first !== undefined) [this.#sequence, this.#facts] = [first.before.sequence, first.before.facts];
    this.#options.cache.clear();
    this.#flushing = undefined;
    this.#pending = undefined;
    for (const group of groups) group.settle(error);
    this.#goOn();
  }

  #giveBack(group: Group): void {
    group.slab.reset();
    this.#slabs.push(group.slab);
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
