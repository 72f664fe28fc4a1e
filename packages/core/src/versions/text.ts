/** Reading the short texts of a state strictly: bytes that are not UTF-8 are refused, or two byte strings would be one state. */
import { MalformedError } from "../base/bytes.js";
import type { Reader } from "../base/bytes.js";

const ASCII_MAX = 64;
/** A power of two: the names of a cluster's nodes and the content types of a program are few, and come with every state. */
const REMEMBERED = 64;
const remembered: (string | undefined)[] = new Array<string | undefined>(REMEMBERED).fill(undefined);

/** @throws MalformedError */
export function decodeText(reader: Reader): string {
  const bytes = reader.blob();
  return asciiOf(bytes) ?? strictText(reader, bytes);
}

/** Names of nodes and content types: nearly always short and plain, where a loop is quicker than a decoder. */
function asciiOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > ASCII_MAX) return undefined;
  const place = (bytes.length * 31 + (bytes[bytes.length - 1] ?? 0) + (bytes[0] ?? 0) * 7) & (REMEMBERED - 1);
  const known = remembered[place];
  if (known !== undefined && isText(bytes, known)) return known;
  let text = "";
  for (const byte of bytes) {
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return (remembered[place] = text);
}

function isText(bytes: Uint8Array, ascii: string): boolean {
  if (bytes.length !== ascii.length) return false;
  for (let i = 0; i < ascii.length; i++) if (bytes[i] !== ascii.charCodeAt(i)) return false;
  return true;
}

function strictText(reader: Reader, bytes: Uint8Array): string {
  const text = reader.text.decode(bytes, 0, bytes.length);
  const again = new Uint8Array(text.length * 3);
  const length = reader.text.encodeInto(text, again, 0);
  const isSame = length === bytes.length && bytes.every((byte, i) => byte === again[i]);
  if (!isSame) throw new MalformedError("text that is not UTF-8");
  return text;
}
