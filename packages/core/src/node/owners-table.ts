/**
 * The records of all partitions, as this node knows them: on its disk before it goes by them, so that what it told others it has seen is still
 * seen after a restart (DESIGN §3). Records lie in blocks of neighbouring partitions: a change of the whole ring is a few writes of one flush.
 */
import { MalformedError, Reader } from "../base/bytes.js";
import type { Primitives } from "../base/primitives.js";
import { scratchFor } from "../base/scratch.js";
import { seal, unseal } from "../base/sealed.js";
import type { MetaWrite, Storage } from "../ports/storage.js";
import { readRecords, writeRecords } from "../ring/owners-codec.js";
import { compareRecords, UNKNOWN_RECORD, type OwnersRecord, type PlacedRecord } from "../ring/owners-record.js";

const metaPrefix = "owners/";
const PARTITIONS_A_BLOCK = 64;

export interface OwnersTableOptions {
  readonly primitives: Primitives;
  readonly storage: Storage;
  readonly partitions: number;
}

export class OwnersTable {
  readonly #options: OwnersTableOptions;
  /** What this node goes by. */
  readonly #inForce: OwnersRecord[];
  /** What is on its way to the disk, or there. */
  readonly #written: OwnersRecord[];
  readonly #digests: bigint[];
  /** Told which partitions have a newer record in force. */
  onChange: (partitions: readonly number[]) => void = () => {};

  constructor(options: OwnersTableOptions, known: Iterable<PlacedRecord>) {
    this.#options = options;
    this.#inForce = Array.from({ length: options.partitions }, () => UNKNOWN_RECORD);
    for (const { partition, record } of known) if (partition < options.partitions) this.#inForce[partition] = record;
    this.#written = [...this.#inForce];
    this.#digests = Array.from({ length: Math.ceil(options.partitions / PARTITIONS_A_BLOCK) }, () => 0n);
    this.#inForce.forEach((record, partition) => this.#toggle(partition, record));
  }

  /** What is on disk. A block that can't be read is as if it had never been heard of: the other members tell it again. */
  static load(options: OwnersTableOptions, done: (table: OwnersTable, damaged: number) => void): void {
    const known: PlacedRecord[] = [];
    let damaged = 0;
    const read = (name: string, value: Uint8Array): void => {
      const records = decodeBlock(options.primitives, name, value);
      if (records === undefined) damaged++;
      else known.push(...records);
    };
    options.storage.scanMeta(metaPrefix, read, () => done(new OwnersTable(options, known), damaged));
  }

  /** How records lie on a disk that has none yet: a founder's and a joiner's are written with its identity. */
  static firstMeta(primitives: Primitives, placed: readonly PlacedRecord[]): MetaWrite[] {
    const blocks = new Map<number, PlacedRecord[]>();
    for (const each of placed) {
      const block = blockOf(each.partition);
      blocks.set(block, [...(blocks.get(block) ?? []), each]);
    }
    return [...blocks].map(([block, records]) => encodeBlock(primitives, block, records));
  }

  get partitions(): number {
    return this.#options.partitions;
  }

  record(partition: number): OwnersRecord {
    return this.#inForce[partition] ?? UNKNOWN_RECORD;
  }

  /** All that is known, in the order of the partitions. */
  all(): PlacedRecord[] {
    return knownOf(this.#inForce, 0, this.#inForce.length);
  }

  /** Equal on members that go by the same records. */
  get digest(): bigint {
    return this.#digests.reduce((sum, digest) => sum ^ digest, 0n);
  }

  blockDigests(): readonly bigint[] {
    return this.#digests;
  }

  /** The records of those blocks that differ from what another has. */
  differing(digests: readonly bigint[]): PlacedRecord[] {
    return this.#digests.flatMap((digest, block) => {
      const first = block * PARTITIONS_A_BLOCK;
      return digest === digests[block] ? [] : knownOf(this.#inForce, first, first + PARTITIONS_A_BLOCK);
    });
  }

  /** Takes records that are newer than what is known here. `done` comes when all of them are on disk and in force, or can't be kept. */
  take(placed: readonly PlacedRecord[], done: (kept: boolean) => void): void {
    const blocks = new Set<number>();
    for (const { partition, record } of placed) {
      if (partition >= this.#options.partitions) continue;
      if (compareRecords(record, this.record(partition)) > 0) blocks.add(blockOf(partition));
      if (compareRecords(record, this.#written[partition] as OwnersRecord) > 0) this.#written[partition] = record;
    }
    if (blocks.size === 0) return done(true);
    const written = [...blocks].map((block) => ({ block, records: this.#writtenIn(block) }));
    const meta = written.map(({ block, records }) => encodeBlock(this.#options.primitives, block, records));
    this.#options.storage.apply({ meta }, (error) => {
      if (error === undefined) this.#enforce(written.flatMap(({ records }) => records));
      done(error === undefined);
    });
  }

  #writtenIn(block: number): PlacedRecord[] {
    const first = block * PARTITIONS_A_BLOCK;
    return knownOf(this.#written, first, first + PARTITIONS_A_BLOCK);
  }

  #enforce(placed: readonly PlacedRecord[]): void {
    const changed: number[] = [];
    for (const { partition, record } of placed) {
      const before = this.record(partition);
      if (compareRecords(record, before) <= 0) continue;
      this.#toggle(partition, before);
      this.#toggle(partition, record);
      this.#inForce[partition] = record;
      changed.push(partition);
    }
    if (changed.length > 0) this.onChange(changed);
  }

  /** Adds a record to its block's digest, or takes it out. */
  #toggle(partition: number, record: OwnersRecord): void {
    if (record.epoch === 0) return;
    const writer = scratchFor(this.#options.primitives.text);
    writeRecords(writer, [{ partition, record }]);
    const block = blockOf(partition);
    this.#digests[block] = (this.#digests[block] ?? 0n) ^ this.#options.primitives.hash64(writer.view());
  }
}

/** Those of the partitions from `first` to before `end` of which anything is known. */
function knownOf(records: readonly OwnersRecord[], first: number, end: number): PlacedRecord[] {
  const known: PlacedRecord[] = [];
  for (let partition = first; partition < Math.min(end, records.length); partition++) {
    const record = records[partition] as OwnersRecord;
    if (record.epoch > 0) known.push({ partition, record });
  }
  return known;
}

function blockOf(partition: number): number {
  return Math.floor(partition / PARTITIONS_A_BLOCK);
}

function encodeBlock(primitives: Primitives, block: number, records: readonly PlacedRecord[]): MetaWrite {
  const name = metaPrefix + block.toString(16).padStart(4, "0");
  const writer = scratchFor(primitives.text);
  writeRecords(writer, records);
  return { name, value: seal(primitives, name, writer.view()) };
}

function decodeBlock(primitives: Primitives, name: string, value: Uint8Array): PlacedRecord[] | undefined {
  const bytes = unseal(primitives, name, value);
  if (bytes === undefined) return undefined;
  try {
    return readRecords(new Reader(primitives.text, bytes));
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
