/** Buffers to encode frames into, lent for as long as a socket holds them: an idle connection keeps none. */
import { Writer, type TextCodec } from "@kvorum/core";

/** A slab that has this much is handed to the socket and the next one begun. */
export const SLAB_BYTES_FULL = 128 * 1024;
const SLAB_BYTES = SLAB_BYTES_FULL + 32 * 1024;
/** One that a large frame made grow beyond this is left to the garbage collector. */
const SLAB_BYTES_KEPT = 2 * SLAB_BYTES;
const SLABS_KEPT = 16;

export class SlabPool {
  readonly #free: Writer[] = [];

  constructor(readonly text: TextCodec) {}

  take(): Writer {
    return this.#free.pop() ?? new Writer(this.text, SLAB_BYTES);
  }

  /** To be called only when nobody reads the slab's bytes any more. */
  giveBack(slab: Writer): void {
    if (this.#free.length >= SLABS_KEPT || slab.capacity > SLAB_BYTES_KEPT) return;
    slab.reset();
    this.#free.push(slab);
  }
}
