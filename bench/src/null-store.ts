/** What the null Dynamo keeps: a plain Map of places in big slabs, each record's bytes copied in and overwritten where they lie. */
import type { Primitives } from "@kvorum/core";

/** Many small Buffers cost garbage collection by the gigabyte; one slab holds many records. */
const SLAB_BYTES = 16 * 1024 * 1024;

export interface NullRecord {
  /** Lent: good until the next `set` of the same id. */
  readonly bytes: Uint8Array;
  readonly digest: bigint;
}

interface Place {
  readonly room: Uint8Array;
  bytes: Uint8Array;
  digest: bigint;
}

export class NullStore {
  readonly #places = new Map<string, Place>();
  #slab = new Uint8Array(0);
  #used = 0;

  constructor(readonly primitives: Primitives) {}

  get(id: string): NullRecord | undefined {
    return this.#places.get(id);
  }

  /** Copies `value` and hashes it once, so that a read finds its digest ready. */
  set(id: string, value: Uint8Array): void {
    const digest = this.primitives.hash64(value);
    const place = this.#places.get(id);
    if (place === undefined || place.room.length < value.length) {
      const room = this.#take(value.length);
      room.set(value);
      this.#places.set(id, { room, bytes: room, digest });
      return;
    }
    place.room.set(value);
    if (place.bytes.length !== value.length) place.bytes = place.room.subarray(0, value.length);
    place.digest = digest;
  }

  /** A record that outgrew its place leaves it unused: the workloads' values all have one size. */
  #take(size: number): Uint8Array {
    if (this.#slab.length - this.#used < size) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, size));
      this.#used = 0;
    }
    const room = this.#slab.subarray(this.#used, this.#used + size);
    this.#used += size;
    return room;
  }
}
