/** Names a write through all its retries (DESIGN §4, Retries): the same idempotency key gives the same tag, whatever the attempt. */
import { Writer } from "../base/bytes.js";
import type { Primitives } from "../base/primitives.js";
import { scratchFor } from "../base/scratch.js";
import type { OperationTag, PutCommand } from "./messages.js";

type Write = Pick<PutCommand, "id" | "value" | "contentType" | "ttlSeconds" | "context">;

const NO_KEY = new Uint8Array();
/** Writes of larger values get a slab of their own, so that the one that is kept stays small. */
const SCRATCH_VALUE_BYTES = 16 * 1024;

/** `attempt`: 1 says that no earlier one was made, so that nobody is asked about it; undefined that there may have been one. */
export function operationTag(
  primitives: Primitives,
  idempotencyKey: string,
  write: Write,
  attempt: number | undefined,
): OperationTag {
  const writer = new Writer(primitives.text);
  writer.string(idempotencyKey);
  return operationTagOf(primitives, primitives.keyedHash(NO_KEY, writer.view()).slice(0, 16), write, attempt);
}

/** The tag of a write whose id was drawn rather than hashed: 16 bytes that no other write has. */
export function operationTagOf(
  primitives: Primitives,
  id: Uint8Array,
  write: Write,
  attempt: number | undefined,
): OperationTag {
  return { id, check: checkOf(primitives, write), maybeRetry: attempt !== 1 };
}

/** A hash of all that makes two writes different. */
function checkOf(primitives: Primitives, { id, value, contentType, ttlSeconds, context }: Write): bigint {
  const writer = (value?.length ?? 0) > SCRATCH_VALUE_BYTES ? new Writer(primitives.text) : scratchFor(primitives.text);
  writer.blob(id);
  writer.blob(context);
  writer.string(contentType);
  writer.u8(Number(value !== undefined));
  if (value !== undefined) writer.blob(value);
  if (ttlSeconds !== undefined) writer.uvarint(ttlSeconds);
  return primitives.hash64(writer.view());
}
