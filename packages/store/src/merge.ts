/**
 * Merging: copies what is live in some closed segments into a new one and gives their space back. Reads and writes go on; a process that ends anywhere
 * in between leaves either the old segments or both, and the copies are the same records.
 *
 * Order carries the meaning: a record in a later segment is newer. The new segment lies behind every closed one and before the one that is written to
 * while it is made; so what is live when it is looked at is the newest there is below it, and whatever replaces it comes behind.
 */
import { assert, limits } from "@kvorum/core";
import type { DiskError } from "./disk.js";
import { LISTED_WORDS, listed, type EntryList } from "./format/entry-list.js";
import type { Hash64 } from "./format/hash.js";
import {
  decodeHead,
  encodeRecord,
  isFact,
  isPinned,
  keyOf,
  kinds,
  recordBytes,
  UNIT_BYTES,
  valueOf,
  type Head,
} from "./format/record.js";
import { nameAt, type KeyIndex, type Name } from "./index/key-index.js";
import { listRecord } from "./list-record.js";
import { ENTRY_WORDS, FLAG_DAMAGED, SIZE_MAX, word } from "./index/partition-table.js";
import type { Counts } from "./log-writer.js";
import type { Segment, SegmentSet } from "./segment.js";
import type { SegmentFiles } from "./segment-files.js";
import { Slab } from "./slab.js";
import { wait, type Task } from "./task.js";
import { Window } from "./window.js";

/** Calls `go` when merging may copy so many bytes; within the call, or later. `isUrgent`: space is short. */
export type Pace = (bytes: number, isUrgent: boolean, go: () => void) => void;

export interface MergeOptions {
  readonly hash64: Hash64;
  readonly encodeName: (name: string) => Uint8Array;
  readonly index: KeyIndex;
  readonly segments: SegmentSet;
  readonly files: SegmentFiles;
  readonly counts: () => Counts;
  /** Everything that was applied until now has settled; false where it failed and the store is at its end. */
  readonly barrier: (done: (isWhole: boolean) => void) => void;
  readonly isUrgent: () => boolean;
  readonly pace: Pace;
}

/** A live entry, and where it is. */
interface Live {
  readonly partition: number;
  readonly entry: Uint32Array;
}

/** The copy of an entry, in the new segment but not flushed yet. */
interface Copy extends Live {
  readonly offset: number;
  readonly isDamaged: boolean;
}

export class Merge {
  readonly #options: MergeOptions;
  readonly #inputs: readonly Segment[];
  readonly #output: Segment;
  readonly #slab = new Slab();
  #copies: Copy[] = [];
  #facts: { readonly name: string; readonly offset: number; readonly units: number }[] = [];
  /** What of the output is flushed, and what was listed and pinned then. */
  #flushed: Flushed;
  copiedBytes = 0;
  /** Records that could not be copied, for they could not be read. */
  damagedRecords = 0;

  constructor(options: MergeOptions, inputs: readonly Segment[], output: Segment) {
    this.#options = options;
    this.#inputs = inputs;
    this.#output = output;
    this.#flushed = flushedOf(output);
  }

