/**
 * Which partitions this instance holds whole: it has merged each from everybody it must, and its silence about a key there is a proof
 * (DESIGN §4, "an empty instance proves nothing"). On disk, since it must still be one after a restart.
 */
import { Reader, Writer } from "../base/bytes.js";
import type { Primitives } from "../base/primitives.js";
import { seal, unseal } from "../base/sealed.js";
import type { MetaWrite, ReadOutcome } from "../ports/storage.js";

export const wholeMetaName = "whole";

export function encodeWhole(primitives: Primitives, whole: ReadonlySet<number>, partitions: number): MetaWrite {
  const bits = new Uint8Array(Math.ceil(partitions / 8));
  for (const partition of whole) bits[partition >> 3] = (bits[partition >> 3] as number) | (1 << (partition & 7));
  const writer = new Writer(primitives.text);
  writer.blob(bits);
  return { name: wholeMetaName, value: seal(primitives, wholeMetaName, writer.take()) };
}

/** The partitions that were whole; none where that can't be read. */
export function decodeWhole(primitives: Primitives, outcome: ReadOutcome): Set<number> {
  const whole = new Set<number>();
  const bytes = outcome.kind === "found" ? unseal(primitives, wholeMetaName, outcome.value) : undefined;
  if (bytes === undefined) return whole;
  const bits = new Reader(primitives.text, bytes).blob();
  for (let partition = 0; partition < bits.length * 8; partition++) {
    if (((bits[partition >> 3] as number) >> (partition & 7)) & 1) whole.add(partition);
  }
  return whole;
}
