/**
 * From the files of a folder to an index (DESIGN §8): closed segments by their index files, the others by reading them. Changes nothing on the disk; what
 * it found to be mended is mended by the log's first steps (log.ts), so that it can be interrupted anywhere and begun again.
 */
import type { Primitives } from "@kvorum/core";
import type { Disk, DiskFile } from "../disk.js";
import { fingerprintOf } from "../format/fingerprint.js";
import { seededHash, type Hash64 } from "../format/hash.js";
import { decodeIndexFile, type IndexFile } from "../format/index-file.js";
import { decodeManifest, MANIFEST, type Manifest } from "../format/manifest.js";
import { decodePredecessor } from "../format/predecessor.js";
import { decodeHead, HEAD_BYTES, kinds, UNIT_BYTES, valueOf, type Head } from "../format/record.js";
import {
  decodeSegmentHeader,
  indexFile,
  parseName,
  SEGMENT_HEADER_BYTES,
  segmentFile,
} from "../format/segment-header.js";
import { KeyIndex } from "../index/key-index.js";
import { SegmentSet, type Segment } from "../segment.js";
import { wait, type Task } from "../task.js";
import { loadEntries } from "./load-entries.js";
import { scanSegment, type ScannedRecord, type SegmentScan } from "./scan-segment.js";
import { listScan } from "./list-scan.js";
import { judgeSegment, type SegmentVerdict } from "./segment-verdict.js";

export interface RecoveryReport {
  readonly segments: number;
  /** Segments that had no usable index file and were read. */
  scanned: number;
  /** Index files that were there and could not be used. */
  damagedIndexes: number;
  /** Bytes behind the last whole batch. */
  tornBytes: number;
  /** Records that are damaged and known by their hash. */
  damagedRecords: number;
  /** Stretches of lost records that nobody can name. */
  gaps: number;
  /** The manifest was damaged or gone, and all segments that were found were taken. */
  isAdopted: boolean;
}

export interface Recovered {
  readonly salt: bigint;
  readonly nextSegment: number;
  readonly index: KeyIndex;
  readonly segments: SegmentSet;
  readonly sequence: number;
  readonly facts: number;
  readonly losses: { readonly records: boolean; readonly facts: boolean };
  /** Segments that were read, with what is to be done about them. */
  readonly read: readonly ReadSegment[];
  /** The last segment, where nothing was written to it. */
  readonly empty: Segment | undefined;
  readonly report: RecoveryReport;
}

export interface ReadSegment {
  readonly segment: Segment;
  readonly verdict: SegmentVerdict;
  /** What its index file must say; of records in its proven part. */
  readonly file: IndexFile;
  /** Whole records behind the proven part: perhaps in memory only, so they are written anew. */
  readonly unproven: readonly ScannedRecord[];
}

export type Recovery = Recovered | "new" | "failed";

interface Opened {
  readonly id: number;
  readonly file: DiskFile | undefined;
  readonly size: number;
  readonly index: IndexFile | undefined;
  /** Where there is no index file. */
  readonly scan: SegmentScan | undefined;
}

const NOTHING_THERE: SegmentScan = { records: [], gaps: [], end: 0 };

export interface RecoverOptions {
  readonly disk: Disk;
  readonly primitives: Primitives;
}

export function* recover(options: RecoverOptions): Task<Recovery> {
  const { disk, primitives } = options;
  const names = yield* wait<readonly string[] | undefined>((done) => disk.list(done));
  if (names === undefined) return "failed";
  const found = names.flatMap((name) => (parseName(name)?.kind === "log" ? [parseName(name)?.segment as number] : []));
  found.sort((a, b) => a - b);
  const read = yield* readManifest(disk, primitives, names);
  if (read === "failed") return "failed";
  const manifest = read ?? (yield* adopt(disk, primitives, found));
  if (manifest === "new" || manifest === "failed") return manifest;
  return yield* recoverFrom(options, manifest, new Set(names), read === undefined);
}

function* readManifest(
  disk: Disk,
  primitives: Primitives,
  names: readonly string[],
): Task<Manifest | undefined | "failed"> {
  if (!names.includes(MANIFEST)) return undefined;
  const bytes = yield* readWhole(disk, MANIFEST);
  return bytes === undefined ? "failed" : decodeManifest(primitives, bytes);
}