  /** Undefined where all went well; else {@link finish} comes before any other merge, for the copies that were made are used already. */
  *run(): Task<DiskError | undefined> {
    let error: DiskError | undefined;
    for (const input of this.#inputs) error ??= yield* this.#copyPinned(input);
    // What was replaced when it was looked at is live again where the replacement found no room: looked at until nothing is left.
    for (let isLeft = true; isLeft && error === undefined;) {
      error = yield* this.#copyLive();
      if (error === undefined && !(yield* wait<boolean>((done) => this.#options.barrier(done)))) return "failed";
      isLeft = this.#inputs.some(({ liveRecords }) => liveRecords > 0);
    }
    error ??= yield* this.#seal();
    if (error !== undefined) return error;
    const gone = [...this.#inputs];
    if (this.#output.liveRecords === 0 && this.#output.pinnedRecords === 0) gone.push(this.#output);
    const { files } = this.#options;
    return yield* files.alone(() => files.discard(gone));
  }

  /**
   * Closes the output of a merge that found no room, with the copies that are on the disk. Until then nothing may be taken away: a start does not believe
   * in the copies of a segment that was not sealed.
   */
  *finish(): Task<DiskError | undefined> {
    const output = this.#output;
    const { end, entries, facts, pinned } = this.#flushed;
    this.#slab.reset();
    this.#copies = [];
    this.#facts = [];
    output.end = end;
    output.entries?.cut(entries, facts);
    [output.pinnedRecords, output.pinnedUnits] = pinned;
    const { file } = output;
    assert(file !== undefined, "a segment that is written to has its file");
    const error = yield* wait<DiskError | undefined>((done) => file.truncate(end, done));
    return error ?? (yield* this.#seal());
  }

  *#copyLive(): Task<DiskError | undefined> {
    const { index } = this.#options;
    const slots = new Set(this.#inputs.map(({ slot }) => slot));
    const bySlot = new Map<number, Live[]>(this.#inputs.map(({ slot }) => [slot, []]));
    for (const partition of [...index.partitions]) {
      const entries = index.all(partition);
      for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
        const slot = (entries[at + word.slotAndSize] as number) >>> 16;
        if (slots.has(slot)) bySlot.get(slot)?.push({ partition, entry: entries.slice(at, at + ENTRY_WORDS) });
      }
      yield* this.#breathe(0);
    }
    for (const input of this.#inputs) {
      const live = bySlot.get(input.slot) ?? [];
      live.sort((a, b) => (a.entry[word.offset] as number) - (b.entry[word.offset] as number));
      const error = (yield* this.#copyEntries(input, live)) ?? (yield* this.#copyFacts(input));
      if (error !== undefined) return error;
    }
    return yield* this.#flush();
  }

  *#copyEntries(input: Segment, live: readonly Live[]): Task<DiskError | undefined> {
    const window = new Window(input, input.end);
    for (const one of live) {
      const { partition, entry } = one;
      const current = this.#options.index.find(partition, nameAt(entry, 0));
      if (current?.[word.offset] !== entry[word.offset] || current?.[6] !== entry[6]) continue;
      const found = yield* this.#recordOf(window, input, entry);
      const offset = this.#output.end;
      if (found === undefined) this.#addMarker(one);
      else this.#add(found.head, found.key, found.value, (entry[word.fingerprint] as number) >>> 0);
      this.#copies.push({ partition, entry, offset, isDamaged: found === undefined });
      const error = yield* this.#flushSlice();
      if (error !== undefined) return error;
    }
    return undefined;
  }

  *#recordOf(
    window: Window,
    input: Segment,
    entry: Uint32Array,
  ): Task<{ readonly head: Head; readonly key: Uint8Array; readonly value: Uint8Array } | undefined> {
    const { hash64 } = this.#options;
    const at = (entry[word.offset] as number) * UNIT_BYTES;
    const units = (entry[word.slotAndSize] as number) & SIZE_MAX;
    if (((entry[word.marks] as number) & FLAG_DAMAGED) !== 0) return undefined;
    let bytes = yield* window.at(at, units * UNIT_BYTES);
    let view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const head = decodeHead(hash64, bytes, view, 0, { segment: input.id, offset: at });
    if (head?.kind !== kinds.put || head.hashHigh !== entry[0] || head.hashLow !== entry[1]) return undefined;
    bytes = yield* window.at(at, recordBytes(head.keyLength, head.valueLength));
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const value = valueOf(hash64, bytes, view, 0, head);
    return value === undefined ? undefined : { head, key: keyOf(bytes, 0, head), value };
  }

  *#copyFacts(input: Segment): Task<DiskError | undefined> {
    const { index, encodeName } = this.#options;
    const held = [...index.facts].filter(([, { slot }]) => slot === input.slot);
    for (const [name, fact] of held) {
      if (index.fact(name) !== fact) continue;
      const key = encodeName(name);
      const offset = this.#output.end;
      const isDamaged = fact.value === undefined;
      const kind = isDamaged ? kinds.damagedFact : kinds.putFact;
      this.#add(
        headOf({ kind, keyLength: key.length, valueLength: fact.value?.length ?? 0 }),
        key,
        fact.value ?? NOTHING,
        0,
      );
      const units = recordBytes(key.length, fact.value?.length ?? 0) / UNIT_BYTES;
      const place = { offset: offset / UNIT_BYTES, units };
      this.#output.entries?.facts.push({ name, value: fact.value, isDamaged, ...place });
      this.#facts.push({ name, ...place });
      const error = yield* this.#flushSlice();
      if (error !== undefined) return error;
    }
    return undefined;
  }

  /** Removals and drops stay while a segment older than theirs, that is not merged here, may hold what they remove. */
  *#copyPinned(input: Segment): Task<DiskError | undefined> {
    if (input.pinnedRecords === 0) return undefined;
    const file = yield* this.#options.files.readIndex(input);
    if (file === undefined) return "failed";
    const window = new Window(input, input.end);
    for (const at of this.#pinnedOf(file.entries)) {
      const error = yield* this.#copyPinnedRecord(window, input, file.entries.words, at);
      if (error !== undefined) return error;
    }
    for (const { name, value, isDamaged } of file.entries.facts) {
      const isRemoval = value === undefined && isDamaged !== true;
      if (isRemoval && this.#options.index.fact(name) === undefined && this.#hasOlder(input.id))
        this.#addFactRemoval(name);
    }
    return yield* this.#flush();
  }

  *#pinnedOf(entries: EntryList): Iterable<number> {
    for (let i = 0; i < entries.length; i++) {
      const at = i * LISTED_WORDS;
      const kind = (entries.words[at + listed.partitionAndKind] as number) & 0xffff;
      if (kind === kinds.remove || kind === kinds.drop || kind === kinds.heard) yield at;
    }
  }

  *#copyPinnedRecord(window: Window, input: Segment, words: Uint32Array, at: number): Task<DiskError | undefined> {
    const { index, hash64 } = this.#options;
    const partitionAndKind = words[at + listed.partitionAndKind] as number;
    const [partition, kind] = [partitionAndKind >>> 16, partitionAndKind & 0xffff];
    const offset = (words[at + listed.offset] as number) * UNIT_BYTES;
    const drop = kind === kinds.drop;
    const since = drop ? (words[at + listed.hashHigh] as number) : input.id;
    if (!this.#hasOlder(since)) return undefined;
    // A key that is there again has a record behind this removal.
    if (kind === kinds.remove && index.find(partition, nameAt(words, at)) !== undefined) return undefined;
    const bytes = yield* window.at(offset, (words[at + listed.size] as number) * UNIT_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const head = decodeHead(hash64, bytes, view, 0, { segment: input.id, offset });
    const said = head ?? headFromWords(words, at, kind, partition);
    const key = head === undefined ? NOTHING : keyOf(bytes, 0, head);
    this.#add({ ...said, keyLength: key.length }, key, NOTHING, words[at + listed.fingerprint] as number);
    return yield* this.#flushSlice();
  }

  #addFactRemoval(name: string): void {
    const key = this.#options.encodeName(name);
    const offset = this.#output.end / UNIT_BYTES;
    this.#add(headOf({ kind: kinds.removeFact, keyLength: key.length, valueLength: 0 }), key, NOTHING, 0);
    const units = recordBytes(key.length, 0) / UNIT_BYTES;
    this.#output.entries?.facts.push({ name, value: undefined, offset, units });
  }

  #hasOlder(id: number): boolean {
    return this.#options.segments.all.some((other) => other.id < id && !this.#inputs.includes(other));
  }

  /** What stands for a record that can't be read: its key stays "don't know" when the segment that it lay in has gone. */
  #addMarker({ partition, entry }: Live): void {
    const head: Head = {
      ...headOf({ kind: kinds.damaged, keyLength: 0, valueLength: 0 }),
      ...{ partition, hashHigh: entry[0] as number, hashLow: entry[1] as number },
      digestLow: entry[word.fingerprint] as number,
    };
    this.#add(head, NOTHING, NOTHING, head.digestLow);
    this.damagedRecords++;
  }

  #add(from: Head, key: Uint8Array, value: Uint8Array, fingerprint: number): void {
    const output = this.#output;
    const length = recordBytes(key.length, value.length);
    const offset = output.end;
    const at = this.#slab.take(length);
    this.#slab.bytes.fill(0, at, at + length);
    const { facts } = this.#options.counts();
    const head = { ...from, isLast: true, isMoved: true, facts, proven: offset - at };
    const { bytes, view } = this.#slab;
    encodeRecord(this.#options.hash64, bytes, view, at, output.id, offset, head, key, value);
    output.end += length;
    if (isPinned(head.kind)) output.pin(length / UNIT_BYTES);
    if (isFact(head.kind)) return;
    const said = { ...head, high: head.hashHigh, low: head.hashLow };
    listRecord(output, said, fingerprint, offset, length);
  }

  *#flushSlice(): Task<DiskError | undefined> {
    return this.#slab.used < limits.mergeSliceBytes ? undefined : yield* this.#flush();
  }

