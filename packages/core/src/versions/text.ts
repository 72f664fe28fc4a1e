/** Reading the short texts of a state strictly: bytes that are not UTF-8 are refused, or two byte strings would be one state. */
import { MalformedError } from "../base/bytes.js";
import type { Reader } from "../base/bytes.js";

const ASCII_MAX = 64;

/** @throws MalformedError */
export function decodeText(reader: Reader): string {
  const bytes = reader.blob();
  return asciiOf(bytes) ?? strictText(reader, bytes);
}

/** Names of nodes and content types: nearly always short and plain, where a loop is quicker than a decoder. */
function asciiOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > ASCII_MAX) return undefined;
  let text = "";
  for (const byte of bytes) {
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

function strictText(reader: Reader, bytes: Uint8Array): string {
  const text = reader.text.decode(bytes, 0, bytes.length);
  const again = new Uint8Array(text.length * 3);
  const length = reader.text.encodeInto(text, again, 0);
  const isSame = length === bytes.length && bytes.every((byte, i) => byte === again[i]);
  if (!isSame) throw new MalformedError("text that is not UTF-8");
  return text;
}