/** Without a manifest: all that is there. A store that was never written to is new. */
function* adopt(disk: Disk, primitives: Primitives, found: readonly number[]): Task<Manifest | "new" | "failed"> {
  const segments: number[] = [];
  let salt: bigint | undefined;
  for (const id of found) {
    const bytes = yield* readWhole(disk, segmentFile(id));
    if (bytes === undefined) return "failed";
    const header = decodeSegmentHeader(primitives, bytes);
    salt ??= header?.salt;
    if (bytes.length > SEGMENT_HEADER_BYTES) segments.push(id);
  }
  if (segments.length === 0) return "new";
  return salt === undefined ? "failed" : { salt, nextSegment: Math.max(...found) + 1, segments };
}

function* recoverFrom(
  options: RecoverOptions,
  manifest: Manifest,
  names: ReadonlySet<string>,
  isAdopted: boolean,
): Task<Recovery> {
  const { disk, primitives } = options;
  const { salt } = manifest;
  const hash64 = seededHash(primitives, salt);
  const segments = new SegmentSet();
  const index = new KeyIndex(segments);
  index.isLoading = true;
  const report: RecoveryReport = {
    ...{ segments: manifest.segments.length, scanned: 0, damagedIndexes: 0, tornBytes: 0, damagedRecords: 0, gaps: 0 },
    isAdopted,
  };
  const opened: Opened[] = [];
  for (const id of manifest.segments) {
    const one = yield* openSegment(disk, primitives, salt, id, names.has(indexFile(id)), report);
    if (one === "failed") return "failed";
    opened.push(one);
  }
  const closedEnds = yield* readOpenings(opened, hash64);
  const losses = { records: isAdopted, facts: isAdopted };
  const counts = { sequence: 0, facts: 0 };
  const read: ReadSegment[] = [];
  let empty: Segment | undefined;
  for (const one of opened) {
    const segment = segments.add(one.id, one.file, one.index?.length ?? one.size);
    let file = one.index;
    if (file === undefined) {
      const scan = one.scan ?? NOTHING_THERE;
      const closedEnd = closedEnds.get(one.id) ?? endOfFollowed(one, opened);
      const scanned = judge(options, salt, segment, scan, closedEnd, counts.facts, report);
      file = scanned.file;
      if (
        one.file !== undefined &&
        one.id === manifest.segments.at(-1) &&
        scan.records.length === 0 &&
        scan.gaps.length === 0
      ) {
        empty = segment;
        continue;
      }
      read.push(scanned);
    } else {
      segment.isClosed = true;
      segment.indexBytes = file.entries.bytes;
    }
    losses.records ||= file.hasGap;
    losses.facts ||= file.lostFacts;
    const heard = loadEntries(index, segment, file.entries);
    segment.entries = undefined;
    if (heard) losses.records = losses.facts = false;
    counts.sequence = Math.max(counts.sequence, file.lastSequence);
    if (file.factsWritten > 0) counts.facts = file.factsWritten;
  }
  index.fit();
  return { ...{ salt, index, segments, losses, read, empty, report }, ...counts, nextSegment: manifest.nextSegment };
}

function* openSegment(
  disk: Disk,
  primitives: Primitives,
  salt: bigint,
  id: number,
  hasIndex: boolean,
  report: RecoveryReport,
): Task<Opened | "failed"> {
  const file = yield* wait<DiskFile | "absent" | "failed">((done) => disk.open(segmentFile(id), done));
  if (file === "failed") return "failed";
  const size = file === "absent" ? 0 : yield* wait<number | undefined>((done) => file.size(done));
  if (size === undefined) return "failed";
  const bytes = hasIndex ? yield* readWhole(disk, indexFile(id)) : undefined;
  const index = bytes === undefined ? undefined : decodeIndexFile(primitives, salt, id, bytes);
  if (hasIndex && index === undefined) report.damagedIndexes++;
  const there = file === "absent" ? undefined : file;
  const isScanned = index === undefined && there !== undefined;
  const keepsValue = ({ kind }: Head): boolean => kind !== kinds.put;
  const scan = isScanned ? yield* scanSegment(there, id, size, seededHash(primitives, salt), keepsValue) : undefined;
  return { id, file: there, size, index, scan };
}

/**
 * How long segments were when the next one was begun: each that was written to begins with a record that says so. It is believed when its own group is
 * known to be whole: what it says of the end may be true only with the rest of that group.
 */
