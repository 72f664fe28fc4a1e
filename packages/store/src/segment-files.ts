/** The files of a folder as steps that a power cut may come between: each leaves the folder good for a start. */
import { assert, limits, type Primitives } from "@kvorum/core";
import type { Disk, DiskError, DiskFile } from "./disk.js";
import { EntryList, LISTED_WORDS, listed } from "./format/entry-list.js";
import { decodeIndexFile, encodeIndexFile, type IndexFile } from "./format/index-file.js";
import { encodeManifest, MANIFEST, MANIFEST_TEMPORARY } from "./format/manifest.js";
import { kinds } from "./format/record.js";
import {
  encodeSegmentHeader,
  indexFile,
  parseName,
  SEGMENT_HEADER_BYTES,
  segmentFile,
} from "./format/segment-header.js";
import type { KeyIndex } from "./index/key-index.js";
import { readWhole } from "./recovery/recover.js";
import type { Counts } from "./batch-writer.js";
import type { Segment, SegmentSet } from "./segment.js";
import { TaskQueue, wait, type Task } from "./task.js";

const QUARANTINED = ".bad";
const TEMPORARY = /\.tmp$/;

export class SegmentFiles {
  readonly #queue = new TaskQueue();

  constructor(
    readonly disk: Disk,
    readonly primitives: Primitives,
    readonly salt: bigint,
    readonly segments: SegmentSet,
    public nextSegment: number,
  ) {}

  /** One of these steps at a time, whoever asks for them. */
  *alone<T>(steps: () => Task<T>): Task<T> {
    return yield* wait<T>((done) => this.#queue.run(steps, done));
  }

  /** A segment with nothing in it, named by the manifest before anything is written to it. */
  *create(): Task<Segment | DiskError> {
    const id = this.nextSegment++;
    const file = yield* wait<DiskFile | DiskError>((done) => this.disk.create(segmentFile(id), done));
    if (typeof file === "string") return file;
    const header = encodeSegmentHeader(this.primitives, id, this.salt);
    let error = yield* wait<DiskError | undefined>((done) => file.append(header, done));
    error ??= yield* wait<DiskError | undefined>((done) => file.flush(done));
    error ??= yield* wait<DiskError | undefined>((done) => this.disk.flushFolder(done));
    let segment: Segment | undefined;
    if (error === undefined) {
      segment = this.segments.add(id, file, SEGMENT_HEADER_BYTES);
      error = yield* this.writeManifest();
      if (error === undefined) return segment;
      this.segments.remove(segment);
    }
    yield* wait<void>((done) => file.close(done));
    yield* wait<DiskError | undefined>((done) => this.disk.remove(segmentFile(id), done));
    if (segment !== undefined) this.segments.gone(segment);
    return error;
  }

  /** Which segments make the store, from now on. */
  *writeManifest(): Task<DiskError | undefined> {
    const { salt, nextSegment } = this;
    const segments = this.segments.all.map(({ id }) => id);
    return yield* this.replace(
      MANIFEST_TEMPORARY,
      MANIFEST,
      encodeManifest(this.primitives, { salt, nextSegment, segments }),
    );
  }

  /** Everything in the segment is flushed: writes down what a start must know of it. */
  *close(segment: Segment, counts: Counts, index: KeyIndex): Task<DiskError | undefined> {
    const { entries } = segment;
    assert(entries !== undefined, "a segment is closed once");
    const file: IndexFile = {
      ...{ segment: segment.id, length: segment.end, entries: withoutReplaced(entries, segment, index) },
      ...{ factsWritten: counts.facts, lastSequence: counts.sequence, hasGap: false, lostFacts: false },
    };
    const error = yield* this.writeIndex(file);
    if (error === undefined) {
      segment.isClosed = true;
      segment.entries = undefined;
    }
    return error;
  }

  *writeIndex(file: IndexFile): Task<DiskError | undefined> {
    const name = indexFile(file.segment);
    const error = yield* this.replace(`${name}.tmp`, name, encodeIndexFile(this.primitives, this.salt, file));
    const segment = this.segments.all.find(({ id }) => id === file.segment);
    if (error === undefined && segment !== undefined) segment.indexBytes = file.entries.bytes;
    return error;
  }

  *readIndex(segment: Segment): Task<IndexFile | undefined> {
    const bytes = yield* readWhole(this.disk, indexFile(segment.id));
    return bytes === undefined ? undefined : decodeIndexFile(this.primitives, this.salt, segment.id, bytes);
  }

  /** A file appears whole under its name, or not at all. */
  *replace(temporary: string, name: string, bytes: Uint8Array): Task<DiskError | undefined> {
    const file = yield* wait<DiskFile | DiskError>((done) => this.disk.create(temporary, done));
    if (typeof file === "string") return file;
    let error = yield* wait<DiskError | undefined>((done) => file.append(bytes, done));
    error ??= yield* wait<DiskError | undefined>((done) => file.flush(done));
    yield* wait<void>((done) => file.close(done));
    error ??= yield* wait<DiskError | undefined>((done) => this.disk.rename(temporary, name, done));
    error ??= yield* wait<DiskError | undefined>((done) => this.disk.flushFolder(done));
    return error;
  }

  /** Takes segments that hold nothing live out of the store, then away; one that was damaged is kept aside, for people. */
  *discard(segments: readonly Segment[]): Task<DiskError | undefined> {
    for (const segment of segments) this.segments.remove(segment);
    const error = yield* this.writeManifest();
    if (error !== undefined) return error;
    for (const segment of segments) {
      yield* wait<void>((done) => segment.release(done));
      const name = segmentFile(segment.id);
      if (segment.isDamaged) yield* wait((done) => this.disk.rename(name, `${name}${QUARANTINED}`, done));
      else yield* wait((done) => this.disk.remove(name, done));
      yield* wait((done) => this.disk.remove(indexFile(segment.id), done));
      this.segments.gone(segment);
    }
    if (segments.some(({ isDamaged }) => isDamaged)) yield* this.#thinOut();
    return undefined;
  }

  /** Of the segments that are kept aside, the oldest go. */
  *#thinOut(): Task<void> {
    const names = (yield* wait<readonly string[] | undefined>((done) => this.disk.list(done))) ?? [];
    const aside = names.filter((name) => name.endsWith(QUARANTINED)).toSorted();
    const gone = aside.slice(0, Math.max(0, aside.length - limits.quarantinedSegmentsMax));
    for (const name of gone) yield* wait((done) => this.disk.remove(name, done));
  }

