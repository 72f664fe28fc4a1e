/** Reads a file from its beginning to its end through a stretch of memory, a large piece at a time. */
import type { Task } from "./task.js";
import { wait } from "./task.js";

const WINDOW_BYTES = 1024 * 1024;

export interface Readable {
  read(at: number, length: number, done: (bytes: Uint8Array | undefined) => void): void;
}

export class Window {
  #bytes: Uint8Array = new Uint8Array(0);
  #from = 0;

  constructor(
    readonly file: Readable,
    /** No more than so many bytes are looked at. */
    readonly end: number,
  ) {}

  /** Bytes from `at` on, as many as asked for or as there are; empty where they can't be read. Good until the next call. */
  *at(at: number, length: number): Task<Uint8Array> {
    const wanted = Math.min(length, this.end - at);
    const isHere = at >= this.#from && at + wanted <= this.#from + this.#bytes.length;
    if (!isHere && wanted > 0) {
      const size = Math.min(Math.max(wanted, WINDOW_BYTES), this.end - at);
      const bytes = yield* wait<Uint8Array | undefined>((done) => this.file.read(at, size, done));
      this.#bytes = bytes ?? new Uint8Array(0);
      this.#from = at;
    }
    return this.#bytes.subarray(at - this.#from, at - this.#from + Math.max(0, wanted));
  }
}
