/** What is written back in the place of a key's siblings. */
import type { SiblingView } from "./api.js";

export interface Resolution {
  readonly body: Uint8Array;
  readonly contentType: string;
}

/** A sibling as it stands, byte for byte. */
export function resolutionOf({ value, encoding, contentType }: SiblingView): Resolution {
  return { body: Buffer.from(value, encoding === "base64" ? "base64" : "utf8"), contentType };
}

/** The content type of a value that a person gives: the siblings' own when they share one. */
export function sharedType(siblings: readonly SiblingView[]): string {
  const types = new Set(siblings.map(({ contentType }) => contentType));
  const [only] = types;
  return types.size === 1 && only !== undefined ? only : "text/plain; charset=utf-8";
}
