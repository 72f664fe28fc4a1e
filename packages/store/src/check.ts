/** What is in a store and what of it is damaged: reads every byte of every file, and changes nothing. */
import type { Primitives } from "@kvorum/core";
import type { Disk, DiskFile } from "./disk.js";
import { joined, seededHash, type Hash64 } from "./format/hash.js";
import { decodeIndexFile } from "./format/index-file.js";
import { decodeManifest, MANIFEST } from "./format/manifest.js";
import { decodeHead, kinds, UNIT_BYTES, valueOf } from "./format/record.js";
import {
  decodeSegmentHeader,
  indexFile,
  parseName,
  SEGMENT_HEADER_BYTES,
  segmentFile,
} from "./format/segment-header.js";
import { ENTRY_WORDS, FLAG_DAMAGED, word } from "./index/partition-table.js";
import { RecordCache } from "./record-cache.js";
import { RecordReader, type ReadRecord } from "./record-reader.js";
import { readWhole, recover, type Recovered } from "./recovery/recover.js";
import { scanSegment } from "./recovery/scan-segment.js";
import { wait, type Task } from "./task.js";

/** A live record that can't be read. */
export interface DamagedRecord {
  readonly partition: number;
  readonly hash: bigint;
}

export interface CheckReport {
  readonly segments: number;
  readonly bytes: number;
  readonly liveBytes: number;
  readonly keys: number;
  readonly facts: number;
  readonly damagedRecords: readonly DamagedRecord[];
  /** Names of facts that can't be read. */
  readonly damagedFacts: readonly string[];
  /** Damage and loss that no single live record stands for, each in a line for people. */
  readonly problems: readonly string[];
  /** Behind the last whole batch: what a process that ended left unfinished. Not damage. */
  readonly tornBytes: number;
  /** Damaged bytes that nothing lives in any more. */
  readonly deadDamage: number;
}

export function* checkStore(disk: Disk, primitives: Primitives): Task<CheckReport | "failed" | "empty"> {
  const state = yield* recover({ disk, primitives });
  if (typeof state === "string") return state === "new" ? "empty" : state;
  const problems = recoveryProblems(state);
  const hash64 = seededHash(primitives, state.salt);
  const damagedRecords = yield* checkRecords(state, hash64);
  const damagedFacts = yield* checkFacts(state, hash64);
  let deadDamage = 0;
  for (const { id } of state.segments.all) {
    const found = yield* checkSegment(disk, primitives, state, id);
    problems.push(...found.problems);
    deadDamage += found.damaged;
  }
  problems.push(...(yield* checkNames(disk, primitives, state)));
  const { segments, index, report } = state;
  for (const segment of segments.all) yield* wait<void>((done) => segment.release(done));
  return {
    ...{ segments: segments.all.length, bytes: segments.totalBytes, liveBytes: segments.liveBytes },
    ...{ keys: index.keys, facts: [...index.facts].length, damagedRecords, damagedFacts, problems },
    tornBytes: report.tornBytes,
    deadDamage: Math.max(0, deadDamage - damagedRecords.length - damagedFacts.length),
  };
}

function recoveryProblems({ losses, report }: Recovered): string[] {
  const problems: string[] = [];
  if (report.isAdopted) problems.push("the manifest is damaged or gone: which segments make the store is a guess");
  if (losses.records) problems.push("records were lost that nobody can name");
  if (losses.facts) problems.push("facts about the node may have been lost with them");
  return problems;
}

function* checkRecords(state: Recovered, hash64: Hash64): Task<readonly DamagedRecord[]> {
  const { index, segments } = state;
  const reader = new RecordReader({ hash64, segments, cache: new RecordCache(0), unflushed: () => undefined });
  const damaged: DamagedRecord[] = [];
  for (const partition of index.partitions) {
    const entries = index.all(partition);
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      const isKnown = ((entries[at + word.marks] as number) & FLAG_DAMAGED) !== 0;
      const record = isKnown
        ? undefined
        : yield* wait<ReadRecord | undefined>((done) => reader.read(entries, at, done));
      if (record === undefined) {
        damaged.push({ partition, hash: joined(entries[at] as number, entries[at + 1] as number) });
      }
    }
  }
  return damaged;
}

/** A fact is remembered with the index; its record must say the same. */
function* checkFacts({ index, segments }: Recovered, hash64: Hash64): Task<readonly string[]> {
  const damaged: string[] = [];
  for (const [name, fact] of index.facts) {
    const segment = segments.at(fact.slot);
    const at = fact.offset * UNIT_BYTES;
    const bytes = yield* wait<Uint8Array | undefined>((done) => segment.read(at, fact.units * UNIT_BYTES, done));
    const view = new DataView(bytes?.buffer ?? new ArrayBuffer(0), bytes?.byteOffset ?? 0, bytes?.byteLength ?? 0);
    const place = { segment: segment.id, offset: at };
    const head = bytes === undefined ? undefined : decodeHead(hash64, bytes, view, 0, place);
    const value = head === undefined || bytes === undefined ? undefined : valueOf(hash64, bytes, view, 0, head);
    if (value === undefined || head?.kind !== kinds.putFact || fact.value === undefined) damaged.push(name);
  }
  return damaged;
}

/** Everything else in the files of a segment: its header, records that are dead, its index file. */
function* checkSegment(
  disk: Disk,
  primitives: Primitives,
  { salt }: Recovered,
  id: number,
): Task<{ readonly problems: readonly string[]; readonly damaged: number }> {
  const name = segmentFile(id);
  const file = yield* wait<DiskFile | "absent" | "failed">((done) => disk.open(name, done));
  if (typeof file === "string")
    return { problems: [`${name} is ${file === "absent" ? "gone" : "unreadable"}`], damaged: 0 };
  const problems: string[] = [];
  const size = (yield* wait<number | undefined>((done) => file.size(done))) ?? 0;
  const header = yield* wait<Uint8Array | undefined>((done) => file.read(0, SEGMENT_HEADER_BYTES, done));
  const said = header === undefined ? undefined : decodeSegmentHeader(primitives, header);
  if (said?.segment !== id || said.salt !== salt) problems.push(`the header of ${name} is damaged`);
  const index = yield* readWhole(disk, indexFile(id));
  const listed = index === undefined ? undefined : decodeIndexFile(primitives, salt, id, index);
  if (index !== undefined && listed === undefined) problems.push(`${indexFile(id)} is damaged: a start makes it anew`);
  const end = Math.min(size, listed?.length ?? size);
  const { records, gaps } = yield* scanSegment(file, id, end, seededHash(primitives, salt), () => false);
  if (listed !== undefined && size < listed.length) problems.push(`${name} has lost its end`);
  yield* wait<void>((done) => file.close(done));
  // Of a segment without an index file the end may be torn, which is no damage: recovery has told the one from the other.
  const damaged = listed === undefined ? 0 : gaps.length;
  return { problems, damaged: damaged + records.filter(({ value }) => value === undefined).length };
}

function* checkNames(disk: Disk, primitives: Primitives, { segments }: Recovered): Task<readonly string[]> {
  const names = (yield* wait<readonly string[] | undefined>((done) => disk.list(done))) ?? [];
  const bytes = names.includes(MANIFEST) ? yield* readWhole(disk, MANIFEST) : undefined;
  if (bytes === undefined || decodeManifest(primitives, bytes) === undefined) return [];
  const known = new Set(segments.all.map(({ id }) => id));
  const left = names.filter((name) => {
    const parsed = parseName(name);
    return parsed !== undefined && !known.has(parsed.segment);
  });
  return left.map((name) => `${name} belongs to no segment of the store: a start removes it`);
}
