/** Opens a store: takes the folder, finds out what is in it, mends what a start must mend, and begins a segment to go on with. */
import type { Batch, Primitives, Storage } from "@kvorum/core";
import type { Disk, DiskError, Unlock } from "./disk.js";
import { fingerprintOf } from "./format/fingerprint.js";
import { joined, seededHash } from "./format/hash.js";
import { decodeHead, keyOf, kinds, valueOf, type Head } from "./format/record.js";
import type { Predecessor } from "./format/predecessor.js";
import { House } from "./house.js";
import { KeyIndex } from "./index/key-index.js";
import { LogStorage } from "./log-storage.js";
import { LogWriter } from "./log-writer.js";
import type { Pace } from "./merge-output.js";
import { RecordCache } from "./record-cache.js";
import { RecordReader } from "./record-reader.js";
import { recover, type ReadSegment, type Recovered, type RecoveryReport } from "./recovery/recover.js";
import { LISTED_WORDS, listed, EntryList } from "./format/entry-list.js";
import { SegmentSet, type Segment } from "./segment.js";
import { SegmentFiles } from "./segment-files.js";
import { wait, type Task } from "./task.js";

export interface LogOptions {
  readonly disk: Disk;
  readonly primitives: Primitives;
  /** A number that nobody can guess, for a new store. */
  readonly salt: () => bigint;
  /** Runs something soon, never before it returns: when this turn's other batches have come too. */
  readonly defer: (run: () => void) => void;
  readonly pace: Pace;
  readonly segmentBytes: number;
  readonly cacheBytes: number;
  /** All bytes over live ones, above which something is merged. */
  readonly spaceTarget: number;
  readonly reserveBytes: number;
}

/** `locked`: another process has the folder. */
export type OpenLog = LogStorage | "locked" | DiskError;

const NEW_REPORT: RecoveryReport = {
  ...{ segments: 0, scanned: 0, damagedIndexes: 0, tornBytes: 0, damagedRecords: 0, gaps: 0 },
  isAdopted: false,
};

export function* openLog(options: LogOptions): Task<OpenLog> {
  const unlock = yield* wait<Unlock | undefined>((done) => options.disk.lock(done));
  if (unlock === undefined) return "locked";
  const opened = yield* openLocked(options, unlock);
  if (typeof opened === "string") yield* wait<void>(unlock);
  return opened;
}

function* openLocked(options: LogOptions, unlock: Unlock): Task<OpenLog> {
  const { disk, primitives } = options;
  // Names that a killed process left may be in the kernel's memory only: what a start sees must still be there after the next power cut.
  const flushed = yield* wait<DiskError | undefined>((done) => disk.flushFolder(done));
  if (flushed !== undefined) return flushed;
  const found = yield* recover({ disk, primitives });
  if (found === "failed") return "failed";
  const state = found === "new" ? emptyStore(options.salt()) : found;
  const files = new SegmentFiles(disk, primitives, state.salt, state.segments, state.nextSegment);
  if (state.report.isAdopted || found === "new") {
    const error = yield* files.clean();
    if (error !== undefined) return error;
  }
  const active = state.empty ?? (yield* files.create());
  if (typeof active === "string") return active;
  yield* files.clean();
  const log = compose(options, state, files, active, unlock);
  const error = yield* mend(options, state, files, log.writer);
  if (error !== undefined) return error;
  log.house.start(log.writer);
  return log.storage;
}

function emptyStore(salt: bigint): Recovered {
  const segments = new SegmentSet();
  return {
    ...{ salt, nextSegment: 1, segments, index: new KeyIndex(segments), sequence: 0, facts: 0, read: [] },
    ...{ losses: { records: false, facts: false }, empty: undefined, report: NEW_REPORT },
  };
}

interface Log {
  readonly storage: Storage & LogStorage;
  readonly writer: LogWriter;
  readonly house: House;
}

function compose(options: LogOptions, state: Recovered, files: SegmentFiles, active: Segment, unlock: Unlock): Log {
  const { primitives, disk, pace, segmentBytes, spaceTarget, reserveBytes, defer } = options;
  const { index, segments, salt } = state;
  const hash64 = seededHash(primitives, salt);
  const fingerprint = fingerprintOf(primitives, salt);
  const cache = new RecordCache(options.cacheBytes);
  const encodeName = (name: string): Uint8Array => {
    const room = new Uint8Array(name.length * 3);
    return room.subarray(0, primitives.text.encodeInto(name, room, 0));
  };
  const house = new House({
    ...{ disk, hash64, encodeName, index, segments, files, segmentBytes, spaceTarget, reserveBytes, pace },
  });
  const writer: LogWriter = new LogWriter(
    {
      ...{ hash64, fingerprint, encodeName, index, cache, defer },
      hasRoom: (bytes, done) => house.hasRoom(bytes, done),
      onSettled: () => house.look(),
      nextSegment: (current) => house.nextSegment(current),
      onLeft: (segment, counts) => house.left(segment, counts),
    },
    active,
    predecessorOf(state),
    { sequence: state.sequence, facts: state.facts },
  );
  const unflushed = writer.unflushed.bind(writer);
  const reader = new RecordReader({ hash64, segments, cache, unflushed });
  const { losses, report } = state;
  const storage = new LogStorage({ index, writer, reader, house, files, fingerprint, losses, report, unlock });
  return { storage, writer, house };
}

