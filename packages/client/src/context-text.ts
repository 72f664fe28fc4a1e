/** A causal context as programs carry it: opaque text, the same as HTTP's `Kvorum-Context`, so that it may travel through a form and back. */
import { ValidationError } from "./errors.js";

const BASE64URL = /^[A-Za-z0-9_-]*$/;

export function contextText(context: Uint8Array): string {
  return Buffer.from(context.buffer, context.byteOffset, context.length).toString("base64url");
}

/** @throws ValidationError for what is no context at all; whether it is this key's is for the cluster to say. */
export function contextBytes(context: string): Uint8Array {
  if (typeof context === "string" && BASE64URL.test(context)) return new Uint8Array(Buffer.from(context, "base64url"));
  throw new ValidationError("bad-context", "a context is the text that a read or write of this key gave, unchanged");
}
