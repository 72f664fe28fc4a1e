/**
 * A member's disk of bytes, for the log that ships: what a power cut leaves is torn sectors and lost names, and what that means is found out by the log
 * itself. The images beside it are for checkers: what was called durable, and what a read would find.
 */
import { HASH_MAX, Image, type Batch, type Primitives, type RecordKey, type Rng } from "@kvorum/core";
import {
  factPlaceOf,
  openLog,
  placeOf,
  run,
  SimulatedDisk,
  type FactPlace,
  type LogOptions,
  type LogStorage,
  type SimulatedDiskOptions,
} from "@kvorum/store";
import { Disk, type DiskCopy } from "./disk.js";

/** Small, so that segments turn and merge within a run. */
const SIZES = { segmentBytes: 16 * 1024, cacheBytes: 0, spaceTarget: 1.5, reserveBytes: 0 } as const;
const KEPT_VALUE_BYTES = 1;

export class LogDisk extends Disk {
  #files: SimulatedDisk;
  /** While a process runs on it: what its index says, not what a start would find. */
  #running: LogStorage | undefined;
  readonly #salt: bigint;

  constructor(
    rng: Rng,
    readonly primitives: Primitives,
  ) {
    super(rng);
    this.#salt = BigInt(rng.u32());
    this.#files = new SimulatedDisk(this.#atOnce());
  }

  /** The files for one life of a process. */
  begin(options: SimulatedDiskOptions): SimulatedDisk {
    this.#files = this.#files.killed(options);
    return this.#files;
  }

  logOptions(disk: SimulatedDisk, turns: Pick<LogOptions, "defer" | "pace">): LogOptions {
    return { ...SIZES, ...turns, disk, primitives: this.primitives, salt: () => this.#salt };
  }

  /** The log is open: what it found is durable now. */
  opened(log: LogStorage): void {
    this.#running = log;
    const content = this.#content();
    this.restate(content, content.clone());
  }

  closed(): void {
    this.#running = undefined;
  }

  /** What is asked of the disk reaches its files at a step: no room, a flush that fails. */
  aim(step: string): void {
    this.#files.capacity = this.full ? this.#files.usedBytes : Number.POSITIVE_INFINITY;
    if (!this.failNextFlush || !step.startsWith("flush") || !step.endsWith(".log")) return;
    this.failNextFlush = false;
    this.#files.failNextFlush = true;
  }

  refused(batch: Batch): void {
    this.withdraw(batch);
  }

  override lose(): boolean {
    this.#running = undefined;
    this.#files = this.#files.cut(this.#atOnce());
    const content = this.#content();
    this.restate(content, content.clone());
    return false;
  }

  override loseHeld(): void {
    this.#running = undefined;
    this.#files = this.#files.killed(this.#atOnce());
    this.restate(this.proven.clone(), this.#content());
  }

  override wipe(): void {
    this.#running = undefined;
    super.wipe();
    this.#files = new SimulatedDisk(this.#atOnce());
  }

  override copy(): DiskCopy {
    return { ...super.copy(), files: this.#files.copy(this.#atOnce()) };
  }

  override putBack({ files }: DiskCopy): void {
    if (files === undefined) return;
    this.#files = files.copy(this.#atOnce());
    const content = this.#content();
    this.restate(content, content.clone());
  }

  /** Flips a bit of the record's bytes, wherever in its segment it lies. */
  override damage(key: RecordKey): boolean {
    const record = this.proven.record(key);
    if (record === undefined || record.value !== this.visible.get(key)) return false;
    const { primitives } = this;
    let place = this.#running?.placeOf(key);
    if (this.#running === undefined) {
      run(placeOf(this.#files.copy(this.#atOnce()), primitives, key), (found) => (place = found));
    }
    if (place === undefined || !this.#flipIn(place.file, place.at, place.length)) return false;
    // Checkers see a record that nobody can read.
    const write: Batch = { records: [{ ...record, value: record.value.slice(0, KEPT_VALUE_BYTES) }] };
    this.proven.apply(write);
    this.visible.apply(write);
    return true;
  }

  /**
   * Flips a bit of the fact's record, and one of the index file that repeats it: either by itself is mended from the other. Not while a process
   * runs on it, which has its facts in memory.
   */
  override damageFact(name: string): boolean {
    if (this.#running !== undefined) return false;
    let place: FactPlace | undefined;
    run(factPlaceOf(this.#files.copy(this.#atOnce()), this.primitives, name), (found) => (place = found));
    if (place === undefined || !this.#flipIn(place.record.file, place.record.at, place.record.length)) return false;
    const index = this.#files.bytes(place.index);
    if (index !== undefined) this.#flipIn(place.index, 0, index.length);
    const content = this.#content();
    this.restate(content, content.clone());
    return true;
  }

  #flipIn(file: string, at: number, length: number): boolean {
    const bytes = this.#files.bytes(file);
    if (bytes === undefined || at + length > bytes.length) return false;
    const place = at + this.rng.below(length);
    bytes[place] = (bytes[place] as number) ^ (1 << this.rng.below(8));
    return true;
  }

  #atOnce(): SimulatedDiskOptions {
    return { rng: this.rng, answer: (answer) => answer() };
  }

  /** What a start would find, by starting the log on a copy. */
  #content(): Image {
    const later: (() => void)[] = [];
    let log: LogStorage | undefined;
    const turns = {
      defer: (task: () => void) => void later.push(task),
      pace: (_: number, __: number, go: () => void) => void later.push(go),
    };
    const files = this.#files.copy(this.#atOnce());
    // A start needs some room; how much there is says nothing of what is there.
    files.capacity = Number.POSITIVE_INFINITY;
    run(openLog(this.logOptions(files, turns)), (opened) => {
      if (typeof opened === "string") throw new Error(`a copy of the log does not open: ${opened}`);
      log = opened;
    });
    while (log === undefined) later.shift()?.();
    return imageOf(log, this.proven);
  }
}

/** Everything in a log that answers at once; of records that it can't read, what was known of them. */
function imageOf(log: LogStorage, before: Image): Image {
  const image = new Image();
  const marks = new Map<string, { digest: bigint; mark: number; tag: number }[]>();
  for (let partition = 0; partition < log.partitionsUpTo; partition++) {
    const unreadable: bigint[] = [];
    log.scanIndex(
      partition,
      0n,
      HASH_MAX,
      ({ hash, ...said }) => {
        const at = `${partition}/${hash}`;
        marks.set(at, [...(marks.get(at) ?? []), said]);
        return true;
      },
      () => {},
    );
    log.scan(
      partition,
      0n,
      HASH_MAX,
      (record) => {
        const said = marks.get(`${partition}/${record.hash}`)?.shift();
        image.apply({ records: [{ ...record, ...said }] });
        return true;
      },
      ({ hashes = [] }) => unreadable.push(...hashes),
    );
    for (const hash of unreadable) {
      for (const record of before.range(partition, hash, hash)) {
        image.apply({ records: [{ ...record, value: record.value.slice(0, KEPT_VALUE_BYTES) }] });
      }
    }
  }
  log.scanMeta(
    "",
    (name, value) => image.apply({ meta: [{ name, value }] }),
    () => {},
  );
  return image;
}
