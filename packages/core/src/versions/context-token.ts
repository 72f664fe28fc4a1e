/**
 * A causal context as clients carry it: opaque, versioned, and bound to its key by a keyed hash of the cluster's, so that one from another key,
 * or a changed one, is refused (TRAPS 8; docs/formats/key-state.md).
 */
import { MalformedError, Reader, Writer } from "../base/bytes.js";
import { limits } from "../base/limits.js";
import type { Primitives } from "../base/primitives.js";
import { scratchFor } from "../base/scratch.js";
import type { Stamp } from "../base/hlc.js";
import type { CausalContext } from "./context.js";
import { boundContextVector } from "./context.js";
import { decodeVector, encodeVector } from "./vector-codec.js";

const TOKEN_VERSION = 1;
const HASH_BYTES = 16;
/** A stamp and a few actors: so little lies on V8's own heap, where it costs least. */
const BODY_BYTES_USUAL = 64;
const TOKEN_BYTES_MAX = Math.floor((limits.contextCharsMax * 3) / 4);

/** The token of a context: version (1 byte), keyed hash (16), stamp, vector. `secret` is the cluster's, `keyId` the key's full name. */
export function sealContext(
  primitives: Primitives,
  secret: Uint8Array,
  keyId: Uint8Array,
  context: CausalContext,
): Uint8Array {
  const body = new Writer(primitives.text, BODY_BYTES_USUAL);
  body.uvarint(context.stamp);
  encodeVector(body, boundContextVector(context.vector, []));
  const token = new Uint8Array(1 + HASH_BYTES + body.length);
  token[0] = TOKEN_VERSION;
  token.set(hashOf(primitives, secret, keyId, body.view()), 1);
  token.set(body.view(), 1 + HASH_BYTES);
  return token;
}

/** The context in a token; undefined when it is malformed, was changed, or belongs to another key or cluster: to one who has no secret these are one. */
export function openContext(
  primitives: Primitives,
  secret: Uint8Array,
  keyId: Uint8Array,
  token: Uint8Array,
): CausalContext | undefined {
  if (token.length > TOKEN_BYTES_MAX) return undefined;
  try {
    const reader = new Reader(primitives.text, token);
    if (reader.u8() !== TOKEN_VERSION) return undefined;
    const hash = reader.raw(HASH_BYTES);
    const body = token.subarray(reader.offset);
    if (!equalSecretly(hash, hashOf(primitives, secret, keyId, body))) return undefined;
    const stamp = reader.uvarint() as Stamp;
    const vector = decodeVector(reader);
    reader.finish();
    return { vector, stamp };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/**
 * What a token covers, for the client that carries it: read, not verified, since only the cluster has the secret. Undefined for what is no
 * token of this version.
 */
export function peekContext(text: Primitives["text"], token: Uint8Array): CausalContext | undefined {
  try {
    const reader = new Reader(text, token);
    if (reader.u8() !== TOKEN_VERSION) return undefined;
    reader.raw(HASH_BYTES);
    const stamp = reader.uvarint() as Stamp;
    return { vector: decodeVector(reader), stamp };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** The key's name goes in with its length, so that no name and body run into those of another key. */
function hashOf(primitives: Primitives, secret: Uint8Array, keyId: Uint8Array, body: Uint8Array): Uint8Array {
  const writer = scratchFor(primitives.text);
  writer.u8(TOKEN_VERSION);
  writer.blob(keyId);
  writer.raw(body);
  return primitives.keyedHash(secret, writer.view());
}

/** Takes the same time wherever the first difference is, so that a hash cannot be guessed byte by byte. */
function equalSecretly(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] ?? 0);
  return difference === 0;
}
