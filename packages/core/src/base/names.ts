/** What a bucket and a key may be called (CONTRACT §3), and a sentence for what may not. */
import { limits } from "./limits.js";

const bucketPattern = /^[A-Za-z0-9._-]{1,64}$/;
const memberPattern = /^[A-Za-z0-9._-]{1,64}$/;
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** Undefined for a good name, else what is wrong with it and what to do. */
export function bucketProblem(bucket: string): string | undefined {
  if (typeof bucket !== "string") return `a bucket's name is a string, not ${String(bucket)}`;
  if (bucketPattern.test(bucket)) return undefined;
  return `a bucket's name is 1-${limits.bucketBytesMax} of A-Z a-z 0-9 . _ -, not ${quote(bucket)}`;
}

export function keyProblem(key: string): string | undefined {
  if (typeof key !== "string") return `a key is a string, not ${String(key)}`;
  const bytes = utf8Length(key);
  if (bytes === 0) return "the key is empty; a key is 1-1024 bytes of UTF-8";
  if (bytes > limits.keyBytesMax) return `the key is ${bytes} bytes of UTF-8, at most ${limits.keyBytesMax} are taken`;
  if (bytes !== key.length && loneSurrogate.test(key))
    return "the key is not well-formed Unicode; encode it as UTF-8 and percent-encode that";
  return undefined;
}

export function memberProblem(name: string): string | undefined {
  if (memberPattern.test(name)) return undefined;
  return `a member's name is 1-64 of A-Z a-z 0-9 . _ -, not ${quote(name)}`;
}

export function utf8Length(text: string): number {
  return isAscii(text) ? text.length : unicodeLength(text);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

function unicodeLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
