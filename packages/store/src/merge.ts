/**
 * Merging: copies what is live in some closed segments into a new one and gives their space back. Reads and writes go on; a process that ends anywhere
 * in between leaves either the old segments or both, and the copies are the same records.
 *
 * Order carries the meaning: a record in a later segment is newer. The new segment lies behind every closed one and before the one that is written to
 * while it is made; so what is live when it is looked at is the newest there is below it, and whatever replaces it comes behind.
 */
import type { DiskError } from "./disk.js";
import { decodeHead, keyOf, kinds, recordBytes, UNIT_BYTES, valueOf, type Head } from "./format/record.js";
import { nameAt } from "./index/key-index.js";
import { ENTRY_WORDS, FLAG_DAMAGED, SIZE_MAX, word } from "./index/partition-table.js";
import { LiveList } from "./live-list.js";
import { headOf, MergeOutput, NOTHING, type OutputOptions } from "./merge-output.js";
import { PinnedCopier } from "./merge-pinned.js";
import type { Segment, SegmentSet } from "./segment.js";
import { wait, type Task } from "./task.js";
import { Window } from "./window.js";

export interface MergeOptions extends OutputOptions {
  readonly encodeName: (name: string) => Uint8Array;
  readonly segments: SegmentSet;
  /** Everything that was applied until now has settled; false where it failed and the store is at its end. */
  readonly barrier: (done: (isWhole: boolean) => void) => void;
}

/** The copy of an entry, in the new segment but not flushed yet. */
interface Copy {
  readonly partition: number;
  readonly entry: Uint32Array;
  readonly offset: number;
  readonly isDamaged: boolean;
}

interface FactCopy {
  readonly name: string;
  readonly offset: number;
  readonly units: number;
}