  /** Removes what a process that ended between two steps left: files that the manifest does not name. */
  *clean(): Task<void> {
    const names = (yield* wait<readonly string[] | undefined>((done) => this.disk.list(done))) ?? [];
    const known = new Set(this.segments.all.map(({ id }) => id));
    for (const name of names) {
      const parsed = parseName(name);
      const isLeft = parsed === undefined ? TEMPORARY.test(name) : !known.has(parsed.segment);
      if (isLeft) yield* wait((done) => this.disk.remove(name, done));
    }
  }
}

/** Without puts that a later record of the same segment replaced: that one is as durable as they are. */
function withoutReplaced(entries: EntryList, segment: Segment, index: KeyIndex): EntryList {
  const kept = new EntryList(new Uint32Array(Math.max(1, entries.length) * LISTED_WORDS));
  const { words } = entries;
  for (let i = 0; i < entries.length; i++) {
    const at = i * LISTED_WORDS;
    const partitionAndKind = words[at + listed.partitionAndKind] as number;
    if ((partitionAndKind & 0xffff) === kinds.put) {
      const offset = index.offsetIn(segment.slot, partitionAndKind >>> 16, words, at);
      if (offset >= 0 && offset !== words[at + listed.offset]) continue;
    }
    const to = kept.grow();
    for (let w = 0; w < LISTED_WORDS; w++) kept.words[to + w] = words[at + w] as number;
  }
  kept.facts.push(...lastOfEach(entries));
  return kept;
}

function lastOfEach({ facts }: EntryList): EntryList["facts"] {
  return [...new Map(facts.map((fact) => [fact.name, fact])).values()];
}
