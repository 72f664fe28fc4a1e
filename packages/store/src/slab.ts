/** One growing stretch of bytes that a group's records are written into, so that they go to the disk in one piece and no value is kept as a buffer of its own. */

const INITIAL_BYTES = 64 * 1024;
/** A slab that grew beyond this for one large group is not kept for the next. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

export class Slab {
  bytes = new Uint8Array(INITIAL_BYTES);
  view = new DataView(this.bytes.buffer);
  used = 0;

  /** Makes room for a record of so many bytes and gives where it begins. */
  take(length: number): number {
    const at = this.used;
    this.used += length;
    if (this.used > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.used, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.used);
  }

  /** Empty again, for another group. */
  reset(): void {
    this.used = 0;
    if (this.bytes.length <= KEPT_BYTES_MAX) return;
    this.bytes = new Uint8Array(INITIAL_BYTES);
    this.view = new DataView(this.bytes.buffer);
  }
}
