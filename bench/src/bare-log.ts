/** The least that a durable log can be: bytes copied into a slab, one append and one fdatasync for all that came meanwhile. No index, no checksum. */
import * as fs from "node:fs";
import { join } from "node:path";

export class BareLog {
  readonly #descriptor: number;
  #slab = Buffer.alloc(4 * 1024 * 1024);
  #other = Buffer.alloc(4 * 1024 * 1024);
  #used = 0;
  #waiting: (() => void)[] = [];
  #isFlushing = false;
  #isScheduled = false;
  #length = 0;

  constructor(folder: string) {
    fs.mkdirSync(folder, { recursive: true });
    this.#descriptor = fs.openSync(join(folder, "bare"), "w+");
  }

  put(key: Uint8Array, value: Uint8Array, done: () => void): void {
    this.#slab.set(key, this.#used);
    this.#slab.set(value, this.#used + key.length);
    this.#used += key.length + value.length;
    this.#waiting.push(done);
    if (this.#isFlushing || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }

  #flush(): void {
    this.#isScheduled = false;
    this.#isFlushing = true;
    const [bytes, length, waiting] = [this.#slab, this.#used, this.#waiting];
    [this.#slab, this.#other, this.#used, this.#waiting] = [this.#other, bytes, 0, []];
    fs.write(this.#descriptor, bytes, 0, length, this.#length, (error) => {
      if (error !== null) throw error;
      this.#length += length;
      fs.fdatasync(this.#descriptor, (failed) => {
        if (failed !== null) throw failed;
        this.#isFlushing = false;
        for (const done of waiting) done();
        if (this.#waiting.length > 0 && !this.#isScheduled) this.#flush();
      });
    });
  }
}
