/** Whether a client's command on the peer protocol names a key that there can be: the HTTP door checks its own (CONTRACT §3). */
import { equalBytes } from "../base/bytes.js";
import { namesOf } from "../base/key-id.js";
import { limits } from "../base/limits.js";
import { bucketProblem, keyProblem, utf8Length } from "../base/names.js";
import { ttlProblem } from "../base/ttl.js";
import type { Primitives } from "../base/primitives.js";
import type { GetCommand, PutCommand } from "../wire/messages.js";

const SLASH = 0x2f;
/** What bytes that are not UTF-8 are read as. */
const REPLACEMENT = "\ufffd";
const ID_BYTES_MAX = limits.bucketBytesMax + 1 + limits.keyBytesMax;

/** What is wrong with the command, for people; undefined when nothing is. */
export function commandProblem(primitives: Primitives, command: GetCommand | PutCommand): string | undefined {
  const { id } = command;
  if (id.length > ID_BYTES_MAX) return `the key's id is ${id.length} bytes, at most ${ID_BYTES_MAX} are taken`;
  if (!id.includes(SLASH)) return "the key's id is not bucket/key";
  const { bucket, key } = namesOf(primitives, id);
  const problem = bucketProblem(bucket) ?? keyProblem(key);
  if (problem !== undefined) return problem;
  if (key.includes(REPLACEMENT) && !isUtf8(primitives, id)) return "the key is not UTF-8";
  if (command.kind === "get") return undefined;
  if (utf8Length(command.contentType) > limits.contentTypeBytesMax) {
    return `the content type is longer than ${limits.contentTypeBytesMax} bytes`;
  }
  if (command.ttlSeconds === undefined) return undefined;
  return command.value === undefined
    ? "a tombstone does not expire: a DELETE takes no TTL"
    : ttlProblem(command.ttlSeconds);
}

function isUtf8({ text }: Primitives, bytes: Uint8Array): boolean {
  const decoded = text.decode(bytes, 0, bytes.length);
  const again = new Uint8Array(decoded.length * 3);
  return equalBytes(again.subarray(0, text.encodeInto(decoded, again, 0)), bytes);
}
