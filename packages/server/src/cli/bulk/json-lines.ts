/** JSON lines, `{"key","value","encoding"?,"contentType"?}` (CONTRACT §2): read for import, written by export. */
import { isUtf8 } from "node:buffer";
import type { Readable } from "node:stream";
import { keyProblem } from "@kvorum/core";
import type { SiblingView } from "../api.js";
import { DEFAULT_CONTENT_TYPE } from "./content-types.js";
import type { SourceItem } from "./entry.js";

/** A value of 16 MiB with every byte escaped; a line beyond it is no line of ours. */
export const LINE_BYTES_MAX = 128 * 1024 * 1024;
const NEWLINE = 0x0a;

/** `progress` counts the bytes of each line. Only a line feed ends one: JSON may hold U+2028, which line readers break at. */
export async function* readJsonLines(source: Readable, lineBytesMax = LINE_BYTES_MAX): AsyncGenerator<SourceItem> {
  let number = 0;
  for await (const line of linesOf(source, lineBytesMax)) {
    number++;
    const bytes = line.length + 1;
    if (isBlank(line)) continue;
    const parsed = parseLine(line);
    if (typeof parsed === "string") {
      yield { rejected: { where: `line ${number}`, reason: parsed, kind: "failed" }, progress: bytes };
    } else {
      yield { entry: { ...parsed.entry, bytes: parsed.value.length, open: async () => parsed.value }, progress: bytes };
    }
  }
}

/** @throws Error for a line beyond `lineBytesMax`: what follows it cannot be told apart any more. */
async function* linesOf(source: Readable, lineBytesMax: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let pending = 0;
  for await (const chunk of source) {
    let rest = chunk as Buffer;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      yield Buffer.concat([...parts, rest.subarray(0, end)]);
      parts = [];
      pending = 0;
      rest = rest.subarray(end + 1);
    }
    parts.push(rest);
    pending += rest.length;
    if (pending > lineBytesMax) throw new Error(`a line of more than ${lineBytesMax} bytes: this is not JSON lines`);
  }
  if (pending > 0) yield Buffer.concat(parts);
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

interface ParsedLine {
  readonly entry: { readonly key: string; readonly contentType: string };
  readonly value: Buffer;
}

const known = new Set(["key", "value", "encoding", "contentType"]);

/** The entry, or what is wrong with the line. */
function parseLine(line: Buffer): ParsedLine | string {
  if (!isUtf8(line)) return "is not UTF-8";
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.toString("utf8"));
  } catch {
    return "is not JSON";
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return "is no JSON object";
  const { key, value, encoding = "utf8", contentType = DEFAULT_CONTENT_TYPE } = parsed as Record<string, unknown>;
  const foreign = Object.keys(parsed).find((field) => !known.has(field));
  if (foreign !== undefined) return `has the unknown field ${JSON.stringify(foreign)}`;
  if (typeof key !== "string") return `needs a "key" that is a string`;
  if (typeof value !== "string") return `needs a "value" that is a string (write JSON values as text)`;
  if (typeof contentType !== "string") return `has a "contentType" that is no string`;
  const problem = keyProblem(key);
  if (problem !== undefined) return problem;
  const bytes = decode(value, encoding);
  return typeof bytes === "string" ? bytes : { entry: { key, contentType }, value: bytes };
}

/** Strict: what would not come back as it was written is refused. */
function decode(value: string, encoding: unknown): Buffer | string {
  if (encoding === "utf8") {
    const bytes = Buffer.from(value, "utf8");
    return bytes.toString("utf8") === value ? bytes : `has a "value" with half a surrogate pair, which is no text`;
  }
  if (encoding !== "base64") return `has the "encoding" ${JSON.stringify(encoding)}; it is "utf8" or "base64"`;
  const bytes = Buffer.from(value, "base64");
  const plain = value.replace(/=+$/, "");
  return bytes.toString("base64").replace(/=+$/, "") === plain ? bytes : `has a "value" that is not base64`;
}

/** What {@link readJsonLines} reads back as the same key, bytes and content type. Defaults are left out. */
export function jsonEntry(key: string, sibling: SiblingView): Readonly<Record<string, string>> {
  return {
    key,
    value: sibling.value,
    ...(sibling.encoding === "utf8" ? {} : { encoding: sibling.encoding }),
    ...(sibling.contentType === DEFAULT_CONTENT_TYPE ? {} : { contentType: sibling.contentType }),
  };
}
