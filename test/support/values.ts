/** Values that no two writes share and that check themselves: `tag|filler|hash` (CHECKERS.md, "The history"). */
import { createHash } from "node:crypto";

const HASH_CHARS = 32;
const SEPARATOR = 0x7c;

/** The value of the write `tag`: the tag, a filler that follows from it, and the hash of both; `size` bytes, or as few as that takes. */
export function valueOf(tag: string, size = 0): Buffer {
  if (tag.includes("|")) throw new Error(`a tag holds no |: ${tag}`);
  const fillerBytes = Math.max(0, size - Buffer.byteLength(tag) - HASH_CHARS - 2);
  const body = Buffer.concat([Buffer.from(`${tag}|`), filler(tag, fillerBytes), Buffer.from("|")]);
  return Buffer.concat([body, Buffer.from(hashOf(body))]);
}

/** The tag of a value. @throws Error when not every byte is as it was written (C6). */
export function tagOf(value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const body = bytes.subarray(0, -HASH_CHARS);
  const tag = body.toString("utf8", 0, body.indexOf("|"));
  if (tag === "" || hashOf(body) !== bytes.toString("latin1", body.length)) {
    throw new Error(`corrupt value of ${bytes.length} bytes: ${bytes.toString("latin1", 0, 80)}`);
  }
  return tag;
}

/** Bytes of every kind but the separator, the same for the same tag. */
function filler(tag: string, size: number): Buffer {
  const seed = createHash("sha256").update(tag).digest();
  const bytes = Buffer.alloc(size, seed);
  for (let i = 0; i < size; i++) {
    const byte = (bytes[i] as number) ^ ((i >> 5) & 0xff);
    bytes[i] = byte === SEPARATOR ? SEPARATOR + 1 : byte;
  }
  return bytes;
}

function hashOf(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex").slice(0, HASH_CHARS);
}
