/** A hash over every event of a run: two runs that differ anywhere differ here. FNV-1a over two lanes; it guards against chance, not malice. */
const PRIME = 0x01000193;

export class RunDigest {
  #a = 0x811c9dc5;
  #b = 0x2f0b4c47;
  readonly #float = new Float64Array(1);
  readonly #words = new Uint32Array(this.#float.buffer);

  word(value: number): void {
    this.#a = Math.imul(this.#a ^ value, PRIME);
    this.#b = Math.imul((this.#b << 5) ^ (this.#b >>> 27) ^ value, PRIME);
  }

  /** A time, or any other number. */
  number(value: number): void {
    this.#float[0] = value;
    this.word(this.#words[0] as number);
    this.word(this.#words[1] as number);
  }

  text(text: string): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, PRIME);
      b = Math.imul((b << 5) ^ (b >>> 27) ^ unit, PRIME);
    }
    this.#a = a;
    this.#b = b;
    this.word(text.length);
  }

  bytes(bytes: Uint8Array): void {
    let a = this.#a;
    for (let i = 0; i < bytes.length; i++) a = Math.imul(a ^ (bytes[i] as number), PRIME);
    this.#a = a;
    this.#b = Math.imul((this.#b << 5) ^ (this.#b >>> 27) ^ a, PRIME);
    this.word(bytes.length);
  }

  /** 16 hex digits. */
  get value(): string {
    return [this.#a, this.#b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }
}
