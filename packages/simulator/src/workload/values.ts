/** Values that name who wrote them and check themselves: `tag|filler|hash`, so that a reader knows a phantom and a damaged one by its bytes. */
import type { Primitives } from "@kvorum/core";

const SEPARATOR = "|";

export function encodeValue({ text }: Primitives, tag: string, fillerLength: number): Uint8Array {
  const head = `${tag}${SEPARATOR}${"x".repeat(fillerLength)}${SEPARATOR}`;
  const value = head + hashText(head);
  const bytes = new Uint8Array(value.length);
  text.encodeInto(value, bytes, 0);
  return bytes;
}

/** The tag, or undefined for bytes that {@link encodeValue} did not write. */
export function tagOf({ text }: Primitives, value: Uint8Array): string | undefined {
  const whole = text.decode(value, 0, value.length);
  const hashAt = whole.lastIndexOf(SEPARATOR) + 1;
  if (hashText(whole.slice(0, hashAt)) !== whole.slice(hashAt)) return undefined;
  return whole.slice(0, whole.indexOf(SEPARATOR));
}

/** FNV-1a over the characters: these are ASCII. */
function hashText(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
