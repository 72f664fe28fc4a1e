/** Recently written and read records, bounded by bytes: two generations of one slab each; what is asked for again moves into the younger. */
import { PlaceTable } from "./place-table.js";

export class RecordCache {
  readonly #generationBytes: number;
  #young: Generation;
  #old: Generation;

  constructor(bytesMax: number) {
    this.#generationBytes = bytesMax >>> 1;
    this.#young = new Generation(this.#generationBytes);
    this.#old = new Generation(this.#generationBytes);
  }

  /** Lent: good until the next call. */
  get(segment: number, offset: number): Uint8Array | undefined {
    const young = this.#young.get(segment, offset);
    if (young !== undefined) return young;
    const old = this.#old.get(segment, offset);
    if (old === undefined) return undefined;
    // Copied first: to make room may empty the older slab.
    if (!this.#young.fits(old.length)) return old;
    this.#young.add(segment, offset, old);
    return old;
  }

  add(segment: number, offset: number, record: Uint8Array): void {
    // One that takes a good part of a generation would push out all the others.
    if (record.length + LENGTH_BYTES > this.#generationBytes >>> 3) return;
    if (!this.#young.fits(record.length)) this.#turn();
    this.#young.add(segment, offset, record);
  }

  /** Places that were cached may be written to anew. */
  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  #turn(): void {
    const emptied = this.#old;
    emptied.clear();
    this.#old = this.#young;
    this.#young = emptied;
  }
}

/** A record's length stands before it. */
const LENGTH_BYTES = 4;

class Generation {
  readonly #slab: Uint8Array;
  readonly #view: DataView;
  readonly #places = new PlaceTable();
  #used = 0;

  constructor(bytes: number) {
    this.#slab = new Uint8Array(bytes);
    this.#view = new DataView(this.#slab.buffer);
  }

  fits(length: number): boolean {
    return this.#used + LENGTH_BYTES + length <= this.#slab.length;
  }

  get(segment: number, offset: number): Uint8Array | undefined {
    const at = this.#places.get(segment, offset);
    if (at < 0) return undefined;
    return this.#slab.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + this.#view.getUint32(at));
  }

  add(segment: number, offset: number, record: Uint8Array): void {
    const at = this.#used;
    this.#view.setUint32(at, record.length);
    this.#slab.set(record, at + LENGTH_BYTES);
    this.#used += LENGTH_BYTES + record.length;
    this.#places.set(segment, offset, at);
  }

  clear(): void {
    this.#places.clear();
    this.#used = 0;
  }
}
