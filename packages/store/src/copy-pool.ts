/** Copies of records for whoever reads them, many in one buffer: a buffer of its own for each costs more than the copy, and the collector counts every one. */

const CHUNK_BYTES = 64 * 1024;
/** A larger one would hold too much of a chunk. */
const SHARED_BYTES_MAX = 8 * 1024;

export class CopyPool {
  #chunk = new Uint8Array(CHUNK_BYTES);
  #used = 0;

  copy(bytes: Uint8Array): Uint8Array {
    if (bytes.length > SHARED_BYTES_MAX) return bytes.slice();
    if (this.#used + bytes.length > CHUNK_BYTES) {
      this.#chunk = new Uint8Array(CHUNK_BYTES);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += bytes.length;
    this.#chunk.set(bytes, from);
    return this.#chunk.subarray(from, this.#used);
  }
}
