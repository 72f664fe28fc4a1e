/** The value of the record that begins a segment: which one it goes on from, and how long that one was, so that a cut end is told from one that was torn. */

export interface Predecessor {
  readonly id: number;
  /** Bytes of it that are proven when the record that says so is. */
  readonly end: number;
}

const BYTES = 12;

export function encodePredecessor({ id, end }: Predecessor): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, id);
  view.setBigUint64(4, BigInt(end));
  return bytes;
}

export function decodePredecessor(bytes: Uint8Array): Predecessor | undefined {
  if (bytes.length !== BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { id: view.getUint32(0), end: Number(view.getBigUint64(4)) };
}
