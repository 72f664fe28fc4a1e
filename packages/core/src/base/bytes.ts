/** Reading and writing binary values: one growing slab to write into, one cursor to read from. Big-endian throughout. */

/** UTF-8, handed in: plain ES2023 has no TextEncoder. */
export interface TextCodec {
  /** Writes `text` as UTF-8 at `offset` and returns how many bytes it took. The target has room for 3 bytes per UTF-16 unit. */
  encodeInto(text: string, target: Uint8Array, offset: number): number;
  /** Reads UTF-8 from `start` up to `end`. Bytes that are not UTF-8 become U+FFFD. */
  decode(source: Uint8Array, start: number, end: number): string;
}

/** What a decoder throws for bytes that are not what they claim to be. Catch it where the bytes came in. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

const INITIAL_BYTES = 256;

/** For the one kind of number that plain arithmetic is slow at; a view for each writer and reader would cost more than all the rest. */
const eight = new Uint8Array(8);
const eightView = new DataView(eight.buffer);

/** A slab that grows. `length` is what has been written; `take` copies it out, `view` lends it. */
export class Writer {
  #bytes: Uint8Array;
  length = 0;

  constructor(
    readonly text: TextCodec,
    initialBytes: number = INITIAL_BYTES,
  ) {
    this.#bytes = new Uint8Array(initialBytes);
  }

  /** Bytes that can be written before the slab must grow. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.#bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.#bytes[this.length++] = value >>> 8;
    this.#bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.patchU32(this.length, value);
    this.length += 4;
  }

  /** A whole number below 2^48 in 6 bytes. */
  u48(value: number): void {
    this.u16(Math.floor(value / 0x1_0000_0000));
    this.u32(value >>> 0);
  }

  u64(value: bigint): void {
    eightView.setBigUint64(0, value);
    this.raw(eight);
  }

  /** A whole number from 0 to 2^53 - 1, seven bits a byte, least significant first. */
  uvarint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.length++] = rest;
  }

  /** Bytes as they are, no length before them. */
  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.#bytes.set(value, this.length);
    this.length += value.length;
  }

  /** Bytes with their length before them. */
  blob(value: Uint8Array): void {
    this.uvarint(value.length);
    this.raw(value);
  }

  /** UTF-8 text with its length in bytes before it. */
  string(value: string): void {
    const room = value.length * 3;
    this.reserve(room + 8);
    // The length comes first and is not known yet: short texts leave one byte for it, long ones are encoded aside.
    if (room < 0x80) {
      const at = this.length++;
      const size = this.text.encodeInto(value, this.#bytes, this.length);
      this.#bytes[at] = size;
      this.length += size;
      return;
    }
    const aside = new Uint8Array(room);
    const size = this.text.encodeInto(value, aside, 0);
    this.blob(aside.subarray(0, size));
  }

  /** Overwrites a byte written earlier. */
  patchU8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** Overwrites 4 bytes written earlier: for a length known only at the end. */
  patchU32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  /** The written bytes without a copy: good until the next write or reset. */
  view(from = 0): Uint8Array {
    return this.#bytes.subarray(from, this.length);
  }

  /** The written bytes, copied. */
  take(from = 0): Uint8Array {
    return this.#bytes.slice(from, this.length);
  }

  reset(): void {
    this.length = 0;
  }
}

/** A cursor over bytes. Every read past the end throws {@link MalformedError}; blobs are slices of the source, not copies. */
export class Reader {
  offset: number;

  constructor(
    readonly text: TextCodec,
    readonly bytes: Uint8Array,
    offset = 0,
    public end: number = bytes.length,
  ) {
    this.offset = offset;
  }

  /** Goes on to another stretch of the same bytes: many values of one buffer need one reader. */
  moveTo(offset: number, end: number): void {
    this.offset = offset;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  #advance(count: number): number {
    const at = this.offset;
    if (count > this.end - at) throw new MalformedError(`${count} bytes wanted at offset ${at}, ${this.end - at} left`);
    this.offset = at + count;
    return at;
  }

  u8(): number {
    return this.bytes[this.#advance(1)] as number;
  }

  u16(): number {
    const at = this.#advance(2);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  u32(): number {
    return u32At(this.bytes, this.#advance(4));
  }

  u48(): number {
    const high = this.u16();
    return high * 0x1_0000_0000 + this.u32();
  }

  u64(): bigint {
    const at = this.#advance(8);
    for (let i = 0; i < 8; i++) eight[i] = this.bytes[at + i] as number;
    return eightView.getBigUint64(0);
  }

  uvarint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        // One number has one form: equal values must give equal bytes, or hashes of them would differ.
        if (byte === 0 && count > 0) throw new MalformedError("a number with needless trailing zeros");
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new MalformedError("a number above 2^53 - 1");
  }

  /** A count of things that take at least `eachBytes` each: refused when they cannot be there. */
  count(eachBytes = 1): number {
    const count = this.uvarint();
    if (count * eachBytes > this.remaining)
      throw new MalformedError(`${count} items announced, ${this.remaining} bytes left`);
    return count;
  }

  raw(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.bytes.subarray(at, at + count);
  }

  blob(): Uint8Array {
    return this.raw(this.uvarint());
  }

  string(): string {
    const size = this.uvarint();
    const at = this.#advance(size);
    return this.text.decode(this.bytes, at, at + size);
  }

  /** Demands that nothing is left. */
  finish(): void {
    if (this.remaining !== 0) throw new MalformedError(`${this.remaining} bytes too many`);
  }
}

function u32At(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return ((high << 16) | low) >>> 0;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lexicographic order of bytes: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
