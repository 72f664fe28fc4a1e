/**
 * A member's disk: what is proven on it, what was only written, and what a power cut leaves of that. Batches are atomic and ordered, as a
 * transactional store gives them; the bytes are those of the shipped record codec.
 */
import { Image, type Batch, type RecordKey, type Rng } from "@kvorum/core";
import type { SimulatedDisk } from "@kvorum/store";

export interface DiskCopy {
  readonly image: Image;
  /** Of a disk of bytes. */
  readonly files: SimulatedDisk | undefined;
}

export class Disk {
  /** What no crash takes away. */
  #proven = new Image();
  /** What a read finds: the proven, and what was written since. */
  #visible = new Image();
  /** Written and not flushed, oldest first. */
  #unflushed: Batch[] = [];
  /** Batches that were ever taken off {@link #unflushed}: makes places in it comparable over time. */
  #settled = 0;

  /** No room: writes fail, reads go on. */
  full = false;
  /** The next flush fails. */
  failNextFlush = false;
  /** Reads and flushes take so many times as long. */
  slowness = 1;

  constructor(readonly rng: Rng) {}

  get visible(): Image {
    return this.#visible;
  }

  get proven(): Image {
    return this.#proven;
  }

  get unflushedBatches(): number {
    return this.#unflushed.length;
  }

  /** A place in the order of batches: all that was written until now. */
  get writtenUpTo(): number {
    return this.#settled + this.#unflushed.length;
  }

  write(batch: Batch): void {
    this.#visible.apply(batch);
    this.#unflushed.push(batch);
  }

  /** Everything up to a place given by {@link writtenUpTo} is proven now. */
  flush(upTo: number): void {
    const count = Math.max(0, upTo - this.#settled);
    for (const batch of this.#unflushed.splice(0, count)) this.#proven.apply(batch);
    this.#settled += count;
  }

  /**
   * Of what was not flushed, the first so many batches are on the disk after all, the rest is gone: after a power cut, a failed flush. Of the
   * first that is gone a record may be there in part. True where that has happened.
   */
  lose(): boolean {
    this.flush(this.#settled + this.rng.below(this.#unflushed.length + 1));
    const isTorn = this.#tear(this.#unflushed[0]);
    this.#settled += this.#unflushed.length;
    this.#unflushed = [];
    this.#visible = this.#proven.clone();
    return isTorn;
  }

  /** A key's first record only: no store worth the name writes over what is proven before the new is. */
  #tear({ records = [] }: Batch = {}): boolean {
    const record = records.findLast((each) => each.value !== undefined);
    if (record?.value === undefined || this.#proven.get(record) !== undefined || this.rng.chance(0.5)) return false;
    const value = record.value.slice(0, this.rng.below(record.value.length));
    this.#proven.apply({ records: [{ ...record, value }] });
    return true;
  }

  /** A process died: what it had handed to the kernel stays readable and unproven; what it still held itself is gone. */
  loseHeld(): void {
    const kept = this.rng.below(this.#unflushed.length + 1);
    this.#settled += this.#unflushed.length - kept;
    this.#unflushed = this.#unflushed.slice(0, kept);
    this.#visible = this.#proven.clone();
    for (const batch of this.#unflushed) this.#visible.apply(batch);
  }

  wipe(): void {
    this.#proven = new Image();
    this.#visible = new Image();
    this.#settled += this.#unflushed.length;
    this.#unflushed = [];
  }

  /** What a copy of the folder holds that is taken now, while nothing runs on it; and the same put back. */
  copy(): DiskCopy {
    return { image: this.#proven.clone(), files: undefined };
  }

  putBack({ image }: DiskCopy): void {
    this.restate(image.clone(), image.clone());
  }

  /** Flips a bit of a record that is proven and was not written since; false where there is none such. */
  damage(key: RecordKey): boolean {
    const record = this.#proven.record(key);
    if (record === undefined || record.value !== this.#visible.get(key)) return false;
    this.#overwrite({ records: [{ ...record, value: this.#withFlippedBit(record.value) }] });
    return true;
  }

  /** The same of a named fact. */
  damageFact(name: string): boolean {
    const value = this.#proven.meta.get(name);
    if (value === undefined || value.length === 0 || value !== this.#visible.meta.get(name)) return false;
    this.#overwrite({ meta: [{ name, value: this.#withFlippedBit(value) }] });
    return true;
  }

  #withFlippedBit(value: Uint8Array): Uint8Array {
    const damaged = value.slice();
    const at = this.rng.below(damaged.length);
    damaged[at] = (damaged[at] as number) ^ (1 << this.rng.below(8));
    return damaged;
  }

  #overwrite(write: Batch): void {
    this.#proven.apply(write);
    this.#visible.apply(write);
  }

  /** What is on the disk is what is found there, whatever was written. */
  protected restate(proven: Image, visible: Image): void {
    this.#proven = proven;
    this.#visible = visible;
    this.#settled += this.#unflushed.length;
    this.#unflushed = [];
  }

  /** A batch that was written and found no room is not there, nor was it ever. */
  protected withdraw(batch: Batch): void {
    this.#unflushed = this.#unflushed.filter((other) => other !== batch);
    this.#visible = this.#proven.clone();
    for (const other of this.#unflushed) this.#visible.apply(other);
  }

  heal(): void {
    this.full = false;
    this.failNextFlush = false;
    this.slowness = 1;
  }
}