function* readOpenings(opened: readonly Opened[], hash64: Hash64): Task<Map<number, number>> {
  const ends = new Map<number, number>();
  const first = opened.find(({ index }) => index === undefined);
  for (const { id, file, scan } of opened) {
    if (file === undefined || first === undefined || id <= first.id) continue;
    const value = scan === undefined ? yield* firstValue(file, id, hash64) : provenOpening(scan);
    const before = value === undefined ? undefined : decodePredecessor(value);
    if (before !== undefined) ends.set(before.id, before.end);
  }
  return ends;
}

/**
 * A segment was flushed whole before anything was flushed to a later one: where there is such a one, all that this one has counts as proven, and must not
 * be written anew behind what came later.
 */
function endOfFollowed({ id, scan }: Opened, opened: readonly Opened[]): number | undefined {
  const isWritten = (other: Opened): boolean =>
    (other.index?.length ?? 0) > SEGMENT_HEADER_BYTES ||
    other.scan?.records.some(({ head }) => !head.isMoved && head.proven > SEGMENT_HEADER_BYTES) === true;
  // Copies that merging did not finish say nothing of the kind: the log goes on behind them while they are made.
  const isMerged = scan?.records.some(({ head }) => head.isMoved) === true;
  if (isMerged || !opened.some((other) => other.id > id && isWritten(other))) return undefined;
  const last = scan?.records.at(-1);
  return last === undefined ? undefined : last.offset + last.length;
}

function provenOpening({ records }: SegmentScan): Uint8Array | undefined {
  const first = records[0];
  if (first?.head.kind !== kinds.opened || first.offset !== SEGMENT_HEADER_BYTES) return undefined;
  return records.some(({ head }) => head.proven > first.offset) ? first.value : undefined;
}

function* firstValue(file: DiskFile, id: number, hash64: Hash64): Task<Uint8Array | undefined> {
  const offset = SEGMENT_HEADER_BYTES;
  const bytes = yield* wait<Uint8Array | undefined>((done) => file.read(offset, HEAD_BYTES + UNIT_BYTES, done));
  if (bytes === undefined || bytes.length < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = decodeHead(hash64, bytes, view, 0, { segment: id, offset });
  return head?.kind === kinds.opened ? valueOf(hash64, bytes, view, 0, head) : undefined;
}

function judge(
  { primitives }: RecoverOptions,
  salt: bigint,
  segment: Segment,
  scan: SegmentScan,
  closedEnd: number | undefined,
  factsBefore: number,
  report: RecoveryReport,
): ReadSegment {
  // A file that is gone and was never known to be closed may have held anything.
  const isGone = segment.file === undefined;
  const verdict = judgeSegment(scan, isGone ? (closedEnd ?? SEGMENT_HEADER_BYTES + 1) : closedEnd, factsBefore);
  report.scanned++;
  report.tornBytes += verdict.tornBytes;
  report.gaps += verdict.gaps;
  report.damagedRecords += verdict.records.filter(({ value }) => value === undefined).length;
  segment.end = verdict.end;
  segment.isDamaged ||= verdict.gaps > 0 || verdict.records.some(({ value }) => value === undefined);
  const name = (bytes: Uint8Array): string => primitives.text.decode(bytes, 0, bytes.length);
  const isProven = ({ offset }: ScannedRecord): boolean => offset < verdict.proven;
  const entries = listScan(segment, verdict.records, fingerprintOf(primitives, salt), name);
  const last = verdict.records.at(-1)?.head;
  const own = verdict.records.filter(({ head }) => !head.isMoved).at(-1)?.head;
  const file: IndexFile = {
    ...{ segment: segment.id, length: verdict.end, entries },
    ...{ hasGap: verdict.gaps > 0, lostFacts: verdict.lostFacts },
    ...{ factsWritten: own?.facts ?? 0, lastSequence: last?.sequence ?? 0 },
  };
  return { segment, verdict, file, unproven: verdict.records.filter((record) => !isProven(record)) };
}

/** All bytes of a file; undefined where they can't be read. */
export function* readWhole(disk: Disk, name: string): Task<Uint8Array | undefined> {
  const file = yield* wait<DiskFile | "absent" | "failed">((done) => disk.open(name, done));
  if (typeof file === "string") return undefined;
  const size = yield* wait<number | undefined>((done) => file.size(done));
  const bytes =
    size === undefined ? undefined : yield* wait<Uint8Array | undefined>((done) => file.read(0, size, done));
  yield* wait<void>((done) => file.close(done));
  return bytes;
}
