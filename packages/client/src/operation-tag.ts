/** Names a write through all its retries (DESIGN §4, Retries): the same idempotency key gives the same tag, whatever the attempt. */
import { limits, utf8Length, Writer, type OperationTag, type Primitives, type PutCommand } from "@kvorum/core";
import { ValidationError } from "./errors.js";

/** Two hashes of 64 bits, each with a seed of its own, make the 16 bytes of an id. */
const ID_SEED_HIGH = 0n;
const ID_SEED_LOW = 1n;

/** `attempt`: 1 says that no earlier one was made, so that nobody is asked about it; undefined that there may have been one. */
export function operationTag(
  primitives: Primitives,
  idempotencyKey: string,
  write: Pick<PutCommand, "id" | "value" | "contentType" | "context">,
  attempt: number | undefined,
): OperationTag {
  const bytes = utf8Length(idempotencyKey);
  if (bytes === 0 || bytes > limits.idempotencyKeyBytesMax) {
    throw new ValidationError(
      "bad-parameter",
      `an idempotency key is 1-${limits.idempotencyKeyBytesMax} bytes of UTF-8`,
    );
  }
  const key = new Writer(primitives.text);
  key.string(idempotencyKey);
  const id = new Writer(primitives.text, 16);
  id.u64(primitives.hash64(key.view(), ID_SEED_HIGH));
  id.u64(primitives.hash64(key.view(), ID_SEED_LOW));
  return { id: id.take(), check: checkOf(primitives, write), maybeRetry: attempt !== 1 };
}

/** A hash of all that makes two writes different. */
function checkOf(
  primitives: Primitives,
  { id, value, contentType, context }: Pick<PutCommand, "id" | "value" | "contentType" | "context">,
): bigint {
  const writer = new Writer(primitives.text);
  writer.blob(id);
  writer.blob(context);
  writer.string(contentType);
  writer.u8(Number(value !== undefined));
  if (value !== undefined) writer.blob(value);
  return primitives.hash64(writer.view());
}
