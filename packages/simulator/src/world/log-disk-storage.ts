/** The storage port of one life of a process: the log that ships, over its simulated files, whose every answer takes virtual time. */
import { ownedBatch } from "@kvorum/core";
import type { Batch, IndexEntry, Losses, ReadOutcome, RecordKey, Scanned } from "@kvorum/core";
import type { Storage, StorageError, StoredRecord } from "@kvorum/core";
import { openLog, run, type LogStorage } from "@kvorum/store";
import type { DiskTimes, FlushWatch } from "./disk-storage.js";
import type { LogDisk } from "./log-disk.js";
import type { Process } from "./process.js";

/** Of a flush, what each step of the disk takes. */
const STEP_SHARE = 0.5;
const GATHER_MS = 0.05;
const PACE_MS = 1;

export class LogDiskStorage implements Storage {
  #log: LogStorage | undefined;
  /** Calls that came before the log was open. */
  #waiting: ((log: LogStorage) => void)[] = [];

  constructor(
    readonly disk: LogDisk,
    readonly process: Process,
    readonly times: DiskTimes,
    readonly watch: FlushWatch,
  ) {
    const files = disk.begin({
      rng: disk.rng,
      answer: (answer) => this.#answer(answer),
      onStep: (step) => this.#step(step),
    });
    const later = (delayMs: number, task: () => void): void => void process.clock.after(delayMs, task);
    const turns = {
      defer: (task: () => void): void => later(GATHER_MS, task),
      pace: (_bytes: number, _haste: number, go: () => void): void => later(PACE_MS, go),
    };
    const begin = (): void =>
      run(openLog(disk.logOptions(files, turns)), (opened) => {
        if (typeof opened === "string") return later(PACE_MS * 100, begin);
        disk.opened(opened);
        this.#log = opened;
        for (const call of this.#waiting.splice(0)) call(opened);
      });
    process.run(begin);
  }

  get(key: RecordKey, done: (outcome: ReadOutcome) => void): void {
    const address = { ...key, key: key.key.slice() };
    this.#when((log) => log.get(address, done));
  }

  scan(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (record: StoredRecord) => boolean,
    done: (result: Scanned) => void,
  ): void {
    this.#when((log) => log.scan(partition, fromHash, toHash, visit, done));
  }

  scanIndex(
    partition: number,
    fromHash: bigint,
    toHash: bigint,
    visit: (entry: IndexEntry) => boolean,
    done: (result: Scanned) => void,
  ): void {
    this.#when((log) => log.scanIndex(partition, fromHash, toHash, visit, done));
  }

  getMeta(name: string, done: (outcome: ReadOutcome) => void): void {
    this.#when((log) => log.getMeta(name, done));
  }

  scanMeta(prefix: string, visit: (name: string, value: Uint8Array) => void, done: () => void): void {
    this.#when((log) => log.scanMeta(prefix, visit, done));
  }

  losses(done: (losses: Losses) => void): void {
    this.#when((log) => log.losses(done));
  }

  apply(batch: Batch, done: (error: StorageError | undefined) => void): void {
    if (!this.process.alive) return;
    const owned = ownedBatch(batch);
    const kept: Batch = { ...owned, ...(batch.heard === true && { heard: true as const }) };
    this.#when((log) => {
      this.disk.aim("");
      this.disk.write(kept);
      const upTo = this.disk.writtenUpTo;
      log.apply(kept, (error) => {
        if (error === "full") this.disk.refused(kept);
        if (error === undefined) this.disk.flush(upTo);
        if (error === "full") this.watch.refused();
        if (error === "failed") this.watch.failed();
        if (error === undefined) this.watch.flushed(1);
        if (this.process.alive) done(error);
      });
    });
  }

  close(done: () => void): void {
    this.#when((log) =>
      log.close(() => {
        this.disk.closed();
        done();
      }),
    );
  }

  #when(call: (log: LogStorage) => void): void {
    if (this.#log !== undefined) call(this.#log);
    else this.#waiting.push(call);
  }

  #answer(answer: () => void): void {
    const { disk, times } = this;
    disk.aim("");
    if (disk.slowness > 1) this.watch.slowed();
    this.process.clock.after(times.flushMs * STEP_SHARE * disk.rng.float() * disk.slowness, answer);
  }

  /** Faults that are asked of the disk reach its files with the next step, answer or batch. */
  #step(step: string): void {
    const { disk } = this;
    disk.aim(step);
    if (step.startsWith("flush") && step.endsWith(".log")) this.watch.flushing(disk.unflushedBatches);
  }
}
