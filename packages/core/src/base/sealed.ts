/** Node-local facts on disk: a version, the bytes, and a hash that covers the fact's name too, so that a misplaced one is seen. */
import type { Primitives } from "./primitives.js";

const SEAL_VERSION = 1;
const SEAL_BYTES = 9;

function hashOf(primitives: Primitives, name: string, bytes: Uint8Array): bigint {
  const room = new Uint8Array(name.length * 3);
  const size = primitives.text.encodeInto(name, room, 0);
  return primitives.hash64(bytes, primitives.hash64(room.subarray(0, size)));
}

export function seal(primitives: Primitives, name: string, bytes: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(SEAL_BYTES + bytes.length);
  sealed[0] = SEAL_VERSION;
  new DataView(sealed.buffer).setBigUint64(1, hashOf(primitives, name, bytes));
  sealed.set(bytes, SEAL_BYTES);
  return sealed;
}

/** Undefined for bytes that are damaged, lie under another name or have a version this code does not know. */
export function unseal(primitives: Primitives, name: string, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < SEAL_BYTES || sealed[0] !== SEAL_VERSION) return undefined;
  const bytes = sealed.subarray(SEAL_BYTES);
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  return view.getBigUint64(1) === hashOf(primitives, name, bytes) ? bytes : undefined;
}
