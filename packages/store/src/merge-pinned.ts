/** What merging does with removals and drops: they stay while a segment older than theirs, that is not merged along, may hold what they remove. */
import type { DiskError } from "./disk.js";
import { LISTED_WORDS, listed, type EntryList } from "./format/entry-list.js";
import type { Hash64 } from "./format/hash.js";
import { decodeHead, keyOf, kinds, recordBytes, UNIT_BYTES, type Head } from "./format/record.js";
import { nameAt, type KeyIndex } from "./index/key-index.js";
import { headOf, NOTHING, type MergeOutput } from "./merge-output.js";
import { word } from "./index/partition-table.js";
import type { Segment, SegmentSet } from "./segment.js";
import type { SegmentFiles } from "./segment-files.js";
import type { Task } from "./task.js";
import { Window } from "./window.js";

export interface PinnedOptions {
  readonly hash64: Hash64;
  readonly encodeName: (name: string) => Uint8Array;
  readonly index: KeyIndex;
  readonly files: SegmentFiles;
  readonly segments: SegmentSet;
  /** Whether a segment older than `id` goes on beside the output. */
  readonly hasOlder: (id: number) => boolean;
}

export class PinnedCopier {
  readonly #options: PinnedOptions;
  readonly #output: MergeOutput;

  constructor(options: PinnedOptions, output: MergeOutput) {
    this.#options = options;
    this.#output = output;
  }

  *copy(input: Segment): Task<DiskError | undefined> {
    if (input.pinnedRecords === 0) return undefined;
    const { files, index, hasOlder } = this.#options;
    const file = yield* files.readIndex(input);
    if (file === undefined) return "failed";
    const window = new Window(input, input.end);
    for (const at of pinnedIn(file.entries)) {
      const error = yield* this.#copyRecord(window, input, file.entries.words, at);
      if (error !== undefined) return error;
    }
    for (const { name, value, isDamaged } of file.entries.facts) {
      const isRemoval = value === undefined && isDamaged !== true;
      if (isRemoval && !this.#isProven(index.fact(name)?.slot) && hasOlder(input.id)) this.#addFactRemoval(name);
    }
    return yield* this.#output.flush();
  }

  *#copyRecord(window: Window, input: Segment, words: Uint32Array, at: number): Task<DiskError | undefined> {
    const { index, hash64, hasOlder } = this.#options;
    const partitionAndKind = words[at + listed.partitionAndKind] as number;
    const [partition, kind] = [partitionAndKind >>> 16, partitionAndKind & 0xffff];
    const offset = (words[at + listed.offset] as number) * UNIT_BYTES;
    const since = kind === kinds.drop ? (words[at + listed.hashHigh] as number) : input.id;
    if (!hasOlder(since)) return undefined;
    if (kind === kinds.remove) {
      // A key that is there again has a record behind this removal.
      const again = index.find(partition, nameAt(words, at));
      if (again !== undefined && this.#isProven((again[word.slotAndSize] as number) >>> 16)) return undefined;
    }
    const bytes = yield* window.at(offset, (words[at + listed.size] as number) * UNIT_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const head = decodeHead(hash64, bytes, view, 0, { segment: input.id, offset });
    const said = head ?? headFromWords(words, at, kind, partition);
    const key = head === undefined ? NOTHING : keyOf(bytes, 0, head);
    this.#output.add({ ...said, keyLength: key.length }, key, NOTHING, words[at + listed.fingerprint] as number);
    return yield* this.#output.flushSlice();
  }

  /**
   * What lies there is on the disk for certain: all that lay before the output was, when this merge began. What came behind it may be on its way and
   * find no space, and then it is the removal that holds.
   */
  #isProven(slot: number | undefined): boolean {
    return slot !== undefined && this.#options.segments.at(slot).id < this.#output.segment.id;
  }

  #addFactRemoval(name: string): void {
    const output = this.#output;
    const key = this.#options.encodeName(name);
    const offset = output.end / UNIT_BYTES;
    output.add(headOf({ kind: kinds.removeFact, keyLength: key.length, valueLength: 0 }), key, NOTHING, 0);
    const units = recordBytes(key.length, 0) / UNIT_BYTES;
    output.segment.entries?.facts.push({ name, value: undefined, offset, units });
  }
}

function* pinnedIn(entries: EntryList): Iterable<number> {
  for (let i = 0; i < entries.length; i++) {
    const at = i * LISTED_WORDS;
    const kind = (entries.words[at + listed.partitionAndKind] as number) & 0xffff;
    if (kind === kinds.remove || kind === kinds.drop || kind === kinds.heard) yield at;
  }
}

/** A removal whose own record was damaged: the index file knows what it removed, but for the key's name. */
function headFromWords(words: Uint32Array, at: number, kind: number, partition: number): Head {
  return {
    ...headOf({ kind, keyLength: 0, valueLength: 0 }),
    ...{ partition, hashHigh: words[at] as number, hashLow: words[at + 1] as number },
    digestLow: words[at + listed.fingerprint] as number,
  };
}
