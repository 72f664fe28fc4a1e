/** The storage port on the append-only log (Bitcask: Sheehy and Smith, 2010; the local persistence component of Dynamo §5). */
import {
  assert,
  compareBytes,
  type Batch,
  type IndexEntry,
  type Losses,
  type ReadOutcome,
  type RecordKey,
  type Scanned,
  type Storage,
  type StoredRecord,
} from "@kvorum/core";
import { joined } from "./format/hash.js";
import type { Unlock } from "./disk.js";
import { SEGMENT_HEADER_BYTES } from "./format/segment-header.js";
import type { Settle } from "./group.js";
import type { House } from "./house.js";
import { nameAt, type KeyIndex, type Name } from "./index/key-index.js";
import { ENTRY_WORDS, FLAG_DAMAGED, word } from "./index/partition-table.js";
import type { LogWriter } from "./log-writer.js";
import { ABSENT, DAMAGED, outcomeOf, type ReadRecord, type RecordReader } from "./record-reader.js";
import { placeIn, type RecordPlace } from "./record-place.js";
import type { RecoveryReport } from "./recovery/recover.js";
import type { SegmentFiles } from "./segment-files.js";
import { run } from "./task.js";

/** Numbers for the metrics. */
export interface LogStats {
  readonly diskBytes: number;
  readonly liveBytes: number;
  readonly segments: number;
  readonly keys: number;
  readonly indexBytes: number;
  readonly flushes: number;
  readonly merges: number;
  readonly mergedBytes: number;
  readonly damagedRecords: number;
  readonly fileReads: number;
}

export interface LogParts {
  readonly index: KeyIndex;
  readonly writer: LogWriter;
  readonly reader: RecordReader;
  readonly house: House;
  readonly files: SegmentFiles;
  readonly fingerprint: (key: Uint8Array) => number;
  readonly losses: Losses;
  readonly report: RecoveryReport;
  readonly unlock: Unlock;
}

/** Records that a scan reads at once: enough to keep the disk busy, few enough to be held. */
const READS_AT_ONCE = 32;