interface WholeRecord {
  readonly head: Head;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class Merge {
  readonly #options: MergeOptions;
  readonly #inputs: readonly Segment[];
  readonly #output: MergeOutput;
  #copies: Copy[] = [];
  #facts: FactCopy[] = [];
  /** Records that could not be copied, for they could not be read. */
  damagedRecords = 0;

  constructor(options: MergeOptions, inputs: readonly Segment[], output: Segment) {
    this.#options = options;
    this.#inputs = inputs;
    this.#output = new MergeOutput(options, output, () => this.#switchAll());
  }

  get copiedBytes(): number {
    return this.#output.copiedBytes;
  }

  /** Undefined where all went well; else {@link finish} comes before any other merge, for the copies that were made are used already. */
  *run(): Task<DiskError | undefined> {
    const { files, segments } = this.#options;
    const hasOlder = (id: number): boolean =>
      segments.all.some((other) => other.id < id && !this.#inputs.includes(other));
    const pinned = new PinnedCopier({ ...this.#options, hasOlder }, this.#output);
    let error: DiskError | undefined;
    for (const input of this.#inputs) error ??= yield* pinned.copy(input);
    // What was replaced when it was looked at is live again where the replacement found no room: looked at until nothing is left.
    for (let isLeft = true; isLeft && error === undefined;) {
      error = yield* this.#copyLive();
      if (error === undefined && !(yield* wait<boolean>((done) => this.#options.barrier(done)))) return "failed";
      isLeft = this.#inputs.some(({ liveRecords }) => liveRecords > 0);
    }
    error ??= yield* this.#output.seal();
    if (error !== undefined) return error;
    // A new segment that is empty by now stays: what emptied it may not be on the disk yet.
    return yield* files.alone(() => files.discard(this.#inputs));
  }

  /**
   * Closes the output of a merge that found no room, with the copies that are on the disk. Until then nothing may be taken away: a start does not believe
   * in the copies of a segment that was not sealed.
   */
  *finish(): Task<DiskError | undefined> {
    this.#copies = [];
    this.#facts = [];
    return (yield* this.#output.cutBack()) ?? (yield* this.#output.seal());
  }

  *#copyLive(): Task<DiskError | undefined> {
    const { index } = this.#options;
    const bySlot = new Map<number, LiveList>(this.#inputs.map(({ slot }) => [slot, new LiveList()]));
    for (const partition of [...index.partitions]) {
      const entries = index.all(partition);
      for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
        bySlot.get((entries[at + word.slotAndSize] as number) >>> 16)?.add(partition, entries, at);
      }
      yield* this.#output.breathe(0);
    }
    for (const input of this.#inputs) {
      const live = bySlot.get(input.slot) as LiveList;
      const error = (yield* this.#copyEntries(input, live)) ?? (yield* this.#copyFacts(input));
      if (error !== undefined) return error;
    }
    return yield* this.#output.flush();
  }

  *#copyEntries(input: Segment, live: LiveList): Task<DiskError | undefined> {
    const window = new Window(input, input.end);
    const { words } = live;
    for (const at of live.inOrder()) {
      const partition = live.partitionAt(at);
      if (!this.#options.index.isAs(partition, words, at)) continue;
      const entry = words.slice(at, at + ENTRY_WORDS);
      const found = yield* this.#recordOf(window, input, entry);
      const offset = this.#output.end;
      if (found === undefined) this.#addMarker(partition, entry);
      else this.#output.add(found.head, found.key, found.value, entry[word.fingerprint] as number);
      this.#copies.push({ partition, entry, offset, isDamaged: found === undefined });
      const error = yield* this.#output.flushSlice();
      if (error !== undefined) return error;
    }
    return undefined;
  }

  *#recordOf(window: Window, input: Segment, entry: Uint32Array): Task<WholeRecord | undefined> {
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
    const output = this.#output;
    const held = [...index.facts].filter(([, { slot }]) => slot === input.slot);
    for (const [name, fact] of held) {
      if (index.fact(name) !== fact) continue;
      const key = encodeName(name);
      const value = fact.value ?? NOTHING;
      const isDamaged = fact.value === undefined;
      const place = { offset: output.end / UNIT_BYTES, units: recordBytes(key.length, value.length) / UNIT_BYTES };
      const kind = isDamaged ? kinds.damagedFact : kinds.putFact;
      output.add(headOf({ kind, keyLength: key.length, valueLength: value.length }), key, value, 0);
      output.segment.entries?.facts.push({ name, value: fact.value, isDamaged, ...place });
      this.#facts.push({ name, ...place });
      const error = yield* output.flushSlice();
      if (error !== undefined) return error;
    }
    return undefined;
  }

  /** What stands for a record that can't be read: its key stays "don't know" when the segment that it lay in has gone. */
  #addMarker(partition: number, entry: Uint32Array): void {
    const head: Head = {
      ...headOf({ kind: kinds.damaged, keyLength: 0, valueLength: 0 }),
      ...{ partition, hashHigh: entry[0] as number, hashLow: entry[1] as number },
      digestLow: entry[word.fingerprint] as number,
    };
    this.#output.add(head, NOTHING, NOTHING, head.digestLow);
    this.damagedRecords++;
  }

  /** The copies are on the disk; from now on the index names them. */
  #switchAll(): void {
    const { index } = this.#options;
    const { slot } = this.#output.segment;
    for (const copy of this.#copies) this.#switch(copy);
    this.#copies = [];
    for (const { name, offset, units } of this.#facts) {
      const fact = index.fact(name);
      const isStill = fact !== undefined && this.#inputs.some((input) => input.slot === fact.slot);
      if (isStill) index.setFact(name, { value: fact.value, slot, offset, units });
    }
    this.#facts = [];
  }

  #switch({ partition, entry, offset, isDamaged }: Copy): void {
    const { index } = this.#options;
    const { slot } = this.#output.segment;
    if (!isDamaged) {
      index.move(partition, nameAt(entry, 0), entry, slot, offset / UNIT_BYTES);
      return;
    }
    if (!index.isAs(partition, entry, 0)) return;
    const marker = entry.slice();
    marker[word.offset] = offset / UNIT_BYTES;
    marker[word.slotAndSize] = (slot << 16) | (recordBytes(0, 0) / UNIT_BYTES);
    marker[word.marks] = (entry[word.marks] as number) | FLAG_DAMAGED;
    index.put(partition, marker);
  }
}