  /** The copies are on the disk; from now on the index names them. */
  *#flush(): Task<DiskError | undefined> {
    const { used } = this.#slab;
    if (used === 0) return undefined;
    yield* this.#breathe(used);
    const { file } = this.#output;
    assert(file !== undefined, "a segment that is written to has its file");
    let error = yield* wait<DiskError | undefined>((done) => file.append(this.#slab.written, done));
    error ??= yield* wait<DiskError | undefined>((done) => file.flush(done));
    if (error !== undefined) return error;
    this.#slab.reset();
    this.#flushed = flushedOf(this.#output);
    this.copiedBytes += used;
    for (const copy of this.#copies) this.#switch(copy);
    this.#copies = [];
    const { index } = this.#options;
    for (const { name, offset, units } of this.#facts) {
      const fact = index.fact(name);
      const isStill = fact !== undefined && this.#inputs.some(({ slot }) => slot === fact.slot);
      if (isStill) index.setFact(name, { value: fact.value, slot: this.#output.slot, offset, units });
    }
    this.#facts = [];
    return undefined;
  }

  #switch({ partition, entry, offset, isDamaged }: Copy): void {
    const { index } = this.#options;
    const name: Name = nameAt(entry, 0);
    if (!isDamaged) {
      index.move(partition, name, entry, this.#output.slot, offset / UNIT_BYTES);
      return;
    }
    const current = index.find(partition, name);
    if (current?.[word.offset] !== entry[word.offset] || current?.[6] !== entry[6]) return;
    const marker = entry.slice();
    marker[word.offset] = offset / UNIT_BYTES;
    marker[word.slotAndSize] = (this.#output.slot << 16) | (recordBytes(0, 0) / UNIT_BYTES);
    marker[word.marks] = (entry[word.marks] as number) | FLAG_DAMAGED;
    index.put(partition, marker);
  }

  /** The last record says that all before it is flushed; then the index file. */
  *#seal(): Task<DiskError | undefined> {
    this.#add(headOf({ kind: kinds.sealed, keyLength: 0, valueLength: 0 }), NOTHING, NOTHING, 0);
    const error = yield* this.#flush();
    if (error !== undefined) return error;
    const { files, index } = this.#options;
    return yield* files.alone(() => files.close(this.#output, { sequence: 0, facts: 0 }, index));
  }

  *#breathe(bytes: number): Task<void> {
    yield* wait<void>((done) => this.#options.pace(bytes, this.#options.isUrgent(), done));
  }
}

interface Flushed {
  readonly end: number;
  readonly entries: number;
  readonly facts: number;
  readonly pinned: readonly [number, number];
}

function flushedOf({ end, entries, pinnedRecords, pinnedUnits }: Segment): Flushed {
  const pinned = [pinnedRecords, pinnedUnits] as const;
  return { end, entries: entries?.length ?? 0, facts: entries?.facts.length ?? 0, pinned };
}

const NOTHING = new Uint8Array(0);

function headOf(said: { readonly kind: number; readonly keyLength: number; readonly valueLength: number }): Head {
  return {
    ...said,
    ...{ isLast: true, isMoved: true, partition: 0, tag: 0, mark: 0, facts: 0, sequence: 0, proven: 0 },
    ...{ hashHigh: 0, hashLow: 0, digestHigh: 0, digestLow: 0 },
  };
}

/** A removal whose own record was damaged: the index file knows what it removed, but for the key's name. */
function headFromWords(words: Uint32Array, at: number, kind: number, partition: number): Head {
  return {
    ...headOf({ kind, keyLength: 0, valueLength: 0 }),
    ...{ partition, hashHigh: words[at] as number, hashLow: words[at + 1] as number },
    digestLow: words[at + listed.fingerprint] as number,
  };
}