export class LogStorage implements Storage {
  readonly #parts: LogParts;
  #losses: Losses;
  #isClosed = false;
  #damagedRecords: number;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#losses = parts.losses;
    this.#damagedRecords = parts.report.damagedRecords;
  }

  /** What was found when the store was opened. */
  get report(): RecoveryReport {
    return this.#parts.report;
  }

  /** One more than the largest partition that has a record. */
  get partitionsUpTo(): number {
    let most = 0;
    for (const partition of this.#parts.index.partitions) most = Math.max(most, partition + 1);
    return most;
  }

  /** Where a key's record lies: for tests, which damage it there. */
  placeOf(key: RecordKey): RecordPlace | undefined {
    return placeIn(this.#parts.index, key, this.#nameOf(key));
  }

  get(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    this.#read(key, false, done);
  }

  glance(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    this.#read(key, true, done);
  }

  #read(key: RecordKey, isLent: boolean, done: (outcome: ReadOutcome) => void): void {
    const { index, reader } = this.#parts;
    const name = this.#nameOf(key);
    if (this.#isInDoubt(key.partition, name)) return done(DAMAGED);
    const entry = index.find(key.partition, name);
    if (entry === undefined) return done(ABSENT);
    if (isDamaged(entry, 0)) return done(DAMAGED);
    const take = (record: ReadRecord | undefined): void => {
      if (record !== undefined) return done(outcomeOf(record, key.key));
      // Merged away or replaced while it was read: what is there now counts.
      if (!this.#foundDamage(key.partition, name, entry)) return this.#read(key, isLent, done);
      done(DAMAGED);
    };
    reader.read(entry, 0, take, isLent);
  }

  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void {
    const entries = this.#parts.index.range(partition, fromHash, toHash);
    const hashes = this.#doubtfulHashes(partition, fromHash, toHash);
    const more = (from: number): void => {
      if (from >= entries.length) return done(scanned(hashes));
      const until = endOfPage(entries, from);
      this.#readPage(partition, entries, from, until, hashes, (page) => {
        for (const record of page) if (!visit(record)) return done(scanned(hashes));
        more(until);
      });
    };
    more(0);
  }

  scanIndex(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (entry: IndexEntry) => boolean,
    done: (result: Scanned) => void,
  ): void {
    const entries = this.#parts.index.range(partition, fromHash, toHash);
    const hashes = this.#doubtfulHashes(partition, fromHash, toHash);
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      if (this.#isInDoubt(partition, nameAt(entries, at))) continue;
      const entry = entryAt(entries, at);
      if (isDamaged(entries, at)) hashes.push(entry.hash);
      else if (!visit(entry)) break;
    }
    done(scanned(hashes));
  }

  apply(batch: Batch, done: Settle): void {
    if (this.#isClosed) return done("failed");
    const { writer } = this.#parts;
    if (batch.heard !== true) return writer.apply(batch, done);
    writer.apply(batch, (error) => {
      if (error === undefined) this.#losses = { records: false, facts: false };
      done(error);
    });
  }

  getMeta(name: string, done: (outcome: ReadOutcome) => void): void {
    if (this.#parts.writer.doubtful.some((undo) => undo.touchesFact(name))) return done(DAMAGED);
    const fact = this.#parts.index.fact(name);
    if (fact === undefined) return done(ABSENT);
    done(fact.value === undefined ? DAMAGED : { kind: "found", value: fact.value.slice() });
  }

  scanMeta(prefix: string, visit: (name: string, value: Uint8Array) => void, done: () => void): void {
    const found: [string, Uint8Array][] = [];
    for (const [name, { value }] of this.#parts.index.facts) {
      // One that can't be read is shown as nothing: whoever knows its form sees that it is damaged.
      if (name.startsWith(prefix)) found.push([name, value?.slice() ?? new Uint8Array(0)]);
    }
    found.sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, value] of found) visit(name, value);
    done();
  }

  losses(done: (losses: Losses) => void): void {
    done(this.#losses);
  }

  close(done: () => void): void {
    assert(!this.#isClosed, "a storage is closed once");
    this.#isClosed = true;
    const { house, writer, files, index, unlock } = this.#parts;
    house.close(() =>
      writer.whenIdle(() => {
        const { active } = writer;
        const end = (): void => this.#release(() => unlock(done));
        // With its index file a start need not read it. After a failed flush nobody knows what is in it: the start finds out.
        const isEmpty = active.end <= SEGMENT_HEADER_BYTES;
        if (writer.hasFailed || active.isClosed || isEmpty) return end();
        run(
          files.alone(() => files.close(active, writer.counts, index)),
          end,
        );
      }),
    );
  }

  stats(): LogStats {
    const { index, writer, house, reader } = this.#parts;
    const { segments } = index;
    return {
      ...{ diskBytes: segments.totalBytes, liveBytes: segments.liveBytes, segments: segments.all.length },
      ...{ keys: index.keys, indexBytes: index.bytes, flushes: writer.flushes, fileReads: reader.fileReads },
      ...{ merges: house.merges, mergedBytes: house.mergedBytes, damagedRecords: this.#damagedRecords },
    };
  }

  #release(done: () => void): void {
    const segments = [...this.#parts.index.segments.all];
    const next = (): void => {
      const segment = segments.pop();
      if (segment === undefined) done();
      else segment.release(next);
    };
    next();
  }

  #nameOf({ hash, key }: RecordKey): Name {
    return {
      high: Number(hash >> 32n),
      low: Number(hash & 0xffff_ffffn),
      fingerprint: this.#parts.fingerprint(key),
    };
  }

  /** The records of some entries, as they are now; those of one hash ordered by their keys. */
  #readPage(
    partition: number,
    entries: Uint32Array,
    from: number,
    until: number,
    hashes: bigint[],
    done: (page: readonly StoredRecord[]) => void,
  ): void {
    const { index, reader } = this.#parts;
    const page: StoredRecord[] = [];
    let waiting = 1;
    const one = (): void => {
      if (--waiting > 0) return;
      page.sort((a, b) => (a.hash === b.hash ? compareBytes(a.key, b.key) : a.hash < b.hash ? -1 : 1));
      done(page);
    };
    for (let at = from; at < until; at += ENTRY_WORDS) {
      const name = nameAt(entries, at);
      // It may have been moved, replaced or removed since the scan began.
      const entry = index.find(partition, name);
      if (entry === undefined || this.#isInDoubt(partition, name)) continue;
      const hash = joined(name.high, name.low);
      waiting++;
      const take = (record: ReadRecord | undefined): void => {
        if (record === undefined) hashes.push(hash);
        else page.push({ partition, hash, key: record.key, value: record.value });
        one();
      };
      if (isDamaged(entry, 0)) take(undefined);
      else this.#readAgain(partition, name, entry, take, reader);
    }
    one();
  }

  #readAgain(
    partition: number,
    name: Name,
    entry: Uint32Array,
    done: (record: ReadRecord | undefined) => void,
    reader: RecordReader,
  ): void {
    reader.read(entry, 0, (record) => {
      if (record !== undefined || this.#foundDamage(partition, name, entry)) return done(record);
      const now = this.#parts.index.find(partition, name);
      if (now === undefined || isDamaged(now, 0)) return done(undefined);
      this.#readAgain(partition, name, now, done, reader);
    });
  }

  /** False where the index names another place by now: then it was no damage, but a read that came late. */
  #foundDamage(partition: number, name: Name, entry: Uint32Array): boolean {
    const { index } = this.#parts;
    const now = index.find(partition, name);
    if (now?.[word.offset] !== entry[word.offset] || now?.[word.slotAndSize] !== entry[word.slotAndSize]) return false;
    if (index.markDamaged(partition, name, entry)) this.#damagedRecords++;
    return true;
  }

  /** A failed flush left it in doubt. */
  #isInDoubt(partition: number, name: Name): boolean {
    const { doubtful } = this.#parts.writer;
    return doubtful.some((undo) => undo.touches(partition, name));
  }

  #doubtfulHashes(partition: number, fromHash: bigint, toHash: bigint): bigint[] {
    const hashes = new Set<bigint>();
    for (const undo of this.#parts.writer.doubtful) {
      for (const { high, low } of undo.namesOf(partition)) {
        const hash = joined(high, low);
        if (hash >= fromHash && hash <= toHash) hashes.add(hash);
      }
    }
    return [...hashes];
  }
}

function isDamaged(entries: Uint32Array, at: number): boolean {
  return ((entries[at + word.marks] as number) & FLAG_DAMAGED) !== 0;
}

function entryAt(entries: Uint32Array, at: number): IndexEntry {
  const marks = entries[at + word.marks] as number;
  return {
    hash: joined(entries[at + word.hashHigh] as number, entries[at + word.hashLow] as number),
    digest: joined(entries[at + word.digestHigh] as number, entries[at + word.digestLow] as number),
    mark: marks >>> 24,
    tag: marks & 0xffff,
  };
}

function scanned(hashes: readonly bigint[]): Scanned {
  return { damaged: hashes.length, hashes };
}

/** So many entries, and the rest of those with the last one's hash: they are put in order together. */
function endOfPage(entries: Uint32Array, from: number): number {
  let end = Math.min(entries.length, from + READS_AT_ONCE * ENTRY_WORDS);
  const isSame = (a: number, b: number): boolean => entries[a] === entries[b] && entries[a + 1] === entries[b + 1];
  while (end < entries.length && isSame(end - ENTRY_WORDS, end)) end += ENTRY_WORDS;
  return end;
}