/** The segment that was written to last and not closed: its end is known from now on. */
function predecessorOf({ read }: Recovered): Predecessor | undefined {
  const last = read.filter(({ verdict }) => !verdict.records.some(({ head }) => head.isMoved)).at(-1);
  return last === undefined ? undefined : { id: last.segment.id, end: last.verdict.proven };
}

/**
 * What lies behind the last word of a flush may be in the kernel's memory only, left by a process that was killed, or dropped after a failed flush: it is
 * written anew and flushed. Then every segment that was read gets its index file, and its torn end is cut off. Each step may be the last: the
 * next start finds the same.
 */
function* mend(
  options: LogOptions,
  state: Recovered,
  files: SegmentFiles,
  writer: LogWriter,
): Task<DiskError | undefined> {
  // By their numbers: a start that was cut off in the middle of this has left some of them twice.
  const all = new Map<number, Batch>();
  for (const segment of state.read) {
    const batches = yield* unprovenBatches(options, state.salt, segment);
    if (batches === undefined) return "failed";
    for (const [sequence, batch] of batches) all.set(sequence, batch);
  }
  // In one go, so that they share a group with the record that names the end of the segment they come from: both are there, or none.
  for (const sequence of [...all.keys()].toSorted((a, b) => a - b)) writer.replay(all.get(sequence) as Batch, sequence);
  const error = yield* wait<DiskError | undefined>((done) => writer.apply({}, done));
  if (error !== undefined) return error;
  for (const { segment, verdict, file } of state.read) {
    const entries = provenOnly(file.entries, verdict.proven);
    const length = verdict.proven;
    const failed = yield* files.alone(() => files.writeIndex({ ...file, entries, length }));
    if (failed !== undefined) return failed;
    segment.isClosed = true;
    segment.end = length;
    if (segment.file !== undefined && verdict.tornBytes + verdict.end - length > 0) {
      yield* wait<DiskError | undefined>((done) => segment.file?.truncate(length, done));
    }
  }
  return undefined;
}

function provenOnly(entries: EntryList, proven: number): EntryList {
  const { words, length, facts } = entries;
  let kept = 0;
  while (kept < length && (words[kept * LISTED_WORDS + listed.offset] as number) * 16 < proven) kept++;
  const list = new EntryList(words, kept);
  list.facts.push(...facts.filter(({ offset }) => offset * 16 < proven));
  return list;
}

/** The whole batches behind the proven part of a segment, by their numbers. */
function* unprovenBatches(
  { primitives }: LogOptions,
  salt: bigint,
  { segment, verdict, unproven }: ReadSegment,
): Task<ReadonlyMap<number, Batch> | undefined> {
  const { proven, end } = verdict;
  if (unproven.length === 0 || segment.file === undefined) return new Map();
  const bytes = yield* wait<Uint8Array | undefined>((done) => segment.read(proven, end - proven, done));
  if (bytes === undefined) return undefined;
  const hash64 = seededHash(primitives, salt);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const batches = new Map<number, Batch>();
  let parts: BatchParts = newParts();
  for (const { offset } of unproven) {
    const at = offset - proven;
    const head = decodeHead(hash64, bytes, view, at, { segment: segment.id, offset });
    const value = head === undefined ? undefined : valueOf(hash64, bytes, view, at, head);
    // It was whole a moment ago.
    if (head === undefined || value === undefined) return undefined;
    addTo(parts, primitives, head, keyOf(bytes, at, head), value);
    if (!head.isLast) continue;
    if (head.kind !== kinds.opened) batches.set(head.sequence, parts);
    parts = newParts();
  }
  return batches;
}

type BatchParts = { [Part in "drops" | "records" | "meta"]: NonNullable<Batch[Part]>[number][] } & { heard?: true };

function newParts(): BatchParts {
  return { drops: [], records: [], meta: [] };
}

function addTo(parts: BatchParts, primitives: Primitives, head: Head, key: Uint8Array, value: Uint8Array): void {
  const { partition, mark, tag } = head;
  const name = (): string => primitives.text.decode(key, 0, key.length);
  const record = { partition, hash: joined(head.hashHigh, head.hashLow), key };
  switch (head.kind) {
    case kinds.put:
      parts.records.push({ ...record, value, digest: joined(head.digestHigh, head.digestLow), mark, tag });
      break;
    case kinds.remove:
      parts.records.push({ ...record, value: undefined });
      break;
    case kinds.drop:
      parts.drops.push(partition);
      break;
    case kinds.putFact:
      parts.meta.push({ name: name(), value });
      break;
    case kinds.removeFact:
      parts.meta.push({ name: name(), value: undefined });
      break;
    case kinds.heard:
      parts.heard = true;
      break;
    default:
    // What opens a segment says nothing of its own.
  }
}
