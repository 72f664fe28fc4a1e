/** Turns batches into records of a group, and tells the index of them: it is readable before it is on the disk. Says nothing of when a group is flushed. */
import type { Batch, MetaWrite, RecordWrite } from "@kvorum/core";
import { high32, low32, type Hash64 } from "./format/hash.js";
import { encodePredecessor, type Predecessor } from "./format/predecessor.js";
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
import type { Group } from "./group.js";
import type { KeyIndex, Name } from "./index/key-index.js";
import { listRecord, type Said } from "./list-record.js";
import type { RecordCache } from "./record-cache.js";

export interface BatchWriterOptions {
  readonly hash64: Hash64;
  /** Another hash of a key, that nobody can choose. */
  readonly fingerprint: (key: Uint8Array) => number;
  readonly encodeName: (name: string) => Uint8Array;
  readonly index: KeyIndex;
  readonly cache: RecordCache;
}

/** The store's numbers of batches and of facts, so far. */
export interface Counts {
  readonly sequence: number;
  readonly facts: number;
}

const NOTHING = new Uint8Array(0);
const NO_DIGEST = { digestHigh: 0, digestLow: 0, mark: 0, tag: 0 };

export class BatchWriter {
  readonly #options: BatchWriterOptions;
  /** The segment must begin with a record that says what came before it. */
  opening: Predecessor | undefined;
  #sequence: number;
  #facts: number;
  readonly #head: { -readonly [Field in keyof Head]: Head[Field] } = {
    ...{ kind: 0, isLast: false, isMoved: false, partition: 0, keyLength: 0, valueLength: 0, tag: 0, mark: 0 },
    ...{ facts: 0, sequence: 0, hashHigh: 0, hashLow: 0, digestHigh: 0, digestLow: 0, proven: 0 },
  };

  constructor(options: BatchWriterOptions, opening: Predecessor | undefined, counts: Counts) {
    this.#options = options;
    this.opening = opening;
    this.#sequence = counts.sequence;
    this.#facts = counts.facts;
  }

  get counts(): Counts {
    return { sequence: this.#sequence, facts: this.#facts };
  }

  /** What came since did not happen. */
  goBackTo({ sequence, facts }: Counts): void {
    this.#sequence = sequence;
    this.#facts = facts;
  }

  write(group: Group, batch: Batch): void {
    const { drops = [], records = [], meta = [] } = batch;
    let left = drops.length + records.length + meta.length + (batch.heard === true ? 1 : 0);
    if (left > 0) this.#sequence++;
    for (const partition of drops) this.#drop(group, partition, --left === 0);
    for (const record of records) this.#record(group, record, --left === 0);
    for (const fact of meta) this.#fact(group, fact, --left === 0);
    if (batch.heard === true) this.#heard(group, --left === 0);
  }

  /** A batch that was found where it may not last, under the number that it had. */
  rewrite(group: Group, batch: Batch, sequence: number): void {
    const last = this.#sequence;
    this.#sequence = sequence - 1;
    this.write(group, batch);
    this.#sequence = Math.max(last, sequence);
  }

  #open(group: Group): void {
    const before = this.opening;
    if (before === undefined) return;
    this.opening = undefined;
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
      group.undo.remove(index, partition, name);
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
    group.undo.put(index, partition, group.segment.entries?.words as Uint32Array, at);
  }

  #drop(group: Group, partition: number, isLast: boolean): void {
    const { segment } = group;
    this.#open(group);
    // The place itself is the boundary: a drop that is carried on later keeps it.
    const said = { ...NO_DIGEST, kind: kinds.drop, partition, high: segment.id, low: segment.end / UNIT_BYTES };
    this.#append(group, said, NOTHING, NOTHING, isLast);
    group.undo.drop(this.#options.index, partition);
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
    group.undo.setFact(index, name, fact);
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
}
